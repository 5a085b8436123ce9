"""Letters with every branding, in every language and by every door, as whole documents that a browser can open.

`make branding` writes what tests/acceptance/test_branding.py compares with, and the pictures of docs/branding.md. Each
letter carries its own pictures: what it shows was found by its Content-ID, as a mail reader does.
"""

import base64
import email
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any
from uuid import UUID

from delivery.library.letterheads import Letterheads
from messages.address import Address
from messages.email.compose import Recipe, compose
from messages.email.pipeline import Preparation, prepare
from messages.email.rewrite import SenderPolicy
from messages.message import Channel, Language, Trace
from messages.picture import Picture
from messages.template import Template
from messages.variant import BUILT_IN, BrandType, Variant

NODE = Path(__file__).parents[1] / "node"
DATA = Path(__file__).parents[1] / "data/branding"
PAGE = Path(__file__).parents[2] / "docs/branding"
CHROMIUM = Path("/usr/bin/chromium")
ID = UUID("01900000-0000-7000-8000-000000000001")
SENDER = Address("passports", "notification.example.ca")

SERVICES = {"en": "Passport Office", "fr": "Bureau des passeports", "both": "Passport Office / Bureau des passeports"}
_ENGLISH = """# Your passport is ready

You can pick it up from **Monday**. Please bring:

* this letter
* your old passport

Read [how to pick up a passport](https://example.ca/en/pick-up) first."""
_FRENCH = """# Votre passeport est prêt

Vous pouvez venir le chercher dès **lundi**. Veuillez apporter :

* la présente lettre
* votre ancien passeport

Lisez d'abord [comment récupérer un passeport](https://example.ca/fr/recuperer)."""
BODIES = {"en": _ENGLISH, "fr": _FRENCH, "both": f"[[en]]\n{_ENGLISH}\n[[/en]]\n\n---\n\n[[fr]]\n{_FRENCH}\n[[/fr]]"}
SUBJECTS = {
    "en": "Your passport is ready",
    "fr": "Votre passeport est prêt",
    "both": "Your passport is ready / Votre passeport est prêt",
}
_FOREIGN = """<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
 "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html lang="{lang}"><head><title>{subject}</title>
<style>h1{{font-size:20px;color:#26374a}} td{{padding:4px}}</style></head>
<body bgcolor="#f5f5f5" style="font-family:Verdana,sans-serif;color:#333333"><h1>{subject}</h1>{body}</body></html>"""
_PARAGRAPHS = {
    "en": '<p>Pick it up from <b>Monday</b>. <a href="https://example.ca/en">How to pick up a passport</a></p>',
    "fr": '<p>Venez le chercher <b>lundi</b>. <a href="https://example.ca/fr">Comment récupérer un passeport</a></p>',
}
TEXTS = {
    "en": "Your passport is ready.\n\nPick it up from Monday: https://example.ca/en\n",
    "fr": "Votre passeport est prêt.\n\nVenez le chercher dès lundi : https://example.ca/fr\n",
}
TEXTS["both"] = f"{TEXTS['en']}\n{TEXTS['fr']}"
DOORS = ("template", "wrapped", "text")
ARTWORK = "-artwork"  # where the government's pictures stand in place of its name


@dataclass(frozen=True, slots=True)
class Letter:
    """`html` shows its pictures from data URLs."""

    variant: str
    language: Language
    door: str
    html: str

    @property
    def name(self) -> str:
        return f"{self.variant}, {self.language}, {self.door}"


def missing() -> str | None:
    """Why no browser can look at them here."""
    if not CHROMIUM.exists() or shutil.which("node") is None:
        return "CHROMIUM OR NODE IS NOT INSTALLED (Debian: apt-get install chromium fonts-liberation nodejs npm)"
    if not (NODE / "node_modules/axe-core").is_dir():
        return "THE NPM PACKAGES ARE NOT INSTALLED (npm ci --prefix tests/node)"
    return None


def variants() -> dict[str, Variant]:
    """One of each kind."""
    logo, white = (Picture.parse((DATA / name).read_bytes()) for name in ("logo.png", "logo-on-colour.png"))
    alt = {"alt_text_en": "Parks Agency", "alt_text_fr": "Agence des parcs"}

    def custom(kind: BrandType, **values: Any) -> Variant:
        return Variant(f"{kind}{len(values)}", 1, None, "Parks", kind, **values)

    band = BrandType.CUSTOM_LOGO_WITH_BACKGROUND_COLOUR
    return {
        **{str(each.id): each for each in BUILT_IN.values()},
        "both_english": custom(BrandType.BOTH_ENGLISH, logo=logo, **alt),
        "both_french": custom(BrandType.BOTH_FRENCH, logo=logo, **alt),
        f"fip_english{ARTWORK}": BUILT_IN["fip_english"],
        f"both_french{ARTWORK}": custom(BrandType.BOTH_FRENCH, logo=logo, **alt),
        "custom_logo": custom(BrandType.CUSTOM_LOGO, logo=logo, **alt),
        "custom_logo-text": custom(BrandType.CUSTOM_LOGO, logo=logo, text="Parks and trails", colour="#2b5a2b", **alt),
        "custom_logo_with_background_colour": custom(band, logo=white, colour="#1c578a", **alt),
        "custom_logo_with_background_colour-text": custom(band, text="Parks Agency", colour="#1c578a"),
    }


def letters() -> Iterator[Letter]:
    """Text gets no HTML where nothing is inserted."""
    heads = {False: Letterheads(base_url=None), True: Letterheads(DATA / "artwork", base_url=None)}
    for name, variant in variants().items():
        for language in Language:
            branding = heads[name.endswith(ARTWORK)].render(variant, SERVICES[language], language)
            for door in DOORS if branding else DOORS[:1]:
                yield Letter(name, language, door, _shown(_made(door, language, branding)))


def _made(door: str, language: Language, branding: Any) -> bytes:
    if door == "template":
        recipe = Recipe(SERVICES[language], SENDER, None, "default", language, 0.0)
        template = Template(
            ID, 1, ID, Channel.EMAIL, "Letter", SUBJECTS[language], BODIES[language], False, False, 0.0, None
        )
        return compose(recipe, template, branding, Address.parse("anne@example.org"), ID)
    if door == "wrapped":
        codes = ("en", "fr") if language is Language.BOTH else (language.value,)
        body = "".join(f'<div lang="{code}">{_PARAGRAPHS[code]}</div>' for code in codes)
        content = _FOREIGN.format(lang=codes[0], subject=SUBJECTS[language], body=body)
    else:
        content = TEXTS[language]
    kind = "html" if door == "wrapped" else "plain"
    fields = f"From: a@example.ca\nSubject: {SUBJECTS[language]}\nContent-Type: text/{kind}; charset=utf-8\n\n"
    policy = SenderPolicy("Passports", SENDER, False, "registered", None, frozenset())
    preparation = Preparation(policy, branding, Trace("c", "::1", "ESMTPSA", "r"), ID, 0.0)
    return prepare((fields + content + "\n").replace("\n", "\r\n").encode(), preparation).content


def _shown(content: bytes) -> str:
    message = email.message_from_bytes(content)
    (html,) = (part for part in message.walk() if part.get_content_type() == "text/html")
    document = html.get_payload(decode=True).decode("utf-8")  # type: ignore[union-attr]
    for part in message.walk():
        if part.get_content_maintype() == "image":
            document = document.replace(f"cid:{part['Content-ID'].strip('<>')}", _url(part))
    assert "cid:" not in document
    return document


def _url(part: Message) -> str:
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return f"data:{part.get_content_type()};base64,{base64.b64encode(octets).decode()}"


def look_at(letters_: list[Letter], script: str = "letters.cjs") -> dict[str, Any]:
    """What the browser says of each, by its name; one start for all of them."""
    asked = "".join(
        json.dumps({"name": each.name, "html": each.html, "bilingual": each.language is Language.BOTH}) + "\n"
        for each in letters_
    )
    done = subprocess.run(
        ["node", NODE / script], input=asked, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    reports = (json.loads(line) for line in done.stdout.splitlines())
    return {each.pop("name"): each for each in reports}


def golden(variant: str) -> Path:
    return DATA / f"{variant}.tree"


def trees(variant: str, letters_: list[Letter], reports: dict[str, Any]) -> str:
    """The accessibility trees of a variant's letters, as the golden file has them."""
    found = (each.name for each in letters_ if each.variant == variant)
    return "\n".join(f"# {name}\n" + "".join(f"{line}\n" for line in reports[name]["tree"]) for name in found)


def _write() -> None:
    made = list(letters())
    reports = look_at(made)
    for variant in variants():
        golden(variant).write_text(trees(variant, made, reports))
    PAGE.mkdir(exist_ok=True)
    look_at([each for each in made if each.door == "template" and each.language is _shown_in(each)], "screenshots.cjs")


def _shown_in(letter: Letter) -> Language:
    return Language.FR if "french" in letter.variant else Language.EN


if __name__ == "__main__":
    _write()
