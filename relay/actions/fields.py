"""What became of each header field of a message, for people."""

from collections.abc import Iterator
from dataclasses import dataclass

from messages.email import headers
from messages.email.content import HeaderSection
from messages.email.headers import Action, Rule
from messages.email.pipeline import Rewritten

_UNREADABLE = "x-unreadable"


@dataclass(frozen=True, slots=True)
class Field:
    """One field, what was done with it, and why: as the header policy says it."""

    name: str
    action: Action
    reason: str


def fields(content: bytes, prepared: Rewritten) -> Iterator[Field]:
    """Those of `content` in their order, then those that were added; the signature comes at the exit."""
    added = {rule.name: rule for rule in headers.ADDED}
    if HeaderSection.parse(content).named(_UNREADABLE):  # the client's own, or one of ours that returns
        del added[_UNREADABLE]
    for fate in prepared.fates:
        kept = fate.kept or fate.rule.action is Action.REWRITE
        reason = added[fate.name].reason if fate.name == _UNREADABLE and _UNREADABLE in added else fate.rule.reason
        yield Field(fate.name, fate.rule.action if kept else Action.STRIP, reason)
    yield from (Field(rule.name, rule.action, rule.reason) for rule in _added(prepared))


def _added(prepared: Rewritten) -> Iterator[Rule]:
    sent = [field.name for field in HeaderSection.parse(prepared.content).fields]
    before = [fate.name for fate in prepared.fates if fate.kept]
    for rule in headers.ADDED:
        if sent.count(rule.name) > before.count(rule.name) or rule.name == "dkim-signature":
            yield rule
