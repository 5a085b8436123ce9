"""The form of a key: what is typed becomes terms (auth.keys.Terms), and what is wrong is said beside its field."""

from collections.abc import Mapping
from typing import Any

from auth import errors as auth_errors
from auth.principal import Key
from messages.text import Text, TextError
from relay.actions import errors
from relay.site import days
from relay.site.forms import Form

NO_NAME = Text("Enter a name for the key")
NAME_TAKEN = Text("Another key of this service has this name: choose one that tells them apart")
ENOUGH = Text("This service has {limit} keys that work: revoke one that is not needed any more first")
NO_TYPE = Text("Choose what the key may do")

# In which field each was typed.
_FIELDS: Mapping[str, str] = {
    auth_errors.BAD_NAME: "name",
    auth_errors.BAD_NETWORK: "networks",
    auth_errors.BAD_SENDER: "senders",
    auth_errors.ALLOWED_NOT_ASCII: "senders",
    auth_errors.LIST_FULL: "networks",
    errors.KEY_EXPIRES_BEFORE: "last_day",
}


def terms(form: Form, zone: str, now: float) -> tuple[dict[str, Any], dict[str, Text]]:
    """The name and terms, and what is wrong, by field."""
    wrong: dict[str, Text] = {} if form.line("name") else {"name": NO_NAME}
    expires_at = None
    if form.line("last_day"):
        try:
            expires_at = days.end(form.line("last_day"), zone)
        except ValueError:
            wrong["last_day"] = days.BAD
        else:
            if expires_at <= now:
                wrong["last_day"] = days.OVER
    found = {
        "name": form.line("name"),
        "expires_at": expires_at,
        "networks": _lines(form["networks"]),
        "allowed_from": _lines(form["senders"]),
    }
    return found, wrong


def typed(key: Key, zone: str) -> dict[str, str]:
    """As they stand in the form of a key that there is."""
    return {
        "name": key.name,
        "last_day": last_day(key, zone),
        "networks": "\n".join(key.networks),
        "senders": "\n".join(sorted(key.allowed_from)),
    }


def changes(found: Mapping[str, Any], key: Key, zone: str) -> dict[str, Any]:
    """Of the terms those that differ. An end within a day, as a rotation sets it, stays unless the day changes."""
    ends = found["expires_at"]
    same_day = ends is not None and key.expires_at is not None and days.last(ends, zone) == last_day(key, zone)
    before: dict[str, Any] = {
        "name": key.name,
        "expires_at": ends if same_day else key.expires_at,
        "networks": list(key.networks),
        "allowed_from": sorted(key.allowed_from),
    }
    return {name: each for name, each in found.items() if _plain(each) != _plain(before[name])}


def last_day(key: Key, zone: str) -> str:
    """The last one on which it works, as in a form; empty: none."""
    return "" if key.expires_at is None else days.last(key.expires_at, zone)


def said(error: TextError) -> dict[str, Text]:
    """What an action refused, by the field that it was typed in."""
    return {_FIELDS.get(error.text.source, "name"): error.text}


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def _lines(text: str) -> list[str]:
    """One each line; commas do as well."""
    return [each.strip() for each in text.replace(",", "\n").split("\n") if each.strip()]
