"""What is stored of a text message: whom it names as its sender, and what it says, apart; joined they are sent.

Readers of the API are shown the second alone. Knows nothing of templates or services.
"""

import json
from dataclasses import dataclass

from messages.sms.cleaning import cleaned, prefixed
from messages.sms.downgrading import Change, downgraded


class RecipeError(ValueError):
    """What is stored is no text message."""


@dataclass(frozen=True, slots=True, repr=False)
class Recipe:
    """`prefix` is the sender's name; empty: none is named."""

    prefix: str
    body: str

    @property
    def text(self) -> str:
        """Exactly as it is sent."""
        return prefixed(self.body, self.prefix)

    def to_json(self) -> bytes:
        return json.dumps({"prefix": self.prefix, "body": self.body}, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Recipe":
        """Raises RecipeError."""
        try:
            stored = json.loads(data)
            return cls(str(stored["prefix"]), str(stored["body"]))
        except (ValueError, KeyError, TypeError):
            raise RecipeError("recipe_damaged") from None


@dataclass(frozen=True, slots=True, repr=False)
class Written:
    """A text ready to be stored; `changes` are what the downgrade did to it."""

    recipe: Recipe
    changes: tuple[Change, ...] = ()


def write(words: str, sender: str, *, downgrade: bool) -> Written:
    """The words as they are sent, named after `sender` unless that is empty; an empty body: nothing is left of them."""
    recipe = Recipe(cleaned(sender), cleaned(words))
    if not downgrade:
        return Written(recipe)
    # By the whole text: that all of it is in GSM then is why its parts are changed.
    done = downgraded(recipe.text)
    if not done.changes:
        return Written(recipe)
    return Written(Recipe(downgraded(recipe.prefix).text, downgraded(recipe.body).text), done.changes)
