"""A message's history as sentences: each step once, in the order of time, in both languages."""

from typing import Any
from uuid import uuid4

import pytest

from delivery.store.base import (
    APART,
    Attempt,
    CallbackKind,
    CallbackRecord,
    Carriage,
    Event,
    EventKind,
    History,
    Outcome,
)
from messages.message import Channel, Door, Language
from messages.phone import PhoneNumber
from messages.status import FINAL, Status
from relay.actions import timeline
from relay.actions.timeline import Mark, Sender
from tests.fakes.messages import make_message
from tests.harness.words import words

AT = 1_790_000_000.0
KEY = Sender(Door.SMTP, "Case system")


def clock(at: float) -> str:
    return f"+{at - AT:.0f}"


def history(*, reason: str | None = None, **changes: Any) -> History:
    parts = {name: changes.pop(name, ()) for name in ("attempts", "events", "callbacks")}
    waiting = changes.pop("waiting_until", None)
    return History(make_message(created_at=AT, **changes), reason, waiting_until=waiting, **parts)


def attempt(number: int, outcome: Outcome | None, at: float, reason: str | None = None) -> Attempt:
    return Attempt(uuid4(), uuid4(), number, "ses", AT + at, AT + at if outcome else None, outcome, reason)


def event(kind: EventKind, at: float, **changes: Any) -> Event:
    return Event(uuid4(), kind, "ses", "p", None, None, AT + at, **changes)


def callback(status: Status | None, **changes: Any) -> CallbackRecord:
    kind = CallbackKind.STATUS if status else CallbackKind.COMPLAINT
    fields = {"attempts": 1, "available_at": None, "ended_at": None, "outcome": None} | changes
    return CallbackRecord(kind, status, AT, **fields)


def told(of: History, sender: Sender = KEY, language: Language = Language.EN) -> list[str]:
    translate = words().translator(language)
    return [step.text.render(translate) for step in timeline.steps(of, sender, clock)]


def test_what_is_held_apart_is_due_at_no_time() -> None:
    of = history(waiting_until=APART)
    assert told(of)[1:] == ["It is on hold in the queue, until it is released by those who run notify-relay."]


def test_a_message_is_told_from_the_door_to_the_callback() -> None:
    of = history(
        status=Status.DELIVERED,
        completed_at=AT + 9,
        attempts=(attempt(1, Outcome.DEFERRED, 1, "aws_unreachable"), attempt(2, Outcome.RELAYED, 5)),
        events=(event(EventKind.SEND, 6), event(EventKind.DELIVERY, 9, status=Status.DELIVERED, detail="250 ok")),
        callbacks=(callback(Status.DELIVERED, ended_at=AT + 10, outcome="done"),),
    )

    assert told(of) == [
        "The relay accepted it by SMTP, with the key “Case system”.",
        "Try 1: Amazon SES did not take it yet: Amazon could not be reached. It is tried again.",
        "Try 2: Amazon SES took it over.",
        "Amazon SES confirmed that it has the message.",
        "The mail server of the recipient accepted it.",
        "Your callback URL was told: Delivered.",
    ]
    assert [step.said for step in timeline.steps(of, KEY, clock)][4] == "250 ok"


def test_what_is_still_to_come_stands_last() -> None:
    of = history(
        waiting_until=AT + 60,
        scheduled_for=AT + 60,
        callbacks=(callback(Status.DELIVERED, available_at=AT + 30),),
    )

    assert told(of)[1:] == [
        "It was scheduled to leave at +60.",
        "It waits in the queue; it is due at +60.",
        "Your callback URL is to be told at +30: Delivered.",
    ]


@pytest.mark.parametrize(
    ("sender", "sentence"),
    [
        (Sender(Door.HTTP, "Program"), "The relay accepted it by the HTTP API, with the key “Program”."),
        (Sender(Door.RELAY), "The relay itself sent it."),
        (Sender(Door.SITE), "It was sent from this site."),
        (Sender(Door.SITE, None, "Ana Roy"), "Ana Roy sent it from this site."),
        (Sender(Door.SMTP), "The relay accepted it. No key was needed."),
    ],
)
def test_who_sent_it_is_said(sender: Sender, sentence: str) -> None:
    assert told(history(), sender)[0] == sentence


@pytest.mark.parametrize(
    ("status", "reason", "sentence"),
    [
        (Status.CANCELLED, None, "It was cancelled before it left."),
        (Status.TEMPORARY_FAILURE, "no-event", "It counts as failed: nobody told what became of it for 72 hours."),
        (Status.PERMANENT_FAILURE, "opted-out", "It was not sent: the recipient wants no texts: they answered STOP."),
        (Status.TECHNICAL_FAILURE, None, "It was not sent: no reason was given."),
    ],
)
def test_an_end_that_nobody_else_told_is_told(status: Status, reason: str | None, sentence: str) -> None:
    assert told(history(status=status, reason=reason, completed_at=AT + 1))[-1] == sentence


def test_an_end_that_an_event_told_is_told_once() -> None:
    bounce = event(EventKind.BOUNCE, 2, status=Status.PERMANENT_FAILURE, reason="no-email")
    of = history(status=Status.PERMANENT_FAILURE, reason="no-email", completed_at=AT + 2, events=(bounce,))

    assert told(of)[1:] == ["It came back: the address does not exist."]


def test_a_text_names_its_carrier() -> None:
    delivered = event(EventKind.DELIVERY, 2, status=Status.DELIVERED, carriage=Carriage("Rogers", "CA"))
    of = history(
        channel=Channel.SMS, recipient=PhoneNumber("+16135550100"), status=Status.DELIVERED, events=(delivered,)
    )
    step = timeline.steps(of, KEY, clock)[-1]

    assert (str(step.text), step.said, step.mark) == (
        "The carrier confirmed that the phone has it.",
        "Rogers",
        Mark.GOOD,
    )


def test_what_others_said_is_one_clean_line_however_long_and_hostile() -> None:
    hostile = "550\r\nSet-Cookie: x=1\x1b[31m \u202egnp.exe\u2066 " + "x" * 10_000
    bounced = event(EventKind.BOUNCE, 2, status=Status.PERMANENT_FAILURE, reason="no-email", detail=hostile)
    said = timeline.steps(history(events=(bounced,)), KEY, clock)[1].said

    assert said.startswith("550 Set-Cookie: x=1 [31m gnp.exe")
    assert len(said) == 500


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("outcome", [None, *Outcome])
@pytest.mark.parametrize("reason", [None, "aws_rate", "never-heard-of", "<script>"])
def test_each_attempt_has_words_in_both_languages(
    channel: Channel, outcome: Outcome | None, reason: str | None
) -> None:
    of = history(channel=channel, attempts=(attempt(1, outcome, 1, reason),))

    _speaks_both(of)


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("kind", EventKind)
def test_each_event_has_words_in_both_languages(channel: Channel, kind: EventKind) -> None:
    _speaks_both(history(channel=channel, events=(event(kind, 1, reason="general"),)))


@pytest.mark.parametrize("status", [None, *sorted(FINAL)])
@pytest.mark.parametrize("outcome", ["done", "failed http-404", "failed timeout", "removed", None])
def test_each_callback_has_words_in_both_languages(status: Status | None, outcome: str | None) -> None:
    ended = {"ended_at": AT + 1, "outcome": outcome} if outcome else {"available_at": AT + 1}
    _speaks_both(history(callbacks=(callback(status, **ended),)))


def _speaks_both(of: History) -> None:
    english, french = told(of), told(of, language=Language.FR)
    assert len(english) == len(french) >= 2
    assert not set(english) & set(french)
    assert all(sentence.endswith((".",)) for sentence in english + french)
    assert "<script>" not in "".join(english + french)
