"""One core behind two doors: the same email by SMTP and by HTTP is the same message to everybody after the door."""

import asyncio
import json
from collections.abc import Iterator
from email.utils import make_msgid
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.receiver import Receiver
from tests.harness.api import call, ended, told_everybody
from tests.harness.callbacks import listen
from tests.harness.mail import email, send
from tests.harness.relay import Credentials, Relay
from tests.harness.sampled import sampled
from tests.harness.ses_process import Ses, settings

SUBJECT, TEXT = "Your passport", "Your passport is ready."
# What a door gives a message of its own; all else is equal.
OF_THE_DOOR = {
    *(
        "door",
        "id",
        "group_id",
        "key_id",
        "template_id",
        "template_version",
        "content_id",
        "content_bytes",
        "content_kind",
    ),
    *(
        "door",
        "provider_id",
        "created_at",
        "sent_at",
        "completed_at",
        "expires_at",
        "attempts",
        "events",
        "callbacks",
        "waiting_until",
        "original_message_id",
    ),
}


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    ses = Ses(events="envelope")
    heard = {"AWS__EVENTS_QUEUE_URL": ses.queue_url, "CALLBACKS__ALLOW_PRIVATE": "true"}
    running = Relay(tmp_path_factory.mktemp("doors"), PROCESSES=1, **settings(ses.url), **heard).start()
    yield running
    running.end()
    ses.end()


def by_smtp(relay: Relay, key: Credentials, recipient: str, reference: str) -> dict[str, Any]:
    message = email(SUBJECT, TEXT, To=recipient, X_Notify_Reference=reference, Message_ID=make_msgid())
    group = send(relay, key, recipient, content=message.as_bytes(), sender="")
    (history,) = relay.histories(group)
    return history


def by_http(relay: Relay, key: Credentials, recipient: str, reference: str, template: str) -> dict[str, Any]:
    body = {"email_address": recipient, "template_id": template, "reference": reference}
    answer = call(relay, key, "/v2/notifications/email", body)
    return relay.json("message", "show", str(answer["id"]))


def is_common(history: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in history.items() if name not in OF_THE_DOOR}


@pytest.mark.parametrize(
    ("recipient", "statuses"),
    sampled(
        [
            ("success@simulator.amazonses.com", ["delivered"]),
            ("bounce@simulator.amazonses.com", ["permanent-failure"]),
            ("late-bounce@simulator.amazonses.com", ["delivered", "permanent-failure"]),
        ],
        lambda at: at == 2,
    ),
)
async def test_the_same_email_by_either_door_is_the_same_message(
    relay: Relay, recipient: str, statuses: list[str]
) -> None:
    key = await asyncio.to_thread(relay.create_key)
    template = await asyncio.to_thread(relay.create_template, key.service_id, SUBJECT, TEXT)
    reference = f"case of {recipient}"
    async with Receiver([]) as receiver:
        await asyncio.to_thread(listen, relay, key, receiver.url)
        mail = await asyncio.to_thread(by_smtp, relay, key, recipient, reference)
        api = await asyncio.to_thread(by_http, relay, key, recipient, reference, template)

        def is_over(history: dict[str, Any]) -> bool:
            return len(history["callbacks"]) == len(statuses) and told_everybody(history)

        mail, api = [await asyncio.to_thread(ended, relay, str(each["id"]), is_over) for each in (mail, api)]
        calls = [json.loads(each.body) for each in await receiver.wait(2 * len(statuses))]

    assert is_common(mail) == is_common(api)
    assert (mail["status"], mail["recipient"], mail["subject"]) == (statuses[-1], recipient, SUBJECT)
    kinds = [[event["kind"] for event in history["events"]] for history in (mail, api)]
    assert kinds[0] == kinds[1]
    assert [event["status"] for event in mail["events"] if event["status"]] == statuses
    for history in (mail, api):
        mine = [each for each in calls if each["id"] == history["id"]]
        assert [each["status"] for each in mine] == statuses
        assert {each["reference"] for each in mine} == {reference}
        assert len(history["attempts"]) == 1
    await asyncio.to_thread(_is_found, relay, key, mail, api)


def _is_found(relay: Relay, key: Credentials, mail: dict[str, Any], api: dict[str, Any]) -> None:
    both = {mail["id"], api["id"]}
    for options in (
        ("--to", mail["recipient"]),
        ("--reference", mail["reference"]),
        ("--service", key.service_id, "--since", "2020-01-01"),
        ("--to", mail["recipient"], "--since", mail["created_at"]),
    ):
        found = relay.json("message", "find", "--service", key.service_id, *options)["messages"]
        assert isinstance(found, list)
        assert {each["id"] for each in found} == both, options
    for history in (mail, api):
        for option, known in (("--group", history["group_id"]), ("--message-id", history["original_message_id"])):
            found = relay.json("message", "find", option, known)["messages"]
            assert isinstance(found, list)
            assert [each["id"] for each in found] == [history["id"]], option
    listed = call(relay, key, "/v2/notifications")["notifications"]
    assert {each["id"] for each in listed} == both
    assert {each["status"] for each in listed} == {mail["status"]}
    one = call(relay, key, f"/v2/notifications/{mail['id']}")
    assert (one["subject"], one["email_address"], one["reference"]) == (SUBJECT, mail["recipient"], mail["reference"])


def test_a_message_is_found_by_the_id_that_its_product_gave_it(relay: Relay) -> None:
    key = relay.create_key()
    message = email(SUBJECT, TEXT, Message_ID="<case.17@dept.example.ca>")
    group = send(relay, key, "x@example.org", content=message.as_bytes())

    found = relay.json("message", "find", "--message-id", "<case.17@dept.example.ca>")["messages"]

    assert isinstance(found, list)
    assert [each["group_id"] for each in found] == [group]
    assert "<case.17@dept.example.ca>" in relay.run("message", "show", group).stdout


def test_nothing_found_is_said_and_is_a_failure(relay: Relay) -> None:
    done = relay.run("message", "find", "--reference", "nobody's", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no message fits" in done.stderr


@pytest.mark.parametrize("doors", [("smtp", "http")])
def test_each_door_alone_serves_with_its_own_role(tmp_path: Path, doors: tuple[str, str]) -> None:
    relays = [Relay(tmp_path, PROCESSES=1) for _ in doors]
    for relay in relays:  # one installation, two supervisors
        relay.environment["NOTIFY_RELAY_HTTP__PUBLIC_URL"] = "http://127.0.0.1:1"
    try:
        for relay, role in zip(relays, doors, strict=True):
            relay.start("--role", role)
        key = relays[0].create_key()
        template = relays[0].create_template(key.service_id, SUBJECT, TEXT)
        mail = by_smtp(relays[0], key, "a@example.org", "r")
        api = by_http(relays[1], key, "a@example.org", "r", template)
        assert is_common(mail) == is_common(api)
        assert mail["status"] == "created"
        names = [set(relay.children().values()) for relay in relays]
        assert {name.split("-")[0] for name in names[1] if name != "ops"} <= {"smtp", "http"}
    finally:
        for relay in relays:
            relay.end()
