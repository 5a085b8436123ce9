"""What saw 201 is kept and sent, however the HTTP door ends: SIGTERM under load, kill -9 of its processes."""

import http.client
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.harness.api import Api, Office, open_office
from tests.harness.mail import address
from tests.harness.relay import Relay
from tests.harness.waiting import wait_until

Make = Callable[..., Relay]
CLIENTS = 8


class Load:
    """Clients that post for ever, each email to a recipient of its own; they note what was answered 201."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._over = threading.Event()
        self._clients = [threading.Thread(target=self._post) for _ in range(CLIENTS)]
        self.accepted: dict[str, str] = {}  # message id -> recipient
        self.cut = 0  # requests without an answer
        for client in self._clients:
            client.start()

    def _post(self) -> None:
        api = Api(self._office.relay, self._office.key)
        while not self._over.is_set():
            recipient = address()
            try:
                reply = api.post(self._office.message(recipient))
            except (OSError, http.client.HTTPException):
                api.close()  # the next request opens another connection
                self.cut += 1
                time.sleep(0.05)
                continue
            assert reply.status in (201, 503), reply
            if reply.status == 201:
                self.accepted[reply.json["id"]] = recipient
        api.close()

    def reach(self, count: int, seconds: float = 60) -> None:
        wait_until(lambda: len(self.accepted) >= count, seconds, lambda: f"{len(self.accepted)} of {count} accepted")

    def end(self) -> None:
        self._over.set()
        for client in self._clients:
            client.join(60)
            assert not client.is_alive()


@contextmanager
def loaded(office: Office) -> Iterator[Load]:
    load = Load(office)
    try:
        yield load
    finally:
        load.end()


def assert_all_found_and_sent(office: Office, accepted: dict[str, str]) -> None:
    api = Api(office.relay, office.key)
    for message_id, recipient in accepted.items():
        found = api.get(f"/v2/notifications/{message_id}")
        assert (found.status, found.json.get("email_address")) == (200, recipient)
    api.close()

    def missing() -> set[str]:
        return set(accepted.values()) - {envelope["rcpt_to"][0] for envelope, _ in office.relay.outbox()}  # type: ignore[index]

    wait_until(lambda: not missing(), said=missing)


def test_sigterm_under_load_loses_no_201(make_relay: Make) -> None:
    relay = make_relay(PROCESSES=2)
    office = open_office(relay.start(), "--per-minute", "100000")
    with loaded(office) as load:
        load.reach(100)
        began = time.monotonic()
        assert relay.stop(20) == 0
        assert time.monotonic() - began < 20
    assert load.cut > 0, "the load ended before the relay did"
    relay.start()
    assert_all_found_and_sent(office, load.accepted)


def test_kill_9_of_http_doors_under_load_loses_no_201(make_relay: Make) -> None:
    relay = make_relay(PROCESSES=2)
    office = open_office(relay.start(), "--per-minute", "100000")
    with loaded(office) as load:
        for number in range(4):
            load.reach(len(load.accepted) + 30)
            victim = next(pid for pid, name in relay.children().items() if name == f"http-{number % 2}")
            os.kill(victim, signal.SIGKILL)
        load.reach(len(load.accepted) + 30)
    assert load.cut > 0, "no request was cut"
    assert_all_found_and_sent(office, load.accepted)
    assert relay.process is not None
    assert relay.process.poll() is None
