"""A text by either door is the same text after it; mail and texts go in one transaction."""

import json
import time
from collections.abc import Iterator

import pytest

from delivery.library.origination import KEEP_SECONDS
from tests.harness.api import call
from tests.harness.mail import email, send
from tests.harness.relay import Relay

NUMBER = "+16135550100"
OF_THE_DOOR = {
    *("id", "group_id", "template_id", "template_version", "content_id", "provider_id", "created_at", "sent_at"),
    *("door", "completed_at", "expires_at", "attempts", "events", "callbacks", "waiting_until", "original_message_id"),
}


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    running = Relay(tmp_path_factory.mktemp("texts"), PROCESSES=1).start()
    yield running
    running.end()


def test_a_text_by_either_door_is_the_same_text_and_mail_goes_beside_it(relay: Relay) -> None:
    key = relay.create_key()
    body = relay.folder / "body.txt"
    body.write_text("Your passport is ready.")
    template = relay.json("template", "create", "--service", key.service_id, "--type", "sms", "--name", "Ready",
                          "--body-file", str(body))  # fmt: skip
    answer = call(relay, key, "/v2/notifications/sms", {"phone_number": NUMBER, "template_id": template["id"]})
    message = email("Passport", "Your passport is ready.", To="reader@example.org")
    phone = f"{NUMBER}@sms.notification.example.ca"
    group = send(relay, key, phone, "reader@example.org", content=message.as_bytes(), sender="")

    of_http = str(relay.json("message", "show", str(answer["id"]))["group_id"])
    (by_http,) = relay.wait_for_status(of_http, "delivered")
    both = {str(each["channel"]): each for each in relay.wait_for_status(group, "delivered")}
    assert both.keys() == {"email", "sms"}
    texts = [
        {name: value for name, value in each.items() if name not in OF_THE_DOOR} for each in (by_http, both["sms"])
    ]
    assert texts[0] == texts[1]
    files = [
        json.loads((relay.folder / "var/outbox" / f"{each['id']}.sms.json").read_text())
        for each in (by_http, both["sms"])
    ]
    assert {(file["to"], file["from"], file["parts"]) for file in files} == {(NUMBER, None, 1)}
    assert files[0]["body"] == files[1]["body"]
    assert files[0]["body"].endswith(": Your passport is ready.")
    assert (relay.folder / "var/outbox" / f"{both['email']['id']}.eml").exists()


def test_a_text_leaves_from_the_number_that_it_names(relay: Relay) -> None:
    key = relay.create_key()
    body = relay.folder / "body.txt"
    body.write_text("Your passport is ready.")
    template = relay.json("template", "create", "--service", key.service_id, "--type", "sms", "--name", "Ready",
                          "--body-file", str(body))["id"]  # fmt: skip
    own = ("--service", key.service_id, "--kind", "long-code")
    usual, spare = (
        relay.json("sender", "add", number, *own, *more)
        for number, more in (("+16135550190", ()), ("+16135550191", ("--on-request",)))
    )
    asked: dict[str, object] = {"phone_number": NUMBER, "template_id": template}
    time.sleep(KEEP_SECONDS + 0.5)  # what doors and workers know of senders is so old at most
    for sender, more in ((usual, {}), (spare, {"sms_sender_id": spare["id"]})):
        answer = call(relay, key, "/v2/notifications/sms", asked | more)
        assert answer["content"]["from_number"] == sender["identity"]
        shown = relay.json("message", "show", str(answer["id"]))
        relay.wait_for_status(str(shown["group_id"]), "delivered")
        file = json.loads((relay.folder / "var/outbox" / f"{answer['id']}.sms.json").read_text())
        assert file["from"] == sender["identity"]
