import pytest

from messages.email.pipeline import prepare


def test_prepared_message_is_told_apart_by_its_own_words(unbranded, crlf):
    content = crlf("Message-ID: <a@b>\nSubject: =?utf-8?Q?=C3=A9t=C3=A9?=\nFrom: a@x.ca\n\nbody\n")
    prepared = prepare(content, unbranded)
    assert (prepared.subject, prepared.original_message_id) == ("été", "<a@b>")


def test_long_message_id_is_cut_and_a_missing_one_is_none(unbranded, crlf):
    assert len(prepare(crlf(f"Message-ID: <{'a' * 900}\n {'a' * 900}>\n\n"), unbranded).original_message_id) == 998
    assert prepare(crlf("Subject:\n\n"), unbranded).original_message_id is None


def test_same_message_and_group_give_the_same_bytes(preparation, crlf):
    content = crlf("Subject: s\n\nbody\n")
    assert prepare(content, preparation) == prepare(content, preparation)


@pytest.mark.parametrize(
    "content", ["Subject: s\n", "Subject: s", "Subject: s\nHello\n\nmore\n", "A: b\n\n", "A: b\n\nx"]
)
def test_message_ends_in_a_line_break_and_has_its_empty_line(content, preparation, crlf):
    prepared = prepare(crlf(content), preparation).content
    assert prepared.endswith(b"\r\n")
    assert b"\r\n\r\n" in prepared
