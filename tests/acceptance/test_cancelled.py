"""What is scheduled is taken back by the command, a message or a whole group, and does not leave."""

from datetime import UTC, datetime, timedelta

from tests.harness.mail import address, connect, email, group_id
from tests.harness.relay import Relay


def test_a_scheduled_message_and_a_group_are_cancelled_and_never_sent(relay: Relay) -> None:
    key = relay.create_key()
    later = (datetime.now(UTC) + timedelta(hours=2)).isoformat(timespec="seconds")
    letter = email("Later")
    letter["X-Notify-Scheduled-For"] = later
    with connect(relay, key) as client:
        group = group_id(client.submit([address() for _ in range(3)], letter.as_bytes()), recipients=3)
    first, *others = (str(each["id"]) for each in relay.histories(group))

    assert relay.json("message", "cancel", first) == {"id": first, "status": "cancelled"}
    assert relay.json("message", "cancel", "--group", group) == {
        "group_id": group,
        "cancelled": len(others),
        "not_cancelled": 1,
    }
    assert {each["status"] for each in relay.histories(group)} == {"cancelled"}
    again = relay.run("message", "cancel", first, check=False)
    assert (again.returncode, "it is cancelled" in again.stderr) == (1, True)
    neither = relay.run("message", "cancel", "--group", group, first, check=False)
    assert neither.returncode == 2
