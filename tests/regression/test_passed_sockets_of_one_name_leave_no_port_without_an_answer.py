"""A service manager that passes two sockets under one name hears so: else clients would wait on one of them."""

import os

import pytest

from config.settings import SettingsError, load
from relay.processes.roles import ROLES
from relay.processes.sockets import listen


def test_two_sockets_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "2")
    monkeypatch.setenv("LISTEN_FDNAMES", "starttls:starttls")
    with pytest.raises(SettingsError, match="names starttls twice"):
        listen(load(), ROLES["smtp"])
