"""Answers find their conversation though SES gives every message another Message-ID."""

import re

import pytest

from messages.content import HeaderSection
from messages.pipeline import prepare
from messages.threads import referenced, renamed

OWN = "<own@product.example>"


def references(content: bytes) -> list[str]:
    return [re.sub(r"\s+", " ", value) for value in HeaderSection.parse(content).all("references")]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("", OWN),
        ("References: <a@x>\n <b@x>\n", f"<a@x> <b@x> {OWN}"),
        (f"References: <a@x> {OWN}\n", f"<a@x> {OWN}"),
        ("In-Reply-To: <a@x>\n", f"<a@x> {OWN}"),
        ("In-Reply-To: <b@x>\nReferences: <a@x>\n", f"<a@x> {OWN}"),
        ("References:\n", OWN),
        ("References: <a@x>\nReferences: <b@x>\n", f"<a@x> {OWN}"),
    ],
)
def test_own_message_id_stands_at_the_end_of_references(fields, expected, unbranded, crlf):
    done = prepare(crlf(f"From: a@x.ca\nMessage-ID: {OWN}\n{fields}\nhi\n"), unbranded)
    assert references(done.content) == [expected]


@pytest.mark.parametrize("field", ["", "Message-ID: none\n", "Message-ID: <a b@x>\n", f"Message-ID: <{'a' * 300}@x>\n"])
def test_message_without_a_usable_id_gets_no_references(field, unbranded, crlf):
    assert references(prepare(crlf(f"From: a@x.ca\n{field}\nhi\n"), unbranded).content) == []


def test_earlier_messages_are_named_without_the_message_itself(crlf):
    header = HeaderSection.parse(crlf(f"Message-ID: {OWN}\nReferences: <a@x> {OWN}\nIn-Reply-To: <b@x>\n\n"))
    assert referenced(header) == ["<a@x>", "<b@x>"]


def test_earlier_message_is_named_as_its_reader_knows_it(crlf):
    content = crlf(f"Message-ID: {OWN}\nIn-Reply-To: <a@x>\nReferences: <a@x>\n <b@x>\n {OWN}\n\nbody <a@x>\n")
    done = renamed(content, HeaderSection.parse(content), {"<a@x>": "<1@ses>"})
    header = HeaderSection.parse(done)
    assert header.first("in-reply-to") == "<1@ses>"
    assert references(done) == [f"<a@x> <1@ses> <b@x> {OWN}"]
    assert done.endswith(b"\r\n\r\nbody <a@x>\r\n")


def test_message_that_answers_nothing_known_keeps_its_bytes(crlf):
    content = crlf("References: <a@x>\n\nx\n")
    assert renamed(content, HeaderSection.parse(content), {"<b@x>": "<1@ses>"}) == content
