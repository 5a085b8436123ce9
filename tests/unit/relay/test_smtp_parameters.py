"""Arguments of MAIL and RCPT: what is read from them, and which reply a wrong one gets."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages import reply
from messages.reply import Refused, Reply
from relay.smtp.parameters import parse_mail, parse_rcpt

LIMIT = 1000


@pytest.mark.parametrize(
    ("argument", "path", "size", "smtputf8"),
    [
        ("FROM:<a@b.ca>", "a@b.ca", 0, False),
        ("from: <A@B.ca> size=12", "A@b.ca", 12, False),
        ("FROM:<>", None, 0, False),
        ("FROM:<> AUTH=<> RET=FULL ENVID=x+20y", None, 0, False),
        ("FROM:<é@b.ca> SMTPUTF8 BODY=8BITMIME", "é@b.ca", 0, True),
    ],
)
def test_mail_gives_path_size_and_smtputf8(argument: str, path: str | None, size: int, smtputf8: bool) -> None:
    sender = parse_mail(argument, LIMIT)
    assert (None if sender.reverse_path is None else str(sender.reverse_path)) == path
    assert (sender.size, sender.smtputf8) == (size, smtputf8)


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("", reply.BAD_COMMAND),
        ("TO:<a@b.ca>", reply.BAD_COMMAND),
        ("FROM:a@b.ca", reply.BAD_SENDER),
        ("FROM:<a@b>", reply.BAD_SENDER),
        ("FROM:<a@b.ca> SIZE=1001", reply.TOO_LARGE),
        ("FROM:<a@b.ca> SIZE=+1", reply.BAD_COMMAND),
        ("FROM:<a@b.ca> SIZE=٣", reply.SMTPUTF8_NEEDED),
        ("FROM:<a@b.ca> SMTPUTF8 SIZE=٣", reply.BAD_COMMAND),
        ("FROM:<a@b.ca> SIZE=" + "9" * 21, reply.BAD_COMMAND),
        ("FROM:<a@b.ca> BODY=BINARYMIME", reply.BAD_COMMAND),
        ("FROM:<a@b.ca> SIZE=1 size=1", reply.BAD_COMMAND),
        ("FROM:<a@b.ca> AUTH=", reply.BAD_COMMAND),
        ("FROM:<a@b.ca> NOTIFY=NEVER", reply.PARAMETER_UNKNOWN),
        ("FROM:<é@b.ca>", reply.SMTPUTF8_NEEDED),
    ],
)
def test_mail_refuses(argument: str, expected: Reply) -> None:
    with pytest.raises(Refused) as caught:
        parse_mail(argument, LIMIT)
    assert caught.value.reply is expected


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("FROM:<a@b.ca>", reply.BAD_COMMAND),
        ("TO:<>", reply.NULL_RECIPIENT),
        ("TO:<a@b.ca", reply.BAD_RECIPIENT),
        ("TO:<a@b.ca> SIZE=1", reply.PARAMETER_UNKNOWN),
        ("TO:<a@exämple.ca>", reply.SMTPUTF8_NEEDED),
    ],
)
def test_rcpt_refuses(argument: str, expected: Reply) -> None:
    with pytest.raises(Refused) as caught:
        parse_rcpt(argument, smtputf8=False)
    assert caught.value.reply is expected


def test_rcpt_gives_the_address_with_its_domain_in_ascii() -> None:
    assert str(parse_rcpt("TO:<a@exämple.ca> NOTIFY=SUCCESS ORCPT=rfc822;a", smtputf8=True)) == "a@xn--exmple-cua.ca"


@given(st.text(max_size=60))
def test_any_argument_parses_or_is_refused(text: str) -> None:
    for argument in (text, f"FROM:{text}", f"TO:<{text}>", f"FROM:<a@b.ca> {text}"):
        for parse in (lambda a: parse_mail(a, LIMIT), lambda a: parse_rcpt(a, True)):
            with suppress(Refused):
                parse(argument)
