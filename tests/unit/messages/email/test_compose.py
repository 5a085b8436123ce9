import email
import email.policy
import json
import re
from dataclasses import replace
from email.message import EmailMessage
from html.parser import HTMLParser
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.library.letterheads import Letterheads
from messages.address import Address
from messages.email.branding import Branding
from messages.email.compose import Recipe, RecipeError, compose, is_one_click_url
from messages.message import Channel, Language
from messages.template import Template
from messages.variant import BUILT_IN
from tests.fakes import ses

ANNE = Address.parse("anne@example.org")
ID = UUID("01900000-0000-7000-8000-000000000001")
RECIPE = Recipe(
    service_name="Passport Office",
    sender=Address("passports", "notification.example.ca"),
    reply_to="info@passports.example.ca",
    branding="default",
    language=Language.EN,
    created_at=1_760_000_000.9,
    personalisation={"name": "Anne", "link": "https://a.ca/x", "list": ["a", "b"]},
    one_click_unsubscribe_url="https://a.ca/unsubscribe?u=1",
)
TEMPLATE = Template(
    id=UUID(int=1),
    version=3,
    service_id=UUID(int=2),
    channel=Channel.EMAIL,
    name="Letter",
    subject="Dear ((name))",
    body="# Hello ((name))\n\nFollow [this link](((link))) & bring:((list))",
    hidden=False,
    archived=False,
    created_at=0.0,
    updated_at=None,
)


def none(language: Language) -> Branding:
    return Letterheads().render(BUILT_IN["none"], "Passport Office", language)


NONE = none(Language.EN)


class Tree(HTMLParser):
    """Fails on a tag that is not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open += [] if tag in ("meta", "br", "hr") else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"title", "style"} & set(self.open) and "span" not in self.open[-1:]:
            self.words += data.split()


def make(template: Template = TEMPLATE, branding: Branding = NONE, **changes: object) -> EmailMessage:
    content = compose(replace(RECIPE, **changes), template, branding, ANNE, ID)
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert content.isascii()
    return email.message_from_bytes(content, policy=email.policy.default)


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    content = found.get_content().replace("\r\n", "\n")
    assert "\r" not in content
    return content


def test_message_has_the_fields_of_its_recipe():
    message = make()
    assert dict(message.items()) == {
        "From": "Passport Office <passports@notification.example.ca>",
        "To": "anne@example.org",
        "Subject": "Dear Anne",
        "Date": "Thu, 09 Oct 2025 08:53:20 +0000",
        "Message-ID": f"<{ID}@notification.example.ca>",
        "Reply-To": "info@passports.example.ca",
        "Content-Language": "en",
        "List-Unsubscribe": "<https://a.ca/unsubscribe?u=1>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "MIME-Version": "1.0",
        "Content-Type": f'multipart/alternative; boundary="=_{ID.hex}"',
    }
    assert message.defects == []


@pytest.mark.parametrize("name", ["\u1403" * 100, "\u00e9, " * 60, '"' * 128])
def test_name_of_a_service_is_cut_where_ses_would_refuse_it(name):
    recipe = replace(RECIPE, service_name=name)
    content = compose(recipe, TEMPLATE, NONE, Address("r" * 240, "example.org"), ID)
    assert ses.check(content, {"ToAddresses": ["anne@example.org"]}, []) is None


def test_what_a_recipe_has_not_is_no_field():
    message = make(reply_to=None, one_click_unsubscribe_url=None, language=Language.BOTH)
    absent = {"Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post", "Content-Language"}
    assert absent.isdisjoint(message.keys())


def test_two_alternatives_the_richest_last_say_the_same():
    message = make()
    assert [each.get_content_type() for each in message.iter_parts()] == ["text/plain", "text/html"]
    plain, tree = part(message, "plain"), Tree(part(message, "html"))
    assert plain == f"Hello Anne\n{'-' * 65}\n\nFollow this link: https://a.ca/x & bring:\n\n\u2022 a\n\u2022 b\n"
    assert tree.words == ["Hello", "Anne", "Follow", "this", "link", "&", "bring:", "a", "b"]
    assert ("a", {"href": "https://a.ca/x", "style": "word-wrap:break-word;"}) in tree.tags


def test_document_names_its_language_and_title_and_no_more_tables_than_layout():
    message = make(service_name="x", personalisation=dict(RECIPE.personalisation, name="A<b>&"))
    document = part(message, "html")
    tree = Tree(document)
    assert document.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "<title>Dear A&lt;b&gt;&amp;</title>" in document
    assert all(attributes["role"] == "presentation" for tag, attributes in tree.tags if tag == "table")
    both, french = (make(branding=none(language), language=language) for language in (Language.BOTH, Language.FR))
    assert part(both, "html").startswith("<!DOCTYPE html>\n<html>")
    assert part(french, "html").startswith('<!DOCTYPE html>\n<html lang="fr">')


def test_lines_stay_short_enough_to_read_in_a_wide_window():
    """No browser heeds the max-width of a cell in a table of the full width."""
    tables = [attributes["style"] or "" for tag, attributes in Tree(part(make(), "html")).tags if tag == "table"]
    assert ["max-width:580px" in style for style in tables[:2]] == [False, True]


def test_name_and_subject_beyond_ascii_are_encoded_words_outside_quotes():
    template = replace(TEMPLATE, subject="\u00c9t\u00e9 ((name)) " + "\u00e9" * 100)
    content = compose(replace(RECIPE, service_name="Qu\u00e9bec, Bureau"), template, NONE, ANNE, ID)
    assert b"From: =?utf-8?B?UXXDqWJlYywgQnVyZWF1?= <passports@" in content
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert message["From"].addresses[0].display_name == "Qu\u00e9bec, Bureau"
    assert message["Subject"] == "\u00c9t\u00e9 Anne " + "\u00e9" * 100
    assert max(map(len, content.partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 78


@pytest.mark.parametrize("word", ["a" * 2000, "=?utf-8?Q?x?=", 'say "=?"'])
def test_subject_that_reads_as_something_else_or_is_one_long_word_arrives_as_it_is(word):
    template = replace(TEMPLATE, subject="((name))")
    found = make(template, personalisation=dict(RECIPE.personalisation, name=word))["Subject"]
    assert found == word.replace(' "', " \u201c").replace('"', "\u201d")[:998]


def test_values_make_no_header_field():
    evil = "x\r\nBcc: evil@example.com\r\n\r\nbody"
    message = make(
        service_name=evil, reply_to="a@b.ca\r\nX-Evil: 1", one_click_unsubscribe_url="https://a.ca/>\r\nX-Evil: 1",
        personalisation=dict(RECIPE.personalisation, name=evil),
    )  # fmt: skip
    assert {"Bcc", "X-Evil", "List-Unsubscribe"}.isdisjoint(message.keys())
    assert message["Subject"] == "Dear x Bcc: evil@example.com body"


def test_branding_stands_around_the_text_and_the_preheader_first(branding):
    message = make(branding=branding)
    document = part(message, "html")
    order = [document.index(each) for each in ("display:none", "Gouvernement du", "<h2", "Envoy&#233; par le relais")]
    assert order == sorted(order)
    assert document.count("display:none") == 1
    assert document.index(">Hello Anne Follow this link &amp; bring: a b<") < document.index("Gouvernement")
    assert part(message, "plain").endswith("________________________________________\nEnvoy\u00e9 par le relais\n")
    Tree(document)


def test_without_branding_the_preheader_stands_first_too():
    document = part(make(), "html")
    assert document.index("display:none") < document.index("<h2")


def test_value_that_looks_like_pgp_takes_nobody_the_branding(branding):
    template = replace(TEMPLATE, body="-----BEGIN PGP MESSAGE-----\n\nx")
    assert "Gouvernement" in part(make(template, branding), "html")


def test_same_input_gives_the_same_octets(branding):
    stored = RECIPE.to_json()
    made = [compose(Recipe.from_json(stored), TEMPLATE, branding, ANNE, ID) for _ in range(2)]
    assert made[0] == made[1] == compose(RECIPE, TEMPLATE, branding, ANNE, ID)


def test_sanitised_values_show_their_marks():
    template = replace(TEMPLATE, body="((name)) and ((other))")
    values = {"name": "*Anne* https://e.ca", "other": "*b*"}
    message = make(template, personalisation=values, sanitise_content_for=("NAME",))
    assert Tree(part(message, "html")).words == ["*Anne*", "and", "b"]
    assert "<em>b</em>" in part(message, "html")


def test_recipe_comes_back_from_json_as_it_was():
    recipe = replace(
        RECIPE,
        sanitise_content_for=("a", "b"),
        branding_version=7,
        reply_to=None,
        personalisation={"x": [1, None, "\ud800\u00e9"]},
    )
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert recipe.to_json().isascii()


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"null", b"\xff", RECIPE.to_json()[:-1], RECIPE.to_json().replace(b'"en"', b'"xx"'),
             RECIPE.to_json().replace(b"passports@", b"passports"), b"[" * 100_000,
             RECIPE.to_json().replace(b'"branding_version":null', b'"branding_version":"x"')]
)  # fmt: skip
def test_what_is_no_recipe_is_told_apart(data):
    with pytest.raises(RecipeError):
        Recipe.from_json(data)


def test_recipe_of_an_earlier_version_has_a_built_in_branding():
    stored = json.loads(RECIPE.to_json())
    del stored["branding_version"]
    assert Recipe.from_json(json.dumps(stored).encode()) == RECIPE


def test_recipe_of_a_newer_version_with_more_in_it_is_read():
    stored = json.loads(RECIPE.to_json()) | {"new": 1}
    assert Recipe.from_json(json.dumps(stored).encode()) == RECIPE


@pytest.mark.parametrize("url", ["https://a.ca", "https://a.ca/x?y=(z)&c=%20#f", "https://[2001:db8::1]/"])
def test_urls_for_one_click(url):
    assert is_one_click_url(url)
    assert make(one_click_unsubscribe_url=url)["List-Unsubscribe"] == f"<{url}>"


@pytest.mark.parametrize(
    "url",
    ["", "http://a.ca", "https://", "https:a.ca", "https://a.ca/\r\nX: y", "https://a.ca/>", "https://a.ca/ b",
     "https://\u00e9.ca", "https://a.ca\n", "https://a.ca/" + "a" * 900, "mailto:a@b.ca", "https://a.ca/\"", "tel:1"],
)  # fmt: skip
def test_urls_that_are_not_for_one_click(url):
    assert not is_one_click_url(url)


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=200), st.booleans())
def test_any_values_give_one_message_of_the_same_form(name, service, text, sanitised):
    branding = Branding("<table><tr><td>header</td></tr></table>", "<p>footer</p>", "footer") if sanitised else NONE
    message = make(
        replace(TEMPLATE, body="((text))\n\n[((name))](https://a.ca/((text))) ((name))"),
        branding,
        service_name=service,
        personalisation={"name": name, "text": text},
        sanitise_content_for=("text",) if sanitised else (),
    )
    fixed = {"From", "To", "Subject", "Date", "Message-ID", "Reply-To", "Content-Language", "MIME-Version"}
    assert set(message.keys()) == fixed | {"Content-Type", "List-Unsubscribe", "List-Unsubscribe-Post"}
    assert len(list(message.iter_parts())) == 2
    document = part(message, "html")
    assert "<script" not in document.lower()
    assert Tree(document).tags
    for word in re.findall(r"[a-z]{5,}", name):
        assert word in part(message, "plain")
