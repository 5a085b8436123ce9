"""Whom nothing is sent to, by the real command and a real client: what is urgent hears so, the rest ends unsent."""

import pytest

from tests.harness.mail import address, connect, group_id
from tests.harness.relay import Relay

NOTHING = "550 5.7.1 nothing is sent to this recipient"


def test_a_client_hears_at_once_of_what_is_urgent_and_all_else_ends_unsent(relay: Relay) -> None:
    service = str(relay.create_service("--live")["id"])
    gone, there = address("gone"), address()
    relay.run("suppression", "add", gone.upper(), "--service", service)
    urgent, usual = (relay.create_key("--lane", lane, service=service) for lane in ("priority", "normal"))

    with connect(relay, urgent) as client:
        assert client.submit([gone]).startswith(NOTHING)
        both = group_id(client.submit([gone, there]), 2)
    with connect(relay, usual) as client:
        accepted = group_id(client.submit([gone]))
    (ended,) = relay.wait_for_status(accepted, "permanent-failure")
    assert (ended["reason"], ended["attempts"]) == ("suppressed", [])
    relay.wait_for_mail(there)
    assert relay.mail_to(gone) == []
    assert {str(each["recipient"]): each["reason"] for each in relay.histories(both)}[gone] == "suppressed"

    relay.run("suppression", "remove", gone, "--service", service)
    with connect(relay, urgent) as client:
        group_id(client.submit([gone]))
    relay.wait_for_mail(gone)


def test_what_counts_for_all_ends_the_mail_of_any_service(relay: Relay) -> None:
    gone = address("gone")
    relay.run("suppression", "add", gone)
    with connect(relay, relay.create_key("--lane", "priority")) as client:
        assert client.submit([gone]).startswith(NOTHING)
    relay.run("suppression", "remove", gone)


@pytest.mark.parametrize("recipient", ["left.the.office@example.org", "+16135550142"])
def test_the_command_adds_lists_shows_and_removes(relay: Relay, recipient: str) -> None:
    service = str(relay.create_service("--live")["id"])
    of_service = ("--service", service)
    added = relay.json("suppression", "add", recipient, *of_service, "--until", "2100-01-01")
    assert (added["recipient"], added["reason"], added["service_id"]) == (recipient, "by-hand", service)
    assert added["until"] == "2100-01-01T00:00:00Z"
    for asked in (("list", *of_service), ("list", *of_service, "--reason", "by-hand"), ("show", recipient)):
        assert relay.json("suppression", *asked) == {"suppressions": [added]}
    assert relay.json("suppression", "list", *of_service, "--reason", "bounce") == {"suppressions": []}
    head, line = relay.run("suppression", "list", *of_service).stdout.splitlines()
    assert head.split() == ["recipient", "reason", "since", "until", "service_id"]
    assert line.split() == [recipient, "by-hand", added["since"], added["until"], service]

    assert relay.json("suppression", "remove", recipient, *of_service) == {"suppressions": [added]}
    assert relay.json("suppression", "show", recipient) == {"suppressions": []}
    told = relay.json("audit", "list", *of_service)["entries"]
    actions = [each["action"] for each in told if each["object_kind"] == "suppression"]  # type: ignore[attr-defined]
    assert actions == ["suppression.remove", "suppression.add"]
    assert recipient not in str(told)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("remove", "nobody@example.org"), "suppression show RECIPIENT tells which there are"),
        (("add", "nobody@example.org", "--until", "2020-01-01"), "the time of --until is over"),
        (("add", "nobody"), "notify-relay: "),
        (("add", "a@b@c"), "notify-relay: "),
        (("list", "--service", "no such service"), "notify-relay service list"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(relay: Relay, arguments: tuple[str, ...], said: str) -> None:
    done = relay.run("suppression", *arguments, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert said in done.stderr
