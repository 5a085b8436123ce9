"""`/` and /docs as browsers, caches and programs get them: in both languages, all of it linked, nothing foreign."""

import asyncio
import itertools
import json
import re

import pytest

from config.words import Words
from messages.message import KeyType, Language
from relay.http.pages.book import CHAPTERS
from relay.http.pages.calls import calls
from relay.http.pages.layout import style_name
from tests.harness.documented import document
from tests.harness.html import Element, read_html
from tests.harness.http_door import Answer, Door, make_template
from tests.harness.sampled import sampled

LANGUAGES = sampled(["en", "fr"], lambda at: at == 1)  # the sample is the one that has to be translated
FIRST_VIEW_BYTES = 60_000
_READ: dict[str, dict[str, Element]] = {}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def parsed(answer: Answer) -> Element:
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return read_html(answer.body.decode())


async def page(door: Door, path: str) -> Element:
    answer = await door.ask("GET", path)
    assert answer.status == 200, path
    return parsed(answer)


async def every_page(door: Door, language: str) -> dict[str, Element]:
    """By address: all that links lead to, beginning at the home page. The same at every door: read once."""
    if language in _READ:
        return _READ[language]
    found = _READ.setdefault(language, {})
    waiting = [f"/?lang={language}"]
    while waiting:
        path = waiting.pop()
        found[path] = await page(door, path)
        targets = {each.attributes["href"].partition("#")[0] for each in found[path].tagged("a")}
        own = {target for target in targets if target.endswith(f"lang={language}") and target[0] == "/"}
        waiting += sorted(own - found.keys() - set(waiting))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_is_reached_and_can_be_read_by_ear(door: Door, language: str) -> None:
    pages = await every_page(door, language)

    offered = {path[len("/docs/") :].partition("?")[0] for path, each in pages.items() if each.tagged("form")}
    assert offered == {call.name for call in calls(document()) if call.is_offered}
    assert len(pages) == 2 + len(CHAPTERS) + 1 + len(offered)  # home, SMTP replies; what is not offered
    for path, each in pages.items():
        tags = [element.tag for element in each.all()]
        assert each.tagged("html")[0].attributes["lang"] == language, path
        assert [tags.count(tag) for tag in ("h1", "main", "title", "header", "footer")] == [1] * 5, path
        content = [element for element in each.tagged("main")[0].all() if re.fullmatch("h[1-6]", element.tag)]
        levels = [int(element.tag[1]) for element in content]
        assert levels[0] == 1, path
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), path
        anchors = [element.attributes["id"] for element in each.all() if "id" in element.attributes]
        assert len(anchors) == len(set(anchors)), path


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_link_leads_somewhere(door: Door, language: str) -> None:
    pages = await every_page(door, language)

    for path, each in pages.items():
        for link in each.tagged("a"):
            target, _, anchor = link.attributes["href"].partition("#")
            if target in ("/openapi.json", f"?lang={'fr' if language == 'en' else 'en'}"):
                continue
            there = pages[target or path]
            assert not anchor or there.at(anchor), link.attributes


@pytest.mark.parametrize("language", LANGUAGES)
async def test_nothing_is_foreign_inline_or_large(door: Door, language: str) -> None:
    style = await door.ask("GET", f"/{style_name()}")

    for path in await every_page(door, language):
        answer = await door.ask("GET", path)
        said = answer.body.decode()
        assert not re.search(
            r"<script|<style|style=|src=|\son\w+=", re.sub(r"(?s)<pre.*?</pre>|<code.*?</code>", "", said)
        )
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'; ")
        assert len(answer.body) + len(style.body) < FIRST_VIEW_BYTES, path


async def test_stylesheet_is_kept_for_ever_under_a_name_made_of_it(door: Door) -> None:
    (link,) = (await page(door, "/docs")).tagged("link")
    answer = await door.ask("GET", link.attributes["href"])

    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Vary" not in answer.headers
    assert "Content-Language" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/keys", "/docs/send_email"])
async def test_language_is_the_readers_and_the_other_one_is_a_link_away(door: Door, path: str) -> None:
    french = await door.ask("GET", path, {"Accept-Language": "fr-CA, en;q=0.5"})
    assert french.headers["Content-Language"] == "fr"
    assert "Accept-Language" in french.headers["Vary"]
    (toggle,) = parsed(french).tagged("nav")[0].tagged("a")
    assert toggle.attributes["hreflang"] == "en"

    followed = await door.ask("GET", path + toggle.attributes["href"], {"Accept-Language": "fr-CA"})

    assert followed.headers["Content-Language"] == "en"
    targets = [each.attributes["href"] for each in parsed(followed).tagged("a")]
    assert len(targets) > 3
    assert [each for each in targets if each.startswith("/docs") and "lang=en" not in each] == []


async def test_page_is_told_from_an_older_one_by_its_tag(door: Door) -> None:
    answer = await door.ask("GET", "/docs/keys")
    tag = answer.headers["ETag"]
    assert answer.headers["Cache-Control"] == "public, max-age=3600"

    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await door.ask("GET", "/docs/keys", {"If-None-Match": given})
        assert (again.status, again.body) == (304, b"")
        assert (again.headers["ETag"], again.headers["Vary"]) == (tag, "Accept-Language")
    assert (await door.ask("GET", "/docs/keys?lang=fr", {"If-None-Match": tag})).status == 200
    assert (await door.ask("GET", "/docs/keys", {"If-None-Match": '"other"'})).status == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/keys", "/docs/send_email", "/smtp", f"/{style_name()}"])
async def test_head_tells_of_a_page_without_it(door: Door, path: str) -> None:
    whole, head = await door.ask("GET", path), await door.ask("HEAD", path)

    assert (head.status, head.body) == (200, b"")
    for name in ("Content-Length", "ETag", "Content-Type"):
        assert head.headers[name] == whole.headers[name]


async def test_unknown_page_is_not_found(door: Door) -> None:
    for method, path in (
        ("GET", "/docs/nothing"),
        ("GET", "/docs/home"),
        ("POST", "/docs/keys"),
        ("POST", "/docs/nothing"),
    ):
        assert (await door.ask(method, path)).errors[0][0] == "NotFound"
    assert (await door.ask("POST", "/docs")).errors[0][0] == "MethodNotAllowed"


# -- Home ----------------------------------------------------------------------------------------------------------


async def test_home_greets_people_and_tells_programs_where_to_go(door: Door) -> None:
    person = await door.ask("GET", "/", {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    program = await door.ask("GET", "/", {"Accept": "application/json"})

    assert "This relay is accepting messages." in parsed(person).tagged("main")[0].text
    assert program.body == {
        "name": "notify-relay",
        "accepting": True,
        "documentation": "http://api.example.ca/docs",
        "openapi": "http://api.example.ca/openapi.json",
    }
    assert document()["info"]["version"] not in person.body.decode() + json.dumps(program.body)


async def test_home_says_when_nothing_can_be_accepted(door: Door) -> None:
    async with door.database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE messages RENAME TO away")

    assert "cannot accept messages right now" in (await page(door, "/?lang=en")).tagged("main")[0].text
    assert (await door.ask("GET", "/", {"Accept": "application/json"})).body["accepting"] is False


# -- The reader's own ids ------------------------------------------------------------------------------------------


async def shown(door: Door, key: str, path: str = "/docs/send_email?lang=en") -> Answer:
    return await door.ask("POST", path, FORM, data=f"key={key}")


async def test_examples_have_the_ids_of_whose_key_is_given_and_never_the_key(door: Door) -> None:
    sent = (await door.send()).body["id"]
    key = door.issued[str(KeyType.NORMAL)].api_key
    send, get = await shown(door, key), await shown(door, key, "/docs/get_notification?lang=fr")

    assert send.status == get.status == 200
    assert send.body.decode().count(str(door.template.id)) == 3
    assert get.body.decode().count(sent) == 3
    for answer in (send, get):
        assert key.encode() not in answer.body
        assert key[-36:].encode() not in answer.body
        assert answer.headers["Cache-Control"] == "no-store"
        assert "ETag" not in answer.headers
    assert get.headers["Content-Language"] == "fr"
    assert str(door.template.id).encode() not in (await door.ask("GET", "/docs/send_email")).body


async def test_newest_template_counts_with_its_own_placeholders(door: Door) -> None:
    async with door.database.write() as connection:
        newest = await make_template(
            connection, door.service.id, name="A", subject="S", body="Dear (('who' \"x\")), <b>"
        )
    text = (await shown(door, door.issued["normal"].api_key)).body.decode()

    assert str(newest.id) in text
    assert str(door.template.id) not in text
    assert "&quot;" in text or "&#34;" in text or "'\\''who'\\''" in text


@pytest.mark.parametrize("body", ["", "key=", "key=nonsense", "other=1", "%ff", "key=\u00e9", "key=a&" * 9])
async def test_what_is_no_key_is_told_on_the_page(door: Door, body: str) -> None:
    answer = await door.ask("POST", "/docs/send_email?lang=fr", FORM, data=body.encode())

    problem = parsed(answer).at("key-problem")
    assert answer.status in (401, 403)
    assert problem.text
    assert "key-problem" in parsed(answer).at("key").attributes["aria-describedby"]
    assert answer.headers["Cache-Control"] == "no-store"


async def test_form_that_is_too_long_is_refused(door: Door) -> None:
    assert (await shown(door, "x" * 5000)).status == 413


async def test_who_guesses_keys_by_the_form_is_counted(door: Door) -> None:
    key = door.issued["normal"].api_key
    wrong = key[:-36] + "00000000-0000-4000-8000-000000000000"

    assert (await shown(door, wrong)).status == 403
    assert door.metric("relay_auth_failures_total", reason="credentials") == 1


async def test_pages_are_built_once(door: Door) -> None:
    """However many ask at once, each gets the same octets."""
    answers = await asyncio.gather(*(door.ask("GET", "/docs/failures") for _ in range(20)))

    assert len({each.headers["ETag"] for each in answers}) == 1


@pytest.mark.parametrize("language", [Language.EN, Language.FR])
async def test_page_of_failures_has_every_message_of_the_api(door: Door, language: Language) -> None:
    said = (await page(door, f"/docs/failures?lang={language.value}")).tagged("main")[0].text
    translate = Words.load().translator(language)

    for source in ("Template not found", "Recipient can't be empty", "Internal server error", "Service is suspended"):
        assert translate(source) in said
