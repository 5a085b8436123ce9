"""Readers that unfold first take `Reply-To`, line end, ` : address` for a field; to us it was two lines of garbage."""

from uuid import UUID

import pytest

from messages.address import Address
from messages.email.content import HeaderSection
from messages.email.pipeline import Preparation, prepare
from messages.email.rewrite import SenderPolicy
from messages.message import Trace

PREPARATION = Preparation(
    sender=SenderPolicy("Parks", Address("parks", "x.example"), False, "none", "desk@x.example", frozenset()),
    branding=None,
    trace=Trace("client", "192.0.2.1", "ESMTPSA", "relay.example"),
    group_id=UUID(int=1),
    now=1_700_000_000.0,
)


@pytest.mark.parametrize("name", ["From", "Reply-To", "Sender", "Bcc"])
@pytest.mark.parametrize(
    "fold", ["\r\n : eve@y.example", "\t\r\n\t: eve@y.example", "\r\n \r\n : Eve\r\n <eve@y.example>"]
)
@pytest.mark.parametrize("above", [True, False], ids=["above From", "below From"])
def test_folded_field_name_is_not_sent(name: str, fold: str, above: bool) -> None:
    lines = [f"{name}{fold}", "From: Ann <ann@x.example>"]
    fields = "\r\n".join(lines if above else lines[::-1])
    sent = prepare(f"{fields}\r\nSubject: s\r\n\r\nbody\r\n".encode(), PREPARATION).content

    assert b"eve@y.example" not in sent
    header = HeaderSection.parse(sent)
    assert header.all("from") == ["Parks <parks@x.example>"]
    assert header.all("reply-to") == ["desk@x.example"]
    assert header.all("subject") == ["s"]
    assert sent.endswith(b"\r\n\r\nbody\r\n")


def test_other_lines_that_are_no_field_stay() -> None:
    sent = prepare(
        b"From: ann@x.example\r\nno field\r\n of two lines\r\nSubject: s\r\n\r\nbody\r\n", PREPARATION
    ).content

    assert b"\r\nX-Unreadable: no field\r\n of two lines\r\nSubject: s\r\n" in sent
