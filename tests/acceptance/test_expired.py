"""Mail of a held service ends when it expires, while it is held."""

import time
from collections.abc import Callable

from tests.harness.mail import address, connect, email, group_id
from tests.harness.relay import Relay


def test_held_mail_ends_when_it_expires_and_not_when_it_is_released(make_relay: Callable[..., Relay]) -> None:
    relay = make_relay()
    key = relay.start().create_key()
    relay.run("queue", "hold")
    letter = email("Soon over")
    letter["X-Notify-Expires"] = "2"
    with connect(relay, key) as client:
        group = group_id(client.submit([address()], letter.as_bytes()), recipients=1)
    relay.stop()
    time.sleep(2)
    relay.start()  # it looks at once, then every half a minute
    (ended,) = relay.wait_for_status(group, "technical-failure")
    assert (ended["reason"], ended["waiting_until"], ended["attempts"]) == ("expired", None, [])
    assert relay.outbox() == []
