"""Accents without letters hold no door: Unicode's normal form would have each of them look at all others in its row."""

import time
import unicodedata
from collections.abc import Callable

import pytest

from messages.sms.cleaning import cleaned
from messages.text import normalised
from messages.values import key_of

OUT_OF_ORDER = "\u0301\u0316"  # above, below: below comes first
FORMS = ("NFC", "NFKC", "NFKD")


@pytest.mark.parametrize(("read", "pairs"), [(cleaned, 32_000), (key_of, 12_000)])
def test_a_row_of_marks_is_read_at_once(read: Callable[[str], object], pairs: int) -> None:
    for row in (OUT_OF_ORDER * pairs, "\u0301" * pairs + "\u0316" * pairs, "\uff9e\u0316" * pairs):
        started = time.process_time()
        read(f"a{row}")
        assert time.process_time() - started < 1.0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "text", ["e\u0301" * 200, "a" + OUT_OF_ORDER * 14, "\u2260\U0001f600\ufe0f" * 90, "\u1100\u1161\u11a8" * 50, "x"]
)
def test_what_people_write_is_in_unicodes_own_form(form: str, text: str) -> None:
    assert normalised(form, text) == unicodedata.normalize(form, text)  # type: ignore[arg-type]
