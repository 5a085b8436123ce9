"""Finds what a page says in no catalogue: where every text of the catalogue is in brackets, it stands outside."""

import re
from collections.abc import Iterator

from babel.core import Locale

from config.words import Words, catalogue
from tests.harness.browser import has_class
from tests.harness.html import Element

OPEN, CLOSE = "\u27e6", "\u27e7"
_SAID = ("alt", "aria-label", "title", "placeholder", "content", "label", "data-said")
# Names, code, and what is in the other language on purpose.
_ELSEWHERE = ("code", "pre", "time", "script", "style", "kbd", "svg")
_NAMES = ("product", "government", "service", "language")
_WORD = re.compile(r"[^\W\d_]{2,}")
_MONTHS = [month.lower() for month in Locale.parse("fr_CA").months["format"]["wide"].values()]


def bracketed(*same: str) -> Words:
    """French in which every text has brackets around it; `same` are texts that both languages share."""
    french = {**catalogue(), **{each: each for each in same}}
    return Words({source: f"{OPEN}{text}{CLOSE}" for source, text in french.items()})


def untranslated(root: Element) -> list[str]:
    """Texts of a page that stand outside of all brackets, at least in part."""
    return [text for text in _texts(root) if _outside(text)]


def _outside(text: str) -> list[str]:
    while (left := re.sub(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", "", text)) != text:
        text = left
    return [word for word in _WORD.findall(text) if word.lower() not in _MONTHS]


def _words(element: Element) -> str:
    """All that it says itself: names, and what is in the other language, stand in brackets."""
    return "".join(
        each if isinstance(each, str) else f"{OPEN}x{CLOSE}" if _is_elsewhere(each) else _words(each)
        for each in element.children
    )


def _is_elsewhere(element: Element) -> bool:
    return element.tag in _ELSEWHERE or element.attributes.get("translate") == "no" or _is_other(element)


def _texts(element: Element) -> Iterator[str]:
    if _is_elsewhere(element):
        return
    if any(has_class(element, name) for name in _NAMES):
        return
    if element.tag == "meta":
        return
    for name in _SAID:
        if name in element.attributes:
            yield element.attributes[name]
    if element.tag == "title":
        yield element.text.rpartition(" \N{EN DASH} ")[0]  # the product's name ends it
        return
    yield from _pieces(element)


def _pieces(element: Element) -> Iterator[str]:
    """A sentence with a link in it is one text: brackets may begin before the link and end behind it."""
    own = "".join(each if isinstance(each, str) else f" {OPEN}x{CLOSE} " for each in element.children)
    whole = _words(element)
    if own.count(OPEN) - own.count(f"{OPEN}x") and whole.count(OPEN) == whole.count(CLOSE):
        yield whole
    else:
        yield own
    for each in element.children:
        if isinstance(each, Element) and not (element.tag in ("p", "li") and each.tag == "a" and own.count(OPEN) > 1):
            yield from _texts(each)


def _is_other(element: Element) -> bool:
    return element.tag != "html" and "lang" in element.attributes and not element.attributes["lang"].startswith("fr")
