"""Numbers and dates as each official language writes them in Canada."""

from datetime import UTC, date, datetime

import pytest

from messages.message import Language
from relay.dates import day, moment
from relay.site.language import number, percent, split

EN, FR, NBSP = Language.EN, Language.FR, "\N{NO-BREAK SPACE}"
AT = datetime(2026, 11, 29, 20, 5, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("written", "english", "french"),
    [
        (lambda language: number(1234567, language), "1,234,567", f"1{NBSP}234{NBSP}567"),
        (lambda language: number(0.5, language), "0.5", "0,5"),
        (lambda language: percent(0.125, language), "12.5%", f"12,5{NBSP}%"),
        (lambda language: day(date(2026, 2, 1), language), "February 1, 2026", "1er février 2026"),
        (lambda language: day(AT, language), "November 29, 2026", "29 novembre 2026"),
        (
            lambda language: moment(AT, language),
            f"November 29, 2026, 3:05{NBSP}p.m. EST",
            f"29 novembre 2026, 15{NBSP}h{NBSP}05 HNE",
        ),
    ],
)
def test_each_language_writes_it_its_own_way(written, english: str, french: str) -> None:  # type: ignore[no-untyped-def]
    assert (written(EN).replace("\u202f", NBSP), written(FR).replace("\u202f", NBSP)) == (english, french)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/en/a/b", (EN, "a/b")),
        ("/fr", (FR, "")),
        ("/fr/", (FR, "")),
        ("/french/x", (None, "french/x")),
        ("/", (None, "")),
    ],
)
def test_the_first_segment_is_the_language(path: str, found: tuple[Language | None, str]) -> None:
    assert split(path) == found
