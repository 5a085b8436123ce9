"""Answers find their conversation though SES gives every message another Message-ID."""

import re

import pytest

from messages.email.content import HeaderSection
from messages.email.pipeline import prepare
from messages.email.threads import referenced, renamed

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


def test_conversation_names_each_message_once_however_long_it_is(crlf):
    """Both sides answer in turn; the reader's answers bring back what was added for the reader."""
    names, references = {}, []
    for turn in range(30):
        own = f"<{turn}@product>"
        content = crlf(f"Message-ID: {own}\nReferences: {' '.join([*references, own])}\n\nx\n")
        done = renamed(content, HeaderSection.parse(content), names)
        references = references_of = HeaderSection.parse(done).first("references").split()
        assert len(references_of) == len(set(references_of))
        names[own] = f"<{turn}@ses>"
        references = [*references, f"<{turn}@ses>"]
    assert len(references) == 60


def test_many_answered_messages_fit_on_lines(crlf):
    answered = [f"<{number}{'x' * 40}@product>" for number in range(15)]
    content = crlf(f"In-Reply-To: {' '.join(answered)}\n\nx\n")
    done = renamed(content, HeaderSection.parse(content), {each: f"<{'y' * 80}{each[1:3]}@ses>" for each in answered})
    assert max(map(len, done.split(b"\r\n"))) < 998


@pytest.mark.parametrize("written", ["<q@p> (x)", "(x) <q@p>", "<q@p>"])
def test_message_id_is_remembered_as_others_name_it(written, unbranded, crlf):
    assert prepare(crlf(f"From: a@x.ca\nMessage-ID: {written}\n\nhi\n"), unbranded).original_message_id == "<q@p>"


def test_nothing_is_added_within_an_open_comment(unbranded, crlf):
    done = prepare(crlf(f"From: a@x.ca\nMessage-ID: {OWN}\nReferences: <1@a> (see\n\nhi\n"), unbranded)
    assert references(done.content) == ["<1@a> (see"]


def test_message_that_answers_nothing_known_keeps_its_bytes(crlf):
    content = crlf("References: <a@x>\n\nx\n")
    assert renamed(content, HeaderSection.parse(content), {"<b@x>": "<1@ses>"}) == content
