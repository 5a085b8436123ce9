"""The page of SMTP replies: for people, in their language, with or without sight, and kept by caches."""

import itertools

import pytest

from config.words import Words
from messages.message import Language
from messages.reply import Reply, catalogue
from tests.harness.html import Element, read_html
from tests.harness.http_door import Door

REFUSALS = {slug: answer for slug, answer in catalogue().items() if answer.code >= 400}


async def page(door: Door, language: str, path: str = "/smtp") -> Element:
    answer = await door.ask("GET", path, {"Accept-Language": language})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return read_html(answer.body.decode())


@pytest.mark.parametrize("language", [Language.EN, Language.FR])
async def test_every_refusal_has_its_place_with_cause_and_cure(door: Door, language: Language) -> None:
    translate = Words.load().translator(language)
    document = await page(door, language.value)

    def words(text: str) -> str:
        return " ".join(translate(text).split())

    assert document.tagged("html")[0].attributes["lang"] == language.value
    for slug, answer in REFUSALS.items():
        section = document.at(slug)
        (title,) = section.tagged("h3")
        assert title.attributes["id"] == section.attributes["aria-labelledby"]
        assert title.text.startswith(f"{answer.code} {answer.enhanced} ")
        assert "{" not in section.text
        assert [each.text for each in section.tagged("dd")] == [words(answer.cause), words(answer.cure)]


async def test_temporary_and_permanent_refusals_stand_apart(door: Door) -> None:
    document = await page(door, "en")
    later, never = (each.text for each in document.tagged("h2"))
    under: dict[str, list[Reply]] = {later: [], never: []}
    heading = ""
    for element in document.all():
        if element.tag == "h2":
            heading = element.text
        elif element.tag == "section":
            under[heading].append(REFUSALS[element.attributes["id"]])

    assert "try again" in later
    assert "give up" in never
    assert all(answer.temporary for answer in under[later])
    assert not any(answer.temporary for answer in under[never])
    assert sum(map(len, under.values())) == len(REFUSALS)


async def test_page_can_be_read_by_ear_and_needs_no_script_or_other_host(door: Door) -> None:
    answer = await door.ask("GET", "/smtp")
    document = read_html(answer.body.decode())
    tags = [each.tag for each in document.all()]

    assert tags.count("h1") == tags.count("main") == tags.count("title") == 1
    levels = [int(tag[1]) for tag in tags if tag in ("h1", "h2", "h3")]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    anchors = [each.attributes["id"] for each in document.all() if "id" in each.attributes]
    assert len(anchors) == len(set(anchors))
    assert b"://" not in answer.body
    assert b"<script" not in answer.body
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_page_is_kept_for_each_language(door: Door) -> None:
    answer = await door.ask("GET", "/smtp", {"Accept-Language": "fr-CA"})

    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert answer.headers["Vary"] == "Accept-Language"
    assert answer.headers["Content-Language"] == "fr"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("asked", "other"), [("en", "fr"), ("fr", "en")])
async def test_the_other_language_is_one_link_away(door: Door, asked: str, other: str) -> None:
    (link,) = (await page(door, asked)).tagged("nav")[0].tagged("a")
    assert link.attributes == {"href": f"?lang={other}", "lang": other, "hreflang": other}

    followed = await page(door, asked, f"/smtp{link.attributes['href']}")

    assert followed.tagged("html")[0].attributes["lang"] == other


async def test_unknown_language_is_as_if_none_was_asked_for(door: Door) -> None:
    assert (await page(door, "fr", "/smtp?lang=both")).tagged("html")[0].attributes["lang"] == "fr"


async def test_page_is_no_part_of_the_api(door: Door) -> None:
    assert "/smtp" not in (await door.ask("GET", "/openapi.json")).body["paths"]
    assert (await door.ask("POST", "/smtp")).errors[0][0] == "MethodNotAllowed"
