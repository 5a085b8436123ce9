"""How products are set up: each is whole, in both languages, and says what docs/clients.md says."""

import re

import pytest

from config.words import Words
from docs import clients_page
from messages.message import Language
from relay.site.keys.products import DOCUMENTED, Listener, Product, Values, more, products
from tests.harness.clients_page import DOCS, snippets

PORTS = {Listener.STARTTLS: 2587, Listener.TLS: 2465, Listener.DEVICES: 2525}
VALUES = Values("mail.city.example", PORTS, "city-scan-abcd1234", sender="scan@city.example")


def test_what_the_page_says_of_products_is_current() -> None:
    assert clients_page.documented(DOCS) == DOCUMENTED.read_text(), "run `make docs`"


def test_all_code_of_the_page_is_there_but_for_what_an_operator_sets() -> None:
    shown = {part.code for each in products().values() for part in (each.parts or {}).get("en", ())}
    assert [name for name, code in snippets().items() if code not in shown] == ["relay.env"]


def test_there_are_those_of_the_page_and_at_least_ten_more_some_of_them_printers() -> None:
    assert len(products()) >= len(more()) + 15
    assert len(more()) >= 10
    assert {each.listener for each in more()} == set(Listener)
    assert len({each.slug for each in products().values()}) == len(products())


@pytest.mark.parametrize("product", more(), ids=lambda product: product.slug)
@pytest.mark.parametrize("language", [Language.EN, Language.FR])
def test_every_field_of_a_product_can_be_filled_and_names_what_it_must(product: Product, language: Language) -> None:
    translate = Words.load().translator(language)
    filled = [VALUES.fill(value, product.listener, translate) for _, value in product.fields]
    text = "\n".join(filled)
    assert VALUES.host in text
    if product.slug != "asrock-rack":  # it has no field for the port: 25
        assert str(PORTS[product.listener]) in text
    if product.listener is Listener.DEVICES:
        assert VALUES.user not in text
    else:
        assert VALUES.user in text
        assert VALUES.password in text
    assert product.where
    assert product.source
    if product.note:
        VALUES.fill(product.note[language.value], product.listener, translate)


@pytest.mark.parametrize("product", products().values(), ids=lambda product: product.slug)
def test_a_product_of_the_page_is_filled_in_for_either_port(product: Product) -> None:
    if product.parts is None:
        return
    assert len(product.parts["en"]) == len(product.parts["fr"])
    for listener in product.listeners:
        for part in product.parts["en"]:
            text = VALUES.replace(part.prose + part.code_for(listener) + str(part.table))
            assert not re.search(r"\b(?:587|465|USER)\b|relay\.example\.ca|clerk@|or: ", text)
            if part.has_choice:
                other = Listener.TLS if listener is Listener.STARTTLS else Listener.STARTTLS
                assert str(PORTS[other]) not in text
