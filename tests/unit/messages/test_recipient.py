"""Whom a message is for, whatever its channel."""

import pytest

from messages.address import Address
from messages.envelope import Envelope
from messages.message import Channel, IdempotencyKey, recipient_of
from messages.phone import PhoneNumber

READER, NUMBER = Address.parse("Reader@Example.org"), PhoneNumber.parse("+1 613 555-0100")


@pytest.mark.parametrize("written", ["reader@example.org", "Reader@exämple.org", "zoë+1@example.org"])
def test_what_str_writes_of_an_address_its_channel_reads_again(written: str):
    address = Address.parse(written)
    assert recipient_of(Channel.EMAIL, str(address)) == address


def test_what_str_writes_of_a_number_its_channel_reads_again_though_the_tables_may_have_changed():
    assert recipient_of(Channel.SMS, str(NUMBER)) == NUMBER
    assert str(recipient_of(Channel.SMS, "+10000000000")) == "+10000000000"


def test_recipients_of_any_channel_are_split_by_their_key():
    envelope = Envelope(
        None, (NUMBER, READER, PhoneNumber.parse("1 (613) 555 0100"), Address.parse("READER@example.org"))
    )
    assert envelope.split() == (Envelope(None, (NUMBER,)), Envelope(None, (READER,)))


def test_an_idempotency_key_names_recipients_of_any_channel_by_their_key():
    assert IdempotencyKey("k", None).names(NUMBER) == "+16135550100"
    assert IdempotencyKey("k", b"hash").names(NUMBER) == ""
