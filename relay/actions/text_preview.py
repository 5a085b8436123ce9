"""What a text would be and cost, by either door. Nothing is stored by it, so the audit has nothing of it."""

from dataclasses import dataclass
from typing import Any

from auth.principal import Service
from messages.reply import Refused
from messages.sms import parts
from messages.sms.downgrading import Change
from messages.sms.parts import Cost, Size
from messages.sms.recipe import Written
from messages.template import Template
from messages.values import Personalisation
from relay.plain import plain
from relay.preparation import sms


@dataclass(frozen=True, slots=True)
class TextPreview:
    """`cost` says why it is in UCS-2, and how many parts it would take without that; `refused` why nobody would get it.

    `body` is what the API shows, and `text` exactly what is sent; `changes` are what the downgrade did to it.
    """

    body: str
    text: str
    size: Size
    cost: Cost | None
    changes: tuple[Change, ...]
    refused: Refused | None

    @property
    def parts(self) -> tuple[str, ...]:
        """What is sent, cut as carriers cut it; joined they are `text`."""
        return parts.split(self.text)


def shown(found: TextPreview) -> dict[str, Any]:
    """What is sent to a phone, and what it costs, for whoever shows it as data."""
    cost = found.cost
    signs = [{"sign": each.text, "place": each.place, "times": each.times} for each in cost.signs] if cost else []
    return {
        "sent": found.text,
        "encoding": found.size.encoding.value,
        "characters": len(found.text),
        "units": found.size.units,
        "parts": found.size.parts,
        "parts_without": cost.parts_without if cost else None,
        "beyond_gsm": signs,
        "rewritten": [plain(each) for each in found.changes],
    }


def of_words(words: str, service: Service) -> TextPreview:
    """What the service sends where a mail to a phone says this. Raises Refused where nothing is left of it."""
    return _look(sms.written(words, service), filled=False)


def of_template(template: Template, personalisation: Personalisation, service: Service) -> TextPreview:
    """Of a template whose values are all there. Raises Refused where nothing is left of it."""
    return _look(sms.filled(template, personalisation, service), filled=True)


def _look(done: Written, *, filled: bool) -> TextPreview:
    text = done.recipe.text
    refused = _too_long(done, filled=filled)
    return TextPreview(done.recipe.body, text, parts.size(text), parts.cost(text), done.changes, refused)


def _too_long(done: Written, *, filled: bool) -> Refused | None:
    try:
        if filled:
            sms.check_characters(done.recipe)
        sms.check_units(done.recipe)
    except Refused as refused:
        return refused
    return None
