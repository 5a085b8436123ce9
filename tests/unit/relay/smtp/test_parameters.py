"""Arguments of MAIL and RCPT: what is read from them, and which reply a wrong one gets."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages import reply
from messages.message import Dsn
from messages.reply import Refused, Reply
from relay.smtp.parameters import parse_mail, parse_rcpt

LIMIT = 1000


@pytest.mark.parametrize(
    ("argument", "path", "size", "smtputf8"),
    [
        ("FROM:<a@b.ca>", "a@b.ca", 0, False),
        ("from: <A@B.ca> size=12", "A@B.ca", 12, False),
        ("FROM:< root@web01 >", "root@web01", 0, False),
        ("FROM:< >", None, 0, False),
        ("FROM:<SRS0=" + "h" * 300 + "@b.ca> SIZE=1", "SRS0=" + "h" * 300 + "@b.ca", 1, False),
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
        ("FROM:<a@b", reply.BAD_SENDER),
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
    assert str(parse_rcpt("TO:<a@exämple.ca>", smtputf8=True).address) == "a@xn--exmple-cua.ca"


@pytest.mark.parametrize(
    ("mail", "rcpt", "expected"),
    [
        ("", "", None),
        (" RET=full", "", Dsn(ret="FULL")),
        (" ENVID=a+2Bb+20+3D", " NOTIFY=never", Dsn(envid="a+b =", notify=("NEVER",))),
        (" ENVID=X400:+3dFirst", " ORCPT=rfc822;Bob+2bx@b.ca", Dsn(envid="X400:=First", orcpt="rfc822;Bob+x@b.ca")),
        ("", " NOTIFY=delay,SUCCESS", Dsn(notify=("DELAY", "SUCCESS"))),
        (" RET=HDRS", " ORCPT=RFC822;Bob+2Bx@b.ca", Dsn(ret="HDRS", orcpt="rfc822;Bob+x@b.ca")),
    ],
)
def test_dsn_parameters_are_kept_decoded(mail: str, rcpt: str, expected: Dsn | None) -> None:
    sender = parse_mail(f"FROM:<a@b.ca>{mail}", LIMIT)
    assert parse_rcpt(f"TO:<c@d.ca>{rcpt}", smtputf8=False).dsn(sender) == expected


@pytest.mark.parametrize("value", ["", "a b", "a=b", "é", "+", "+4", "+4g", "+e9", "+E9", "+00", "+7F", "x" * 101])
def test_envid_that_is_no_xtext_of_printable_characters_is_refused(value: str) -> None:
    for argument in (f"FROM:<a@b.ca> SMTPUTF8 ENVID={value}",):
        with pytest.raises(Refused) as caught:
            parse_mail(argument, LIMIT)
        assert caught.value.reply in (reply.BAD_COMMAND, reply.PARAMETER_UNKNOWN)


@pytest.mark.parametrize(
    "parameter",
    [
        *("NOTIFY", "NOTIFY=", "NOTIFY=,", "NOTIFY=NEVER,NEVER", "NOTIFY=NEVER,DELAY", "NOTIFY=DELAY,DELAY"),
        *("NOTIFY=SUCCESS,", "NOTIFY=OFTEN", "ORCPT=a@b.ca", "ORCPT=;a", "ORCPT=rfc822;", "ORCPT=rfc 822;a"),
        *("ORCPT=rfc822;+", "ORCPT=é;a", "ORCPT=rfc822;a ORCPT=rfc822;a", f"ORCPT=rfc822;{'x' * 494}"),
    ],
)
def test_notify_and_orcpt_that_are_not_rfc_3461s_are_refused(parameter: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_rcpt(f"TO:<a@b.ca> {parameter}", smtputf8=True)
    assert caught.value.reply in (reply.BAD_COMMAND, reply.PARAMETER_UNKNOWN)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=33))
def test_any_printable_text_comes_through_xtext(text: str) -> None:
    xtext = "".join(c if c not in "+= " else f"+{ord(c):02X}" for c in text)
    assert parse_mail(f"FROM:<> ENVID={xtext}", LIMIT).envid == text


@given(st.text(max_size=60))
def test_any_argument_parses_or_is_refused(text: str) -> None:
    for argument in (text, f"FROM:{text}", f"TO:<{text}>", f"FROM:<a@b.ca> {text}"):
        for parse in (lambda a: parse_mail(a, LIMIT), lambda a: parse_rcpt(a, True)):
            with suppress(Refused):
                parse(argument)
