"""The published Python and Node clients, unmodified, against the running command.

Each reply that they get is also held against what the clients of the other languages demand of it.
"""

import time
from collections.abc import Callable, Iterator
from io import BytesIO
from random import randrange
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests
from notifications_python_client import NotificationsAPIClient
from notifications_python_client.authentication import create_jwt_token, decode_jwt_token
from notifications_python_client.errors import HTTP503Error, HTTPError, TokenDecodeError

from tests.conftest import skip_or_fail
from tests.harness.api import BODY, LISTED, SUBJECT, VALUES, Office, contract, service_and_secret
from tests.harness.api_contract import PAGE_SIZE, Reply
from tests.harness.mail import address, connect, email, group_id
from tests.harness.node import NodeClient, missing

FILLED = "Hello Amélie,\n\nyour permit is ready. Please hurry."


def python_client(office: Office, api_key: str | None = None) -> NotificationsAPIClient:
    """The published client; its HTTP session shows us every answer."""
    client = NotificationsAPIClient(api_key or office.key.api_key, base_url=office.url)
    judge = contract(office.relay, office.key)

    def look(response: requests.Response, *_: Any, **__: Any) -> None:
        headers = {name.lower(): value for name, value in response.headers.items()}
        assert response.request.method is not None
        target = response.request.path_url
        judge.check(Reply(response.request.method, target, response.status_code, headers, response.content))

    client.request_session.hooks["response"].append(look)
    return client


@pytest.fixture
def python(office: Office) -> Iterator[NotificationsAPIClient]:
    client = python_client(office)
    yield client
    client.request_session.close()


@pytest.fixture
def node(office: Office) -> Iterator[NodeClient]:
    if problem := missing():
        skip_or_fail(f"NOT TESTED WITH THE NODE CLIENT: {problem}")
    client = NodeClient(office.url, office.key.api_key, contract(office.relay, office.key))
    yield client
    client.end()


# -- Python --------------------------------------------------------------------------------------------------------


def test_python_client_sends_an_email_and_reads_it_until_it_is_sent(
    office: Office, python: NotificationsAPIClient
) -> None:
    recipient, reference = address(), f"case {uuid4()}"
    sent = python.send_email_notification(
        recipient, office.template, personalisation=VALUES, reference=reference, one_click_unsubscribe_url=None
    )
    assert sent["reference"] == reference
    assert (sent["content"]["subject"], sent["content"]["body"]) == ("Permit 7 is ready", FILLED)
    assert sent["template"]["id"] == office.template
    found = python.get_notification_by_id(sent["id"])
    assert (found["id"], found["email_address"], found["reference"]) == (sent["id"], recipient, reference)
    assert (found["subject"], found["body"]) == ("Permit 7 is ready", FILLED)
    assert found["template"] == sent["template"]
    _, content = office.relay.wait_for_mail(recipient)
    assert b"\r\nSubject: Permit 7 is ready\r\n" in content
    deadline = time.monotonic() + 60  # the file is there before its attempt is recorded
    while (found := python.get_notification_by_id(sent["id"]))["status"] == "created" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert (found["status"] in ("sending", "delivered"), found["sent_at"] is not None) == (True, True)


def test_python_client_sends_what_only_newer_clients_know(office: Office, python: NotificationsAPIClient) -> None:
    recipient = address()
    sent = python.send_email_notification(
        recipient,
        office.template,
        personalisation={**VALUES, "name": "[Click](https://bad.example)"},
        one_click_unsubscribe_url="https://service.example/unsubscribe?who=7",
        sanitise_content_for=["name"],
    )
    assert sent["content"]["one_click_unsubscribe_url"] == "https://service.example/unsubscribe?who=7"
    assert sent["sanitised_content"]["name"]["unsanitised"] == "[Click](https://bad.example)"
    assert "https://" not in sent["content"]["body"]
    _, content = office.relay.wait_for_mail(recipient)
    assert b"bad.example" not in content
    assert b"List-Unsubscribe: <https://service.example/unsubscribe?who=7>" in content


def test_python_client_lists_and_iterates_over_all_pages(
    office: Office, listed: str, python: NotificationsAPIClient
) -> None:
    first = python.get_all_notifications(reference=listed, include_jobs=True)
    assert len(first["notifications"]) == PAGE_SIZE
    every = list(python.get_all_notifications_iterator(reference=listed))
    assert len({each["id"] for each in every}) == LISTED
    assert [each["id"] for each in every[:PAGE_SIZE]] == [each["id"] for each in first["notifications"]]
    assert {each["subject"] for each in every} == {f"Permit {number} is ready" for number in range(LISTED)}
    last = python.get_all_notifications(reference=listed, older_than=every[-1]["id"])
    assert last["notifications"] == []
    assert python.get_all_notifications(older_than=str(uuid4()))["notifications"] == []


def test_python_client_filters_by_status_and_type(office: Office, listed: str, python: NotificationsAPIClient) -> None:
    def count(**query: Any) -> int:
        return len(list(python.get_all_notifications_iterator(reference=listed, **query)))

    assert count(template_type="email") == LISTED
    assert count(template_type="sms") == 0
    assert count(status=["created", "sending", "delivered"]) == LISTED
    assert count(status="failed") == 0


def test_python_client_lists_mail_that_came_by_smtp_with_its_hidden_template(office: Office) -> None:
    key = office.relay.create_key()
    with connect(office.relay, key) as client:
        group = group_id(client.submit([address()], email("By SMTP").as_bytes()))
    own = Office(office.relay, key, "")
    (found,) = python_client(own).get_all_notifications_iterator()
    assert (found["subject"], found["body"], found["type"]) == ("By SMTP", "", "email")
    assert found["id"] in {message["id"] for message in office.relay.histories(group)}
    assert python_client(own).get_all_templates() == {"templates": []}
    assert python_client(own).get_template(found["template"]["id"])["id"] == found["template"]["id"]


def test_python_client_reads_templates(office: Office, python: NotificationsAPIClient) -> None:
    template = python.get_template(office.template)
    assert (template["name"], template["subject"], template["version"]) == ("Permit", SUBJECT, 1)
    assert template["body"] == BODY
    assert template["personalisation"].keys() == {"name", "number", "late"}
    assert python.get_template_version(office.template, 1) == template
    assert [each["id"] for each in python.get_all_templates()["templates"]] == [office.template]
    assert python.get_all_templates("email")["templates"] == [template]
    assert python.get_all_templates("sms") == {"templates": []}


@pytest.fixture(scope="module")
def text_office(office: Office) -> Office:
    """A service whose template is one of texts, with a number of its own."""
    key = office.relay.create_key()
    body = office.relay.folder / "text.txt"
    body.write_text("Hello ((name))")
    named = ("--service", key.service_id, "--type", "sms", "--name", "Ready", "--body-file", str(body))
    # Another each time: where tests change processes, the module may come twice to the same relay.
    number = f"+14385{randrange(10**6):06}"
    office.relay.run("sender", "add", number, "--service", key.service_id, "--kind", "long-code")
    return Office(office.relay, key, str(office.relay.json("template", "create", *named)["id"]))


def test_python_client_sends_a_text_and_reads_it(text_office: Office) -> None:
    python, name = python_client(text_office), {"name": "Zoé"}
    own = ("sender", "list", "--service", text_office.key.service_id)
    (sender,) = text_office.relay.json(*own)["senders"]
    asked = ("+16135550100", text_office.template, name)
    sent = python.send_sms_notification(*asked, reference="t", sms_sender_id=sender["id"])
    assert sent["content"] == {"from_number": sender["identity"], "body": "Hello Zoé"}
    found = python.get_notification_by_id(sent["id"])
    assert (found["type"], found["phone_number"], found["body"]) == ("sms", "+16135550100", "Hello Zoé")
    assert [each["id"] for each in python.get_all_notifications_iterator(template_type="sms")] == [sent["id"]]
    preview = python.post_template_preview(text_office.template, name)
    assert (preview["type"], preview["body"], preview["html"]) == ("sms", "Hello Zoé", None)
    assert python.get_received_texts()["received_text_messages"] == []
    assert list(python.get_received_texts_iterator()) == []
    with pytest.raises(HTTPError) as refused:
        python.send_sms_notification(*asked, sms_sender_id=str(uuid4()))
    assert refused.value.message[0]["message"].startswith("sms_sender_id ")
    with pytest.raises(HTTPError) as refused:
        python.send_sms_notification("911", text_office.template, name)
    assert refused.value.message[0]["error"] == "ValidationError"


def test_node_client_sends_a_text_and_reads_it(text_office: Office) -> None:
    if problem := missing():
        skip_or_fail(f"NOT TESTED WITH THE NODE CLIENT: {problem}")
    node = NodeClient(text_office.url, text_office.key.api_key, contract(text_office.relay, text_office.key))
    sent = node.call("sendSms", text_office.template, "+16135550101", {"personalisation": {"name": "Zoé"}})
    assert (sent.status, sent.data["content"]["body"]) == (201, "Hello Zoé")
    assert node.call("getNotificationById", sent.data["id"]).data["phone_number"] == "+16135550101"
    assert node.call("getReceivedTexts").data["received_text_messages"] == []
    node.end()


def test_python_client_previews_a_template(office: Office, python: NotificationsAPIClient) -> None:
    preview = python.post_template_preview(office.template, VALUES)
    assert (preview["id"], preview["version"], preview["type"]) == (office.template, 1, "email")
    assert (preview["subject"], preview["body"]) == ("Permit 7 is ready", FILLED)
    assert preview["html"].startswith("<p")
    assert preview["postage"] is None


REFUSED: dict[str, tuple[Callable[[NotificationsAPIClient, Office], Any], int, str, str]] = {
    "a missing value": (
        lambda client, office: client.send_email_notification(address(), office.template, {"name": "Zoé"}),
        400,
        "BadRequestError",
        "Missing personalisation for template ID {template}: ",
    ),
    "no email address": (
        lambda client, office: client.send_email_notification("reader", office.template, VALUES),
        400,
        "ValidationError",
        "email_address Not a valid email address",
    ),
    "no template id": (
        lambda client, office: client.send_email_notification(address(), "welcome", VALUES),
        400,
        "ValidationError",
        "template_id is not a valid UUID",
    ),
    "an unknown template": (
        lambda client, office: client.send_email_notification(address(), str(uuid4()), VALUES),
        400,
        "BadRequestError",
        "Template not found",
    ),
    "an unknown reply-to id": (
        lambda client, office: client.send_email_notification(
            address(), office.template, VALUES, email_reply_to_id="00000000-0000-4000-8000-000000000000"
        ),
        400,
        "BadRequestError",
        "email_reply_to_id 00000000-0000-4000-8000-000000000000 does not exist in database for service id {service}",
    ),
    "an unknown message": (
        lambda client, office: client.get_notification_by_id(uuid4()),
        404,
        "NoResultFound",
        "No result found",
    ),
    "no message id": (
        lambda client, office: client.get_notification_by_id("latest"),
        400,
        "ValidationError",
        "notification_id is not a valid UUID",
    ),
    "a preview without a value": (
        lambda client, office: client.post_template_preview(office.template, {"name": "Zoé"}),
        400,
        "BadRequestError",
        "Missing personalisation: number, late",
    ),
    "a preview of an unknown template": (
        lambda client, office: client.post_template_preview(uuid4(), VALUES),
        404,
        "NoResultFound",
        "No result found",
    ),
    "a letter": (
        lambda client, office: client.send_letter_notification(office.template, VALUES),
        400,
        "BadRequestError",
        "Service is not allowed to send letters",
    ),
    "a letter of its own": (
        lambda client, office: client.send_precompiled_letter_notification("case 1", BytesIO(b"%PDF")),
        400,
        "BadRequestError",
        "Service is not allowed to send letters",
    ),
    "the PDF of no letter": (
        lambda client, office: client.get_pdf_for_letter(
            client.send_email_notification(address(), office.template, VALUES)["id"]
        ),
        400,
        "BadRequestError",
        "Notification is not a letter",
    ),
    "all versions at once": (
        lambda client, office: client.get_all_template_versions(office.template),
        400,
        "BadRequestError",
        "This is no address of the API: get a version with GET /v2/template/{{id}}/version/{{version}}",
    ),
    "an unknown status": (
        lambda client, office: client.get_all_notifications(status="elephant"),
        400,
        "ValidationError",
        "status elephant is not one of [",
    ),
    "an unknown type of template": (
        lambda client, office: client.get_all_templates("fax"),
        400,
        "ValidationError",
        "type fax is not one of [",
    ),
    "another service's template": (
        lambda client, office: client.get_template(
            office.relay.create_template(office.relay.create_key().service_id, "Theirs", "Theirs")
        ),
        404,
        "NoResultFound",
        "No result found",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_python_client_raises_its_own_error_with_a_list_of_messages(
    office: Office, python: NotificationsAPIClient, case: str
) -> None:
    call, status, error, message = REFUSED[case]
    with pytest.raises(HTTPError) as raised:
        call(python, office)
    assert raised.value.status_code == status
    (told,) = raised.value.message
    assert told["error"] == error
    assert told["message"].startswith(message.format(template=office.template, service=office.key.service_id))


def test_python_client_hears_of_wrong_keys(office: Office) -> None:
    key, relay = office.key, office.relay
    service_id, secret = service_and_secret(key.api_key)
    revoked = relay.create_key(service=key.service_id)
    relay.run("key", "revoke", revoked.key_id)
    heard = {}
    for name, api_key in {
        "secret": f"name-{service_id}-{uuid4()}",
        "service": f"name-{uuid4()}-{secret}",
        "other service": f"name-{relay.create_key().service_id}-{secret}",
        "revoked": revoked.api_key,
    }.items():
        with pytest.raises(HTTPError) as raised:
            python_client(office, api_key).get_all_templates()
        (told,) = raised.value.message
        heard[name] = raised.value.status_code, told["error"], told["message"]
    assert heard == {
        "secret": (403, "AuthError", "Invalid token: signature, api token not found"),
        "service": (403, "AuthError", "Invalid token: signature, api token not found"),
        "other service": (403, "AuthError", "Invalid token: signature, api token not found"),
        "revoked": (403, "AuthError", "Invalid token: API key revoked"),
    }


def test_python_client_verifies_its_own_tokens_with_our_keys_only(office: Office) -> None:
    """The client's token errors are about its own checks: a key of ours has the parts that they need."""
    service_id, secret = service_and_secret(office.key.api_key)
    made = create_jwt_token(secret, service_id)
    assert decode_jwt_token(made, secret)
    with pytest.raises(TokenDecodeError):
        decode_jwt_token(made, str(uuid4()))


def test_python_client_tells_a_door_that_is_away_as_the_error_to_retry(office: Office) -> None:
    nobody = NotificationsAPIClient(office.key.api_key, base_url=f"http://127.0.0.1:{office.relay.port}")
    nobody.base_url = "http://127.0.0.1:9"  # discard: nothing listens
    with pytest.raises(HTTP503Error):
        nobody.get_all_templates()


# -- Node ----------------------------------------------------------------------------------------------------------


def test_node_client_sends_an_email_and_reads_it(office: Office, node: NodeClient) -> None:
    recipient, reference = address(), f"case {uuid4()}"
    sent = node.call("sendEmail", office.template, recipient, {"personalisation": VALUES, "reference": reference})
    assert (sent.status, sent.error) == (201, None)
    assert (sent.data["content"]["subject"], sent.data["content"]["body"]) == ("Permit 7 is ready", FILLED)
    found = node.call("getNotificationById", sent.data["id"]).data
    assert (found["email_address"], found["reference"], found["type"]) == (recipient, reference, "email")
    assert UUID(sent.data["id"])
    assert office.relay.wait_for_mail(recipient)


def test_node_client_lists_all_pages(office: Office, listed: str, node: NodeClient) -> None:
    ids: list[str] = []
    pages = 0
    while page := node.call("getNotifications", "email", None, listed, ids[-1] if ids else None).data["notifications"]:
        ids += [each["id"] for each in page]
        pages += 1
    assert (len(set(ids)), pages) == (LISTED, 2)


def test_node_client_reads_templates(office: Office, node: NodeClient) -> None:
    template = node.call("getTemplateById", office.template).data
    assert template["subject"] == SUBJECT
    assert node.call("getTemplateByIdAndVersion", office.template, 1).data == template
    assert node.call("getAllTemplates", "email").data["templates"] == [template]
    assert node.call("getAllTemplates").data["templates"] == [template]


def test_node_client_previews_a_template_and_hears_of_letters(office: Office, node: NodeClient) -> None:
    preview = node.call("previewTemplateById", office.template, VALUES)
    assert (preview.status, preview.data["subject"], preview.data["body"]) == (200, "Permit 7 is ready", FILLED)
    missing_value = node.call("previewTemplateById", office.template, {"name": "Zoé"})
    assert missing_value.status == 400
    assert missing_value.data["errors"][0]["message"] == "Missing personalisation: number, late"
    for call in (("sendLetter", office.template, {}), ("sendPrecompiledLetter", "case 1", "JVBERg==")):
        refused = node.call(*call)
        assert (refused.status, refused.data["errors"][0]["error"]) == (400, "BadRequestError")


def test_node_client_rejects_with_status_and_errors(office: Office, node: NodeClient) -> None:
    missing_value = node.call("sendEmail", office.template, address(), {"personalisation": {"name": "Zoé"}})
    assert (missing_value.status, missing_value.error) == (400, "AxiosError")
    assert missing_value.data["errors"][0]["error"] == "BadRequestError"
    unknown = node.call("getNotificationById", str(uuid4()))
    assert (unknown.status, unknown.data["errors"][0]["error"]) == (404, "NoResultFound")
    stranger = NodeClient(office.url, f"x-{uuid4()}-{uuid4()}", contract(office.relay, office.key))
    refused = stranger.call("getAllTemplates")
    stranger.end()
    assert (refused.status, refused.data["errors"][0]["error"]) == (403, "AuthError")
