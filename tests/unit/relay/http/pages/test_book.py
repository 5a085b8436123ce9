"""The chapters and the calls: the same in both languages, with links that lead to pages of the book."""

import re

import pytest

from config.words import Words
from messages.message import Language
from relay.http.pages.book import CHAPTERS, HOME, START, Book
from relay.http.pages.examples import Ids
from tests.harness.documented import document

IDS = Ids("https://api.example.ca/")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def book(language: Language) -> Book:
    return Book(document(), language, Words.load().translator(language))


ENGLISH, FRENCH = book(Language.EN), book(Language.FR)
NAMES = [HOME, *ENGLISH.names]


def test_it_begins_with_the_chapters_and_has_every_call() -> None:
    assert ENGLISH.names[: len(CHAPTERS)] == list(CHAPTERS)
    assert ENGLISH.names == FRENCH.names
    assert {"send_email", "get_notification", "list_templates"} <= set(ENGLISH.names)
    assert "send_letter" not in ENGLISH.names


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_shape(name: str) -> None:
    english, french = (str(each.read(name, IDS)) for each in (ENGLISH, FRENCH))

    assert shape(english) == shape(french)
    assert codes(english) == codes(french)
    assert ENGLISH.title(name) != FRENCH.title(name) or name == HOME


def shape(text: str) -> list[str]:
    """Its headings, lists and tables in their order; not how many lines a paragraph has."""
    return [mark for line in FENCE.sub("", text).splitlines() for mark in re.findall(r"^(?:#+ |- |\|)", line)]


def codes(text: str) -> list[str]:
    return FENCE.findall(text)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("each", [ENGLISH, FRENCH], ids=["en", "fr"])
def test_french_has_no_plain_space_where_it_needs_another(each: Book, name: str) -> None:
    text = re.sub(r"`[^`]*`", "", FENCE.sub("", str(each.read(name, IDS))))
    if each is FRENCH:
        assert re.findall(r".{20} [:;?!%»]|« ", text.replace("\n", " ")) == []
    assert "[[failures]]" not in text
    assert "relay.example.ca" not in text


def test_failures_are_those_that_the_code_knows() -> None:
    text = str(ENGLISH.read("failures", IDS))

    assert "| `ValidationError` | \u2026 is a required property |" in text
    assert "`LiveServiceTooManyEmailRequestsError`" in text
    assert "`TrialServiceTooManyEmailRequestsError`" in text
    assert "### 503: Not now; nothing was stored" in text


def test_start_is_the_first_page() -> None:
    assert ENGLISH.groups()[0].entries[0].name == START


def test_fields_of_a_request_say_what_they_take() -> None:
    text = str(ENGLISH.read("send_email", IDS))

    assert "| `email_address` **required** | text: an email address | The recipient" in text
    assert "| `reference` | text, at most 1000 characters |" in text
    assert "| `content.subject` | text | The filled subject. |" in text
    assert "`line_1` `line_2` `line_3` `line_4` `line_5` `line_6` `postcode`" in str(
        ENGLISH.read("get_notification", IDS)
    )
