"""What a service is told, and how it knows that we told it."""

import hashlib
import json
from typing import Any
from uuid import UUID

import pytest

from delivery.callbacks.receipts import DeliveryReceipt, body, headers, signature
from delivery.descriptions import timestamp
from messages.message import Message
from messages.status import Status
from tests.fakes.messages import make_message

CREATED = 1_790_000_000.25
RECEIPT = DeliveryReceipt(UUID(int=7), Status.DELIVERED, None, CREATED + 9)


def told(receipt: DeliveryReceipt = RECEIPT, **changes: Any) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(body(receipt, message(**changes)))
    return read


def message(**changes: Any) -> Message:
    return make_message(**({"created_at": CREATED, "sent_at": CREATED + 1} | changes))


def hmac_of_rfc_2104(key: bytes, text: bytes) -> str:
    """Written from the RFC: keys here are shorter than the block of 64 octets."""
    inner, outer = (bytes(octet ^ pad for octet in key.ljust(64, b"\0")) for pad in (0x36, 0x5C))
    return hashlib.sha256(outer + hashlib.sha256(inner + text).digest()).hexdigest()


def test_receipt_has_the_keys_of_both_published_contracts() -> None:
    sent = message(reference="case 7", original_message_id="<case-7@product.example>")
    assert json.loads(body(RECEIPT, sent)) == {
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
    read = told(DeliveryReceipt(UUID(int=7), Status.PERMANENT_FAILURE, "suppressed", CREATED))
    assert read["status_description"] == "Blocked"
    assert read["provider_response"] == "The email address is on our email provider suppression list"


def test_message_that_was_never_sent_has_no_time_of_sending() -> None:
    assert told(sent_at=None)["sent_at"] is None


def test_words_beyond_ascii_travel_as_utf_8() -> None:
    assert "dossier é".encode() in body(RECEIPT, message(reference="dossier é"))


def test_signature_is_the_hmac_of_timestamp_dot_body() -> None:
    secret, octets = bytes(range(32)), body(RECEIPT, message(reference="é"))
    sent = headers(RECEIPT, octets, "token-of-theirs", secret, 1_790_000_100.9)
    assert sent["X-Notify-Timestamp"] == "1790000100"
    assert sent["X-Notify-Signature"] == "v1=" + hmac_of_rfc_2104(secret, b"1790000100." + octets)


@pytest.mark.parametrize("change", [(b"x" * 32, "1", b"{}"), (b"s" * 32, "2", b"{}"), (b"s" * 32, "1", b"[]")])
def test_signature_depends_on_secret_time_and_body(change: tuple[bytes, str, bytes]) -> None:
    assert signature(*change) != signature(b"s" * 32, "1", b"{}")


def test_headers_name_the_callback_the_sender_and_the_token() -> None:
    sent = headers(RECEIPT, b"{}", "token-of-theirs", b"s" * 32, CREATED)
    assert sent["Authorization"] == "Bearer token-of-theirs"
    assert sent["Content-Type"] == "application/json"
    assert sent["User-Agent"] == "notify-relay"
    assert sent["X-Notify-Callback-Id"] == str(RECEIPT.callback_id)
