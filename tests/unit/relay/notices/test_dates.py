"""The first of a month is "1er" in French wherever it is written: on pages and in letters."""

from datetime import UTC, datetime
from uuid import uuid4

from auth.notices import Kind, Notice
from messages.message import Language
from relay.notices import callbacks
from tests.fakes.principals import make_principal
from tests.harness.words import words

FIRST = datetime(2026, 12, 1, 17, tzinfo=UTC).timestamp()


def test_a_letter_about_a_callback_writes_the_first_of_a_month_as_french_does() -> None:
    said = {"type": "delivery-status", "change": "suspended", "host": "h", "failing_since": FIRST, "failed_as": "dns"}
    notice = Notice(Kind.CALLBACK, "n", uuid4(), said, FIRST)

    letter = callbacks.letter(notice, make_principal().service, Language.FR, words().translator(Language.FR))

    assert "1er décembre 2026" in letter.body
