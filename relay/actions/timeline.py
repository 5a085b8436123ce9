"""One message's history on one time line, in words: door, queue, attempts, what the provider told, callbacks. Pure.

Each step is one sentence. What others said (a mail server, a carrier) stands beside it as they said it, made clean.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from delivery.descriptions import status_description
from delivery.store.base import APART, Attempt, CallbackKind, CallbackRecord, Event, EventKind, History, Outcome
from messages import reasons
from messages.message import Channel, Door, Message
from messages.status import FINAL, Status
from messages.text import Text, clean
from relay.notices.callbacks import why

_SAID_CHARACTERS = 500


class Mark(StrEnum):
    """What a step is to the message: the page shows it by a word and a shape, never by colour alone."""

    STEP = "plain"
    GOOD = "good"
    BAD = "bad"
    WAITS = "wait"


@dataclass(frozen=True, slots=True)
class Step:
    """`at` is None for what is still to come. `said` is in whatever language its author wrote."""

    at: float | None
    text: Text
    mark: Mark = Mark.STEP
    said: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent it: by which door, with which key, or which person; None: none."""

    door: Door
    key: str | None = None
    person: str | None = None


Clock = Callable[[float], str]  # a time as the reader writes it, in the service's time zone

_PROVIDERS = {Channel.EMAIL: "Amazon SES", Channel.SMS: "AWS End User Messaging"}
_OWN_PROVIDERS = {
    "outbox": Text("the outbox (here messages become files)"),
    "simulator": Text("the simulator of test keys (it sends nothing)"),
}
_DOORS = {
    Door.SMTP: Text("The relay accepted it by SMTP, with the key “{key}”."),
    Door.HTTP: Text("The relay accepted it by the HTTP API, with the key “{key}”."),
}
_BY_PERSON = Text("{person} sent it from this site.")
_BY_SITE = Text("It was sent from this site.")
_BY_RELAY = Text("The relay itself sent it.")
_BY_ITSELF = Text("The relay accepted it. No key was needed.")


def steps(history: History, sender: Sender, clock: Clock) -> tuple[Step, ...]:
    """In the order of time; what is still to come stands last."""
    message = history.message
    found = [Step(message.created_at, _accepted(sender))]
    if message.scheduled_for:
        due = Text("It was scheduled to leave at {time}.", {"time": clock(message.scheduled_for)})
        found.append(Step(message.created_at, due))
    found += [_attempt(each, message.channel) for each in history.attempts]
    found += [_event(each, message.channel) for each in history.events]
    found += _end(history)
    found += [_called(each, message.channel) for each in history.callbacks if each.ended_at is not None]
    found.sort(key=lambda step: step.at or 0.0)  # stable: of one moment, the order in which they were found
    return (*found, *_to_come(history, clock))


def state(message: Message, reason: str | None) -> tuple[Text, Mark]:
    """Its status in words, and what that is to who sent it."""
    status = message.status
    waits = status not in FINAL
    mark = Mark.WAITS if waits else Mark.GOOD if status is Status.DELIVERED else Mark.BAD
    return status_description(message.channel, status, reason), Mark.STEP if status is Status.CANCELLED else mark


def _accepted(sender: Sender) -> Text:
    if sender.person is not None:
        return Text(_BY_PERSON.source, {"person": sender.person})
    if sender.door is Door.SITE:
        return _BY_SITE
    if sender.door is Door.RELAY:
        return _BY_RELAY
    if sender.key is None:
        return _BY_ITSELF
    return Text(_DOORS[sender.door].source, {"key": sender.key})


# -- Attempts ------------------------------------------------------------------------------------------------------
_BEGUN = Text("Try {number}: it is being handed to {provider}.")
_OUTCOMES: Mapping[Outcome, tuple[Text, Mark]] = {
    Outcome.RELAYED: (Text("Try {number}: {provider} took it over."), Mark.STEP),
    Outcome.THROTTLED: (Text("Try {number}: {provider} takes nothing now: {why}. It waits."), Mark.WAITS),
    Outcome.DEFERRED: (Text("Try {number}: {provider} did not take it yet: {why}. It is tried again."), Mark.WAITS),
    Outcome.FAILED: (Text("Try {number}: {provider} refused it: {why}."), Mark.BAD),
    Outcome.EXPIRED: (Text("Try {number}: it was too late to send it."), Mark.BAD),
    Outcome.STOPPED: (Text("Try {number}: it was not sent: {why}."), Mark.BAD),
    Outcome.UNKNOWN: (
        Text("Try {number}: whether {provider} took it is not known: {why}. It waits for word, then is sent again."),
        Mark.WAITS,
    ),
}


def _attempt(attempt: Attempt, channel: Channel) -> Step:
    text, mark = (_BEGUN, Mark.STEP) if attempt.outcome is None else _OUTCOMES[attempt.outcome]
    values = {
        "number": attempt.number,
        "provider": _provider(attempt.provider, channel),
        "why": reasons.words(attempt.reason),
    }
    return Step(attempt.ended_at or attempt.started_at, Text(text.source, values), mark)


def _provider(name: str, channel: Channel) -> Text | str:
    if name in _OWN_PROVIDERS:
        return _OWN_PROVIDERS[name]
    return _PROVIDERS[channel]


# -- What the provider told ----------------------------------------------------------------------------------------
_TOLD: Mapping[EventKind, tuple[Text, Mark]] = {
    EventKind.SEND: (Text("{provider} confirmed that it has the message."), Mark.STEP),
    EventKind.DELIVERY: (Text("The mail server of the recipient accepted it."), Mark.GOOD),
    EventKind.BOUNCE: (Text("It came back: {why}."), Mark.BAD),
    EventKind.COMPLAINT: (Text("A complaint came: {why}."), Mark.BAD),
    EventKind.REJECT: (Text("{provider} did not send it: {why}."), Mark.BAD),
    EventKind.DELAY: (Text("It is late: {why}. {provider} goes on trying."), Mark.WAITS),
    EventKind.FAILURE: (Text("{provider} could not send it: {why}."), Mark.BAD),
}
_TOLD_OF_TEXTS: Mapping[EventKind, tuple[Text, Mark]] = {
    EventKind.SEND: (Text("{provider} passed it on to the carrier."), Mark.STEP),
    EventKind.DELIVERY: (Text("The carrier confirmed that the phone has it."), Mark.GOOD),
    EventKind.BOUNCE: (Text("It did not arrive: {why}."), Mark.BAD),
}


def _event(event: Event, channel: Channel) -> Step:
    text, mark = _TOLD[event.kind]
    if channel is Channel.SMS:
        text, mark = _TOLD_OF_TEXTS.get(event.kind, (text, mark))
    values = {"provider": _provider(event.provider, channel), "why": reasons.words(event.reason)}
    return Step(event.at, Text(text.source, values), mark, _said(event))


def _said(event: Event) -> str:
    carrier = event.carriage.carrier if event.carriage else None
    return clean(": ".join(each for each in (carrier, event.detail) if each))[:_SAID_CHARACTERS]


# -- How it ended --------------------------------------------------------------------------------------------------
def _end(history: History) -> Iterator[Step]:
    """Where neither an attempt nor an event told it."""
    message = history.message
    if message.status not in FINAL or message.completed_at is None:
        return
    told = any(each.status is message.status for each in history.events)
    failed = any(each.outcome in (Outcome.FAILED, Outcome.STOPPED) for each in history.attempts)
    if not told and not failed:
        yield Step(message.completed_at, *_ended(message, history.reason))


def _ended(message: Message, reason: str | None) -> tuple[Text, Mark]:
    if message.status is Status.CANCELLED:
        return Text("It was cancelled before it left."), Mark.BAD
    if message.status is Status.DELIVERED:
        return Text("It counts as delivered."), Mark.GOOD
    if reason == "no-event":
        return Text("It counts as failed: nobody told what became of it for 72 hours."), Mark.BAD
    return Text("It was not sent: {why}.", {"why": reasons.words(reason)}), Mark.BAD


# -- What the service was told -------------------------------------------------------------------------------------
_COMPLAINT = Text("the complaint")


def _called(record: CallbackRecord, channel: Channel) -> Step:
    outcome, _, code = (record.outcome or "").partition(" ")
    values = {"about": _about(record, channel), "attempts": record.attempts}
    if outcome == "done":
        return Step(record.ended_at, Text("Your callback URL was told: {about}.", values), Mark.GOOD)
    if outcome == "removed":
        return Step(record.ended_at, Text("Your callback URL was removed before it was told: {about}.", values))
    text = Text(
        "Your callback URL could not be told: {about}. The reason: {why}. Calls made: {attempts}.",
        values | {"why": why(code)},
    )
    return Step(record.ended_at, text, Mark.BAD)


def _about(record: CallbackRecord, channel: Channel) -> Text:
    if record.kind is CallbackKind.COMPLAINT or record.status is None:
        return _COMPLAINT
    return status_description(channel, record.status, None)


def _to_come(history: History, clock: Clock) -> Iterator[Step]:
    waiting, channel = history.waiting_until, history.message.channel
    if waiting == APART:
        yield Step(
            None, Text("It is on hold in the queue, until it is released by those who run notify-relay."), Mark.WAITS
        )
    elif waiting is not None:
        yield Step(None, Text("It waits in the queue; it is due at {time}.", {"time": clock(waiting)}), Mark.WAITS)
    elif history.message.status is Status.SENDING:
        yield Step(None, Text("It is on its way: nobody told yet what became of it."), Mark.WAITS)
    for record in history.callbacks:
        if record.available_at is not None:
            values = {"about": _about(record, channel), "time": clock(record.available_at)}
            yield Step(None, Text("Your callback URL is to be told at {time}: {about}.", values), Mark.WAITS)
