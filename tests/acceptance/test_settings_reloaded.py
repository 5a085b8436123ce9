"""SIGHUP: what changed in the settings file holds, and nobody is refused meanwhile."""

import signal
import time
from collections.abc import Callable

import pytest

from tests.acceptance.test_restart_on_passed_sockets import Clients
from tests.harness.relay import Relay


@pytest.mark.whole
def test_settings_that_may_change_do_without_a_restart(make_relay: Callable[..., Relay]) -> None:
    relay = make_relay(PROCESSES=2, CONFIG="relay.toml")
    file = relay.folder / "relay.toml"
    file.write_text("[limits]\nper_minute = 2\n")
    relay.start(seconds=60)
    assert relay.process is not None
    before = relay.children()

    with Clients(relay.port) as clients:
        file.write_text('log_level = "debug"\nprocesses = 3\n[limits]\nper_minute = 7\n[smtp]\nmax_recipients = 5\n')
        relay.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 90
        while before.keys() & (now := relay.children()).keys() or len(now) < len(before):
            assert time.monotonic() < deadline, now
            time.sleep(0.1)
    print(f"greeted {clients.greeted}, longest wait {clients.waited:.1f} s")
    assert clients.failures == []
    assert clients.greeted > 10
    (said,) = relay.log_lines("settings.reloaded")
    assert said["names"] == ["LOG_LEVEL", "SMTP__MAX_RECIPIENTS", "LIMITS__PER_MINUTE"]

    file.write_text("[limits]\nper_minute = 'many'\n")
    relay.process.send_signal(signal.SIGHUP)
    while not (refused := relay.log_lines("settings.not_reloaded")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert "LIMITS__PER_MINUTE" in str(refused[0]["problem"])
    assert relay.children().keys() == now.keys()
