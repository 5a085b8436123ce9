"""Whom a message is for, whatever its channel."""

import pytest

from messages.address import Address
from messages.envelope import Envelope
from messages.message import Channel, IdempotencyKey, recipient_of
from tests.fakes.numbers import Number, texts_can_be_sent

READER, NUMBER = Address.parse("Reader@Example.org"), Number("+1 613 555-0100")


@pytest.mark.parametrize("written", ["reader@example.org", "Reader@exämple.org", "zoë+1@example.org"])
def test_what_str_writes_of_an_address_its_channel_reads_again(written: str):
    address = Address.parse(written)
    assert recipient_of(Channel.EMAIL, str(address)) == address


def test_one_of_a_channel_that_this_version_does_not_send_by_is_kept_as_it_is_written():
    """A newer version's row: its message waits, is shown, and expires."""
    unread = recipient_of(Channel.SMS, "+16135550100")
    assert (str(unread), unread.key) == ("+16135550100", "+16135550100")
    with texts_can_be_sent():
        assert recipient_of(Channel.SMS, "+16135550100") == Number("+16135550100")


def test_recipients_of_any_channel_are_split_by_their_key():
    envelope = Envelope(None, (NUMBER, READER, Number("+1 (613) 555 0100"), Address.parse("READER@example.org")))
    assert envelope.split() == (Envelope(None, (NUMBER,)), Envelope(None, (READER,)))


def test_an_idempotency_key_names_recipients_of_any_channel_by_their_key():
    assert IdempotencyKey("k", None).names(NUMBER) == "+16135550100"
    assert IdempotencyKey("k", b"hash").names(NUMBER) == ""
