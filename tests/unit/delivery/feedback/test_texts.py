"""What AWS says of texts, type by type and in both envelopes, and what hostile JSON can do: nothing."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.feedback import texts
from delivery.feedback.base import Unreadable
from delivery.feedback.reading import read
from delivery.store.base import Carriage, Event, EventKind, InboundText
from messages.status import FINAL, Status

MESSAGE, ATTEMPT = UUID("01900000-0000-7000-8000-000000000001"), UUID("01900000-0000-7000-8000-000000000002")
# As AWS's user guide shows one, with its own context.
TOLD: dict[str, Any] = {
    "eventType": "TEXT_DELIVERED",
    "eventVersion": "1.0",
    "eventTimestamp": 1686975103470,
    "isFinal": True,
    "originationPhoneNumber": "+16135550150",
    "destinationPhoneNumber": "+16135550100",
    "isoCountryCode": "CA",
    "mcc": "302",
    "mnc": "720",
    "carrierName": "Rogers",
    "messageId": "862a8790-60c0-4430-9b2b-658bdexample",
    "messageRequestTimestamp": 1686975103170,
    "messageEncoding": "GSM",
    "messageType": "TRANSACTIONAL",
    "messageStatus": "DELIVERED",
    "messageStatusDescription": "Message has been accepted by phone",
    "context": {"message_id": str(MESSAGE), "attempt_id": str(ATTEMPT)},
    "totalMessageParts": 2,
    "totalMessagePrice": 0.01162,
    "totalCarrierFee": 0.00512,
}


def told(**changes: Any) -> str:
    return json.dumps({name: value for name, value in (TOLD | changes).items() if value is not ...})


def bridged(text: str) -> str:
    return json.dumps(
        {
            "version": "0",
            "id": "23db5f55-8ac8-4c45-b5a7-f4c7ae4dc8d2",
            "detail-type": "Text Message Delivery Status Updated",
            "source": "aws.sms-voice",
            "account": "123456789012",
            "time": "2023-06-17T04:11:43Z",
            "region": "ca-central-1",
            "resources": [],
            "detail": json.loads(text),
        }
    )


def one(text: str) -> Event:
    (event,) = read(text)
    assert isinstance(event, Event)
    return event


@pytest.mark.parametrize("envelope", [str, bridged])
def test_all_that_is_told_is_kept(envelope):
    event = one(envelope(told()))
    assert (event.kind, event.status, event.reason) == (EventKind.DELIVERY, Status.DELIVERED, None)
    assert (event.message_id, event.attempt_id, event.provider_id) == (MESSAGE, ATTEMPT, TOLD["messageId"])
    assert (event.provider, event.at) == ("aws", 1686975103.47)
    assert event.detail == "Message has been accepted by phone"
    assert event.carriage == Carriage("Rogers", "CA", "GSM", 2, 0.01162, 0.00512)


@pytest.mark.parametrize(
    ("type_", "final", "description", "kind", "status", "reason"),
    [
        ("TEXT_QUEUED", False, "Message is queued", "send", None, None),
        ("TEXT_PENDING", False, "Message is on its way", "send", None, None),
        ("TEXT_SENT", False, "Message was sent", "send", None, None),
        ("TEXT_SUCCESSFUL", False, "Message has been accepted by phone carrier", "send", None, None),
        ("TEXT_SUCCESSFUL", ..., "Message has been accepted by phone carrier", "send", None, None),
        ("TEXT_SUCCESSFUL", True, "Message has been accepted by phone carrier", "delivery", "delivered", None),
        ("TEXT_DELIVERED", True, "Message has been accepted by phone", "delivery", "delivered", None),
        ("TEXT_DELIVERED", False, "Message has been accepted by phone", "delivery", "delivered", None),
        ("TEXT_INVALID", True, "Invalid phone number", "bounce", "permanent-failure", "invalid-number"),
        ("TEXT_SPAM", True, "Blocked as spam", "bounce", "permanent-failure", "blocked-as-spam"),
        ("TEXT_BLOCKED", True, "Destination is on a blocked list", "bounce", "permanent-failure", "on-blocked-list"),
        ("TEXT_CARRIER_BLOCKED", True, "Phone is on a Blocked List", "bounce", "permanent-failure", "on-blocked-list"),
        ("TEXT_BLOCKED", True, "Phone number is opted out", "bounce", "permanent-failure", "opted-out"),
        ("TEXT_BLOCKED", True, "Phone has blocked SMS", "bounce", "temporary-failure", "blocked"),
        ("TEXT_BLOCKED", True, ..., "bounce", "temporary-failure", "blocked"),
        ("TEXT_CARRIER_BLOCKED", True, "Carrier has blocked", "bounce", "temporary-failure", "carrier-blocked"),
        ("TEXT_UNREACHABLE", True, "Phone unreachable", "bounce", "temporary-failure", "phone-unreachable"),
        ("TEXT_UNREACHABLE", ..., "Phone unreachable", "bounce", "temporary-failure", "phone-unreachable"),
        ("TEXT_UNREACHABLE", False, "Phone unreachable; trying again", "send", None, None),
        ("TEXT_CARRIER_UNREACHABLE", True, "Unreachable", "bounce", "temporary-failure", "carrier-unreachable"),
        ("TEXT_TTL_EXPIRED", True, "Delivery TTL has expired", "bounce", "temporary-failure", "ttl-expired"),
        ("TEXT_UNKNOWN", True, "Unknown error", "bounce", "temporary-failure", "unknown"),
        ("TEXT_INVALID_MESSAGE", True, "Body is invalid", "reject", "technical-failure", "invalid-message"),
        ("TEXT_PROTECT_BLOCKED", True, "Blocked by protect", "reject", "technical-failure", "protect-blocked"),
    ],
)
def test_each_type_says_what_it_means(type_, final, description, kind, status, reason):
    event = one(told(eventType=type_, isFinal=final, messageStatusDescription=description))
    assert (event.kind.value, event.status, event.reason) == (kind, status, reason)


def test_the_same_told_again_has_the_same_id_and_other_things_another():
    ids = {one(told(eventType=type_, isFinal=final)).id for type_ in texts.MEANINGS for final in (True, False)}
    assert len(ids) == 2 * len(texts.MEANINGS)
    assert one(told()).id == one(bridged(told())).id == one(told(carrierName="Another")).id
    assert one(told()).id != one(told(messageId="other")).id


def test_what_is_missing_or_new_is_passed_over():
    few = {name: TOLD[name] for name in ("eventType", "eventTimestamp", "messageId")}
    event = one(json.dumps(few | {"aNewField": {"x": 1}}))
    assert (event.status, event.message_id, event.carriage) == (Status.DELIVERED, None, Carriage())
    assert read(told(eventType="TEXT_OF_NEXT_YEAR")) == ()


def test_carriage_survives_its_column():
    for carriage in (Carriage(), Carriage("Rogers", "CA", "GSM", 2, 0.01162, 0.0)):
        assert Carriage.from_json(carriage.to_json()) == carriage


@pytest.mark.parametrize(
    "changes",
    [
        {"messageId": ...},
        {"messageId": "a b"},
        {"messageId": "x" * 201},
        {"eventTimestamp": ...},
        {"eventTimestamp": "2023"},
        {"eventTimestamp": 1},
        {"eventTimestamp": True},
        {"isFinal": "yes"},
        {"totalMessageParts": -1},
        {"totalMessagePrice": "free"},
        {"carrierName": 5},
        {"context": []},
    ],
)
def test_what_aws_does_not_send_is_unreadable(changes):
    with pytest.raises(Unreadable):
        read(told(**changes))


def test_words_cannot_command_a_terminal():
    event = one(told(messageStatusDescription="a\x1b[2Jb" + "x" * 5000, carrierName="R\x07"))
    assert event.detail
    assert len(event.detail) <= 1000
    assert "\x1b" not in event.detail
    assert event.carriage
    assert event.carriage.carrier == "R"


INBOUND = {
    "originationNumber": "+14255550182",
    "destinationNumber": "+12125550101",
    "messageKeyword": "JOIN",
    "messageBody": "STOP 🛑",
    "inboundMessageId": "cae173d2-66b9-564c-8309-21f858e9fb84",
    "previousPublishedMessageId": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}


def test_a_text_that_came_in_is_read():
    assert read(json.dumps(INBOUND)) == (
        InboundText(
            INBOUND["inboundMessageId"],
            "+14255550182",
            "+12125550101",
            "STOP 🛑",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        ),
    )
    few = {name: value for name, value in INBOUND.items() if name not in ("previousPublishedMessageId", "messageBody")}
    (text,) = read(json.dumps(few))
    assert isinstance(text, InboundText)
    assert (text.message, text.answers) == ("", None)


@pytest.mark.parametrize(
    "changes",
    [{"originationNumber": "ann"}, {"destinationNumber": None}, {"inboundMessageId": ""}, {"messageBody": 5}],
)
def test_a_text_that_aws_does_not_send_is_unreadable(changes):
    with pytest.raises(Unreadable):
        read(json.dumps(INBOUND | changes))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*TOLD, *INBOUND]), inner, max_size=4),
    max_leaves=8,
)


@given(st.fixed_dictionaries(dict.fromkeys(TOLD, ANYTHING)), st.sampled_from([*texts.MEANINGS, ""]), st.booleans())
def test_hostile_json_is_read_or_unreadable(values, type_, wrapped):
    text = json.dumps(values | {"eventType": type_})
    try:
        found = read(bridged(text) if wrapped else text)
    except Unreadable:
        return
    assert all(isinstance(each, Event) and (each.status is None or each.status in FINAL) for each in found)
