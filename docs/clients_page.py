"""docs/clients.md and the site say the same of a product: each has what the other was written for.

What stands on the page, in both languages, becomes the site's `documented.json`; the site's `more.toml` becomes a
section of the page.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.words import Words
from messages.message import Language
from relay.site.keys.products import Listener, Values, more

_PAGES = {"en": "clients.md", "fr": "clients.fr.md"}
_GENERATED = re.compile(r"^## [^\n]+\n(?:(?!^## ).)*?<!-- generated: more products.*?<!-- end -->\n", re.M | re.S)
_HEADING = re.compile(r"^##+ (.+)$", re.M)
_PIECE = re.compile(r"(?:^<!-- file: [^\n]+-->\n)?^```[^\n]*\n(.*?)^```$", re.M | re.S)
_OF_TESTS = re.compile(
    r"(?:Not run by the tests|Non exécuté par les tests|The tests run this|Les tests exécutent)[^.]*\. ?"
)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_PORTS = {Listener.STARTTLS: 587, Listener.TLS: 465, Listener.DEVICES: 25}
_VALUES = Values("relay.example.ca", _PORTS, "USER")
_DEVICES = "relay.env"  # what an operator sets, on the page of printers


def documented(folder: Path) -> str:
    """What `documented.json` holds. Raises ValueError where the languages say different things."""
    english, french = (list(_sections((folder / name).read_text())) for name in _PAGES.values())
    found = []
    for (name, text), (french_name, french_text) in zip(english, french, strict=True):
        pairs = list(zip(_pieces(text), _pieces(french_text), strict=True))
        if any("code" in one or "table" in one for one, _ in pairs):
            parts = [_both(one, other) for one, other in pairs]
            found.append({"slug": _slug(name), "name": {"en": name, "fr": french_name}, "parts": parts})
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _sections(page: str) -> Iterator[tuple[str, str]]:
    """Headings of products, and what stands under each."""
    _, *rest = _HEADING.split(_GENERATED.sub("", page))
    yield from list(zip(rest[::2], rest[1::2], strict=True))[1:]  # the first is about replies


def _pieces(text: str) -> list[dict[str, Any]]:
    text = text.partition(f"<!-- file: {_DEVICES}")[0]
    pieces: list[dict[str, Any]] = []
    at = 0
    for code in _PIECE.finditer(text):
        pieces += [*_prose(text[at : code.start()]), {"code": code[1]}]
        at = code.end()
    return [*pieces, *_prose(text[at:])]


def _prose(text: str) -> Iterator[dict[str, Any]]:
    for block in filter(None, map(str.strip, text.split("\n\n"))):
        if block.startswith("|"):
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
            yield {"table": [rows[0], *rows[2:]]}
        else:
            yield {"prose": _LINK.sub(r"\1", _OF_TESTS.sub("", " ".join(block.split()) + " ").strip())}


def _both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    ((kind, english),) = one.items()
    french = other[kind]
    if kind == "code":
        if english != french:
            raise ValueError(f"not the same in both languages: {english}")
        return one
    return {kind: {"en": english, "fr": french}}


def _slug(name: str) -> str:
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")


def section(language: Language) -> str:
    """The products of `more.toml`, a table for each."""
    translate = Words.load().translator(language)
    spoken = language.value
    head = "| champ | valeur |" if language is Language.FR else "| field | value |"
    where = "Où\u00a0" if language is Language.FR else "Where"
    lines: list[str] = []
    for product in more():
        lines += [f"### {product.name[spoken]}", "", f"{where}: `{product.where}`", "", head, "|---|---|"]
        filled = [(label, _VALUES.fill(value, product.listener, translate)) for label, value in product.fields]
        lines += [f"| {label} | `{value}` |" for label, value in filled]
        if product.note:
            lines += ["", _VALUES.fill(product.note[spoken], product.listener, translate)]
        lines.append("")
    return "\n".join(lines[:-1])
