"""What statuses are called."""

import pytest

from delivery.descriptions import provider_response, status_description, timestamp
from delivery.feedback.texts import MEANINGS
from messages.message import Channel
from messages.status import Status


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("status", list(Status))
def test_every_status_of_every_channel_has_a_label(channel: Channel, status: Status) -> None:
    assert str(status_description(channel, status, None))


@pytest.mark.parametrize(
    ("status", "reason", "label"),
    [
        (Status.SENDING, None, "In transit"),
        (Status.DELIVERED, None, "Delivered"),
        (Status.PERMANENT_FAILURE, "no-email", "No such address"),
        (Status.PERMANENT_FAILURE, "suppressed", "Blocked"),
        (Status.PERMANENT_FAILURE, "on-account-suppression-list", "Blocked"),
        (Status.TEMPORARY_FAILURE, "mailbox-full", "Content or inbox issue"),
        (Status.TECHNICAL_FAILURE, "expired", "Tech issue"),
    ],
)
def test_label_of_an_email_is_the_one_of_the_contract(status: Status, reason: str | None, label: str) -> None:
    assert str(status_description(Channel.EMAIL, status, reason)) == label


def test_a_number_is_not_called_an_address() -> None:
    assert str(status_description(Channel.SMS, Status.PERMANENT_FAILURE, None)) == "No such number"
    assert str(status_description(Channel.SMS, Status.TEMPORARY_FAILURE, None)) == "Carrier issue"
    assert str(status_description(Channel.SMS, Status.PERMANENT_FAILURE, "invalid-number")) == "No such number"


def test_a_number_that_wants_no_texts_is_blocked() -> None:
    assert str(status_description(Channel.SMS, Status.PERMANENT_FAILURE, "opted-out")) == "Blocked"


@pytest.mark.parametrize("reason", sorted({each.reason for each in MEANINGS.values() if each.reason} | {"opted-out"}))
def test_what_carriers_say_is_told_to_programs(reason: str) -> None:
    assert provider_response(reason)


def test_of_mail_the_provider_says_more_of_suppressed_addresses_and_attachments_only() -> None:
    assert provider_response("suppressed") == "The email address is on our email provider suppression list"
    assert provider_response("attachment-rejected") == "The email was rejected because of its attachments"
    assert provider_response("on-account-suppression-list") is not None
    assert provider_response("general") is None
    assert provider_response(None) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, None), (0.0, "1970-01-01T00:00:00.000000Z"), (1_790_000_000.25, "2026-09-21T14:13:20.250000Z")],
)
def test_a_time_always_has_six_decimals_and_z(seconds: float | None, text: str | None) -> None:
    assert timestamp(seconds) == text
