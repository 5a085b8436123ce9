"""What a service is told, field by field."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from delivery.callbacks.bodies import Told, encoded, of_message, of_text
from delivery.descriptions import timestamp
from delivery.store.base import CallbackKind
from messages.message import Message
from messages.status import Status
from tests.fakes.messages import make_message

CREATED = 1_790_000_000.25


def row(
    kind: CallbackKind = CallbackKind.STATUS,
    status: Status | None = Status.DELIVERED,
    reason: str | None = None,
    at: float = CREATED + 9,
) -> Told:
    return Told(UUID(int=7), kind, UUID(int=8), UUID(int=9), status, reason, at)


def told(of: Told | None = None, **changes: Any) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(encoded(of_message(of or row(), message(**changes))))
    return read


def message(**changes: Any) -> Message:
    return make_message(**({"created_at": CREATED, "sent_at": CREATED + 1} | changes))


def test_receipt_has_the_keys_of_both_published_contracts() -> None:
    sent = message(reference="case 7", original_message_id="<case-7@product.example>")
    assert json.loads(encoded(of_message(row(), sent))) == {
        "id": str(sent.id),
        "reference": "case 7",
        "to": "reader@example.org",
        "status": "delivered",
        "status_description": "Delivered",
        "provider_response": None,
        "created_at": "2026-09-21T14:13:20.250000Z",
        "completed_at": "2026-09-21T14:13:29.250000Z",
        "sent_at": "2026-09-21T14:13:21.250000Z",
        "notification_type": "email",
        "template_id": str(sent.template_id),
        "template_version": 1,
        "original_message_id": "<case-7@product.example>",
    }


def test_receipt_tells_the_status_of_its_row_whatever_the_message_is_by_now() -> None:
    read = told(status=Status.PERMANENT_FAILURE, completed_at=CREATED + 99)
    assert (read["status"], read["completed_at"]) == ("delivered", timestamp(CREATED + 9))


def test_receipt_of_a_suppressed_address_says_so() -> None:
    read = told(row(status=Status.PERMANENT_FAILURE, reason="suppressed"))
    assert read["status_description"] == "Blocked"
    assert read["provider_response"] == "The email address is on our email provider suppression list"


def test_message_that_was_never_sent_has_no_time_of_sending() -> None:
    assert told(sent_at=None)["sent_at"] is None


def test_words_beyond_ascii_travel_as_utf_8() -> None:
    assert "dossier é".encode() in encoded(of_message(row(), message(reference="dossier é")))


def test_complaint_has_the_keys_of_the_published_contract() -> None:
    sent = message(reference="case 7")
    complained = row(CallbackKind.COMPLAINT, None, "abuse")
    assert of_message(complained, sent) == {
        "notification_id": str(sent.id),
        "complaint_id": str(UUID(int=9)),
        "reference": "case 7",
        "to": "reader@example.org",
        "complaint_date": "2026-09-21T14:13:29.250000Z",
    }


def test_complaint_that_stopped_a_later_message_names_no_recipient() -> None:
    never_sent = row(CallbackKind.COMPLAINT, Status.PERMANENT_FAILURE, "on-account-suppression-list")
    assert of_message(never_sent, message())["to"] is None


def test_text_that_came_in_has_the_keys_of_the_published_contract() -> None:
    @dataclass(frozen=True)
    class Text:
        id = UUID(int=9)
        source_number = "+16135550100"
        destination_number = "+16135550199"
        message = "Arrêt"

    came = Told(UUID(int=7), CallbackKind.INBOUND, None, UUID(int=9), None, None, CREATED)
    assert of_text(came, Text()) == {
        "id": str(UUID(int=9)),
        "source_number": "+16135550100",
        "destination_number": "+16135550199",
        "message": "Arrêt",
        "date_received": "2026-09-21T14:13:20.250000Z",
    }
