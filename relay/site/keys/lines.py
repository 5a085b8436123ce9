"""What the SMTP door saw of a key, in words: a line for each step, each session by itself, the newest first."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from auth.principal import Key
from auth.watches import Sighting, Step
from messages import reply
from messages.text import Text, Translate, without_values

_LISTENERS = {
    "starttls": Text("Connected from {network}, on the port for STARTTLS"),
    "tls": Text("Connected from {network}, on the port for TLS"),
    "devices": Text("Connected from {network}, on the port for devices"),
}
_ENCRYPTED, _CLEAR = Text("Encrypted with {version}, {cipher}"), Text("Not encrypted")
_LOGGED_IN = Text("Logged in with this key")
_SENDER, _NO_SENDER = Text("Sender at {domain} accepted"), Text("Empty sender accepted")
_RECIPIENT, _PHONE = Text("Recipient at {domain} accepted"), Text("Phone number accepted")
_ACCEPTED = Text("Message accepted, recipients: {recipients}")
_WRONG_PASSWORD = Text("The user name is right, and the password is not.")
SESSIONS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Line:
    """`kind` is good, bad or plain. Of a refusal the reply as it was given, why, and what to do."""

    text: Text
    kind: str = "plain"
    answer: str = ""
    cause: str = ""
    cure: str = ""
    group_id: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    id: UUID
    began_at: float
    lines: tuple[Line, ...]


def sessions(seen: Iterable[Sighting], key: Key, translate: Translate) -> list[Session]:
    """Each in the order in which it went."""
    by_session = sorted(seen, key=lambda each: (each.session, each.number))
    found = []
    for session_id, steps in groupby(by_session, key=lambda each: each.session):
        of_session = list(steps)
        lines = tuple(_line(each.step, dict(each.said), key, translate) for each in of_session)
        found.append(Session(session_id, of_session[0].at, lines))
    return sorted(found, key=lambda each: each.began_at, reverse=True)[:SESSIONS_SHOWN]


def _line(step: Step, said: dict[str, Any], key: Key, translate: Translate) -> Line:
    match step:
        case Step.CONNECTED:
            return Line(Text(_LISTENERS[said["listener"]].source, {"network": said["network"]}))
        case Step.TLS:
            return Line(Text(_ENCRYPTED.source, said), "good") if said["version"] else Line(_CLEAR)
        case Step.LOGGED_IN:
            return Line(_LOGGED_IN, "good")
        case Step.SENDER:
            return Line(Text(_SENDER.source, said) if said["domain"] else _NO_SENDER, "good")
        case Step.RECIPIENT:
            return Line(Text(_RECIPIENT.source, said) if said["domain"] else _PHONE, "good")
        case Step.ACCEPTED:
            told = {"recipients": said["recipients"]}
            return Line(Text(_ACCEPTED.source, told), "good", group_id=said["group_id"])
        case Step.REFUSED:
            return _refusal(said, key, translate)


def _refusal(said: dict[str, Any], key: Key, translate: Translate) -> Line:
    """The page of replies says the same of it."""
    found = reply.catalogue().get(said["reply"])
    if found is None:  # of a version that knew others
        return Line(Text("Refused"), "bad")
    values = {name: translate(each) if isinstance(each, str) else each for name, each in said["values"].items()}
    is_wrong = found is reply.CREDENTIALS_INVALID and not key.networks
    return Line(
        Text("Not now") if found.temporary else Text("Refused"),
        "wait" if found.temporary else "bad",
        f"{found.code} {found.enhanced} {_filled(translate(found.text), values)}",
        _WRONG_PASSWORD.render(translate) if is_wrong else translate(found.cause),
        translate(found.cure),
    )


def _filled(text: str, values: dict[str, Any]) -> str:
    """With the values that are known; … for the others, which name somebody."""
    try:
        return text.format(**values)
    except KeyError:
        return without_values(text)
