"""How products are set to send by SMTP, in their own words: those of docs/clients.md, and others.

`documented.json` follows from docs/clients.md in both languages (`make docs`), whose code the tests run; `more.toml` is
written by hand, and docs/clients.md follows from it. So nothing is said twice.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from messages.message import Language
from messages.text import Text, Translate

_FOLDER = Path(__file__).parent
DOCUMENTED = _FOLDER / "documented.json"
ON, OFF = Text("on"), Text("off")
_OTHERWISE = re.compile(r"^.*\n\s*(?://|#) or: (.*)$", re.MULTILINE)
_OTHER_LINE = re.compile(r"^\s*(?://|#) or: .*\n", re.MULTILINE)


class Listener(StrEnum):
    """Where a product connects, and so what it must do first."""

    STARTTLS = "starttls"
    TLS = "tls"
    DEVICES = "devices"


@dataclass(frozen=True, slots=True)
class Values:
    """What stands for the relay, the key and the sender. For the password a word: it was shown once."""

    host: str
    ports: Mapping[Listener, int]
    user: str
    password: str = "PASSWORD"  # noqa: S105
    sender: str = "clerk@city.example"

    def fill(self, template: str, listener: Listener, translate: Translate = str) -> str:
        """A value of more.toml."""
        local, _, domain = self.sender.partition("@")
        return template.format(
            host=self.host,
            port=self.ports[listener],
            user=self.user,
            password=self.password,
            sender=self.sender,
            sender_local=local,
            sender_domain=domain,
            on=ON.render(translate),
            off=OFF.render(translate),
        )

    def replace(self, text: str) -> str:
        """Text of docs/clients.md, where the examples stand for what is here."""
        found = {
            "relay.example.ca": self.host,
            "587": str(self.ports[Listener.STARTTLS]),
            "465": str(self.ports[Listener.TLS]),
            "USER": self.user,
            "PASSWORD": self.password,
            "clerk@city.example": self.sender,
        }
        pattern = r"\b(?:" + "|".join(map(re.escape, found)) + r")\b"
        return re.sub(pattern, lambda match: found[match[0]], text)


@dataclass(frozen=True, slots=True)
class Part:
    """Of a product of docs/clients.md, in one language: a paragraph, code, or a table whose first row is its head."""

    prose: str = ""
    code: str = ""
    table: tuple[tuple[str, ...], ...] = ()

    @property
    def has_choice(self) -> bool:
        """Whether it has lines for the port with TLS from the first octet, too."""
        return bool(_OTHERWISE.search(self.code))

    def code_for(self, listener: Listener) -> str:
        if listener is Listener.TLS:
            return _OTHERWISE.sub(r"\1", self.code)
        return _OTHER_LINE.sub("", self.code)


@dataclass(frozen=True, slots=True)
class Product:
    """What to enter where: `fields` of more.toml, or `parts` of docs/clients.md, by language."""

    slug: str
    name: Mapping[str, str]
    listener: Listener = Listener.STARTTLS
    where: str = ""
    source: str = ""  # its documentation: an address or a title
    fields: tuple[tuple[str, str], ...] = ()  # the product's own label, and what to enter
    note: Mapping[str, str] | None = None
    parts: Mapping[str, tuple[Part, ...]] | None = None

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Those that its settings are known for."""
        both = self.parts is not None and any(each.has_choice for each in self.parts["en"])
        return (Listener.STARTTLS, Listener.TLS) if both else (self.listener,)

    def name_in(self, language: Language) -> str:
        return self.name[language.value]


@cache
def products() -> Mapping[str, Product]:
    """All, by their slugs, in the order of their English names."""
    found = [*_documented(), *more()]
    return {each.slug: each for each in sorted(found, key=lambda each: each.name["en"].lower())}


@cache
def more() -> tuple[Product, ...]:
    """Those of more.toml."""
    return tuple(_more(each) for each in tomllib.loads((_FOLDER / "more.toml").read_text())["product"])


def _more(entry: dict[str, Any]) -> Product:
    fields = tuple((label, value) for label, value in entry.pop("fields"))
    name = entry.pop("name")
    listener = Listener(entry.pop("listener"))
    return Product(name={"en": name, "fr": name}, listener=listener, fields=fields, **entry)


def _documented() -> list[Product]:
    return [
        Product(
            each["slug"],
            each["name"],
            parts={
                language: tuple(
                    Part(
                        part.get("prose", {}).get(language, ""),
                        part.get("code", ""),
                        tuple(map(tuple, part.get("table", {}).get(language, ()))),
                    )
                    for part in each["parts"]
                )
                for language in ("en", "fr")
            },
        )
        for each in json.loads(DOCUMENTED.read_text())
    ]
