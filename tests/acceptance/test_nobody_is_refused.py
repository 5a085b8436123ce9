"""A restart on passed sockets, and settings that change while it runs: whoever connects meanwhile is greeted."""

import signal
import socket
import time
from collections.abc import Callable

import pytest

from tests.harness.connecting import Clients
from tests.harness.relay import Relay
from tests.harness.sampled import sampled
from tests.harness.waiting import wait_until

Make = Callable[..., Relay]


def heard(manager: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(manager.recv(300, socket.MSG_DONTWAIT).decode())
        except BlockingIOError:
            return [each for each in found if each != "WATCHDOG=1"]


def restarted(make_relay: Make) -> None:
    """As `systemctl restart` does it: the old one ends, then the new one starts, on sockets that stay open."""
    relay = make_relay(PROCESSES=2)
    notify = str(relay.folder / "notify")
    relay.environment["NOTIFY_SOCKET"] = notify
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
        socket.create_server(("127.0.0.1", 0), backlog=256) as starttls,
        socket.create_server(("127.0.0.1", 0)) as tls,
        socket.create_server(("127.0.0.1", 0)) as http,
        socket.create_server(("127.0.0.1", 0)) as site,
    ):
        manager.bind(notify)
        sockets = {"starttls": starttls, "tls": tls, "http": http, "site": site}
        relay.start_on(sockets)
        assert heard(manager) == ["READY=1"]
        with Clients(starttls.getsockname()[1]) as clients:
            while clients.greeted < 20:
                time.sleep(0.05)
            assert relay.stop() == 0
            assert heard(manager) == ["STOPPING=1"]
            before = clients.greeted
            relay.start_on(sockets)
            assert heard(manager) == ["READY=1"]
            while clients.greeted < before + 20:
                time.sleep(0.05)
    print(f"greeted {clients.greeted}, longest wait {clients.waited:.1f} s")
    assert clients.failures == []


def reloaded(make_relay: Make) -> None:
    """SIGHUP: what changed in the settings file holds."""
    relay = make_relay(PROCESSES=2, CONFIG="relay.toml")
    file = relay.folder / "relay.toml"
    file.write_text("[limits]\nper_minute = 2\n")
    relay.start(seconds=60)
    assert relay.process is not None
    before = relay.children()

    with Clients(relay.port) as clients:
        file.write_text('log_level = "debug"\nprocesses = 3\n[limits]\nper_minute = 7\n[smtp]\nmax_recipients = 5\n')
        relay.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(now := relay.children()) >= len(before) and not before.keys() & now.keys(), 90)
        now = relay.children()
    print(f"greeted {clients.greeted}, longest wait {clients.waited:.1f} s")
    assert clients.failures == []
    assert clients.greeted > 10
    (said,) = relay.log_lines("settings.reloaded")
    assert said["names"] == ["LOG_LEVEL", "SMTP__MAX_RECIPIENTS", "LIMITS__PER_MINUTE"]

    file.write_text("[limits]\nper_minute = 'many'\n")
    relay.process.send_signal(signal.SIGHUP)
    refused = wait_until(lambda: relay.log_lines("settings.not_reloaded"))
    assert "LIMITS__PER_MINUTE" in str(refused[0]["problem"])
    assert relay.children().keys() == now.keys()


@pytest.mark.parametrize("change", sampled([reloaded, restarted], lambda at: at == 0))
def test_nobody_is_refused(make_relay: Make, change: Callable[[Make], None]) -> None:
    change(make_relay)
