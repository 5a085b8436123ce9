import re
from pathlib import Path

import pytest

from messages import reply
from messages.reply import Refused, Reply

PACKAGES = ("auth", "delivery", "messages", "relay")
REPLIES = {name: value for name, value in vars(reply).items() if isinstance(value, Reply)}


@pytest.mark.parametrize("name", REPLIES)
def test_code_and_enhanced_code_are_of_one_class(name):
    answer = REPLIES[name]
    if answer.code // 100 == 3:
        assert answer.enhanced == ""  # RFC 3463 has no class 3
    else:
        assert str(answer.code)[0] == answer.enhanced[0]
        assert len(answer.enhanced.split(".")) == 3


@pytest.mark.parametrize("name", REPLIES)
def test_temporary_follows_from_the_code(name):
    assert REPLIES[name].temporary == REPLIES[name].enhanced.startswith("4")


@pytest.mark.parametrize("name", REPLIES)
def test_text_is_printable_ascii(name):
    assert REPLIES[name].text.isascii()
    assert REPLIES[name].text.isprintable()


def test_every_reply_is_given_somewhere():
    root = Path(__file__).parents[3]
    files = [path for package in PACKAGES for path in (root / package).rglob("*.py") if path.name != "reply.py"]
    code = "".join(path.read_text() for path in files)
    assert [name for name in REPLIES if not re.search(rf"\b{name}\b", code)] == []


def test_values_cannot_break_out_of_the_reply_line():
    line = Refused(reply.BAD_FROM, reason="x\r\n250 2.0.0 OK é☃").line()
    assert line == "554 5.6.0 header From cannot be used: x??250 2.0.0 OK e?"


def test_line_is_at_most_512_octets_with_its_cr_lf():
    assert len(Refused(reply.BAD_FROM, reason="x" * 2000).line()) == 510


def test_values_are_not_formatted_again():
    assert "{limit}" in Refused(reply.BAD_FROM, reason="{limit}").line()
