"""Building at the exit what tells the sender of a message what became of it: what is known of it by then is told.

Knows nothing of who hears of what, nor of the queue.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from config.words import Words
from delivery.store.base import Event, EventKind, History
from messages import reasons
from messages.email.compose import RecipeError
from messages.email.notice import Recipe, Report, Returned, code_of, compose, diagnostic, returned
from messages.message import Channel, ContentKind, Dsn, Language, Message, Occasion
from messages.phone import PhoneNumber
from messages.reply import Refused
from messages.text import Text

_FAILED = Text("Your message to {recipient} was not delivered, and is not tried again.")
_DELAYED = Text(
    "Your message to {recipient} is not delivered yet. It is tried until {until}: there is nothing to do, and no need "
    "to send it again."
)
_RELAYED = Text(
    "The mail server of the recipient has taken your message to {recipient}. Nobody tells whether it was read."
)
_DELIVERED = Text("Your text message to {recipient} has reached the phone.")
_WHY = Text("Reason: {why}")
_SAID = Text("Answer of the mail server: {diagnostic}")
_CODE = Text("Code: {code}")
_SUBJECT = Text("Subject: {subject}")
_ARRIVED = Text("Handed to us: {at}")
_NOBODY = Text("A program wrote this notice. Nobody reads answers to it.")

_SMTP = "smtp; "
_EVENTS = {
    Occasion.FAILURE: (EventKind.BOUNCE, EventKind.COMPLAINT, EventKind.REJECT, EventKind.FAILURE),
    Occasion.DELAY: (EventKind.DELAY,),
    Occasion.SUCCESS: (EventKind.DELIVERY,),
}


class NoticeError(Exception):
    """The notice cannot be built. The text is one word for the log."""


class Searching(Protocol):
    """What this needs of delivery.store.searching."""

    async def history(self, message_id: UUID) -> History | None: ...


class Contents(Protocol):
    """What this needs of delivery.store.contents."""

    async def first_part(self, content_id: UUID) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Notices:
    """One per worker. `reporting_mta` is the name by which clients know the relay."""

    searching: Searching
    contents: Contents
    words: Words
    reporting_mta: str
    sms_domain: str

    async def build(self, message: Message, recipe: bytes) -> bytes:
        """The notice but for a signature. Raises NoticeError, or as the database does.

        `recipe` is the notice's stored content.
        """
        try:
            made_of = Recipe.from_json(recipe)
        except RecipeError:
            raise NoticeError("recipe_damaged") from None
        history = await self.searching.history(made_of.about)
        if history is None:
            raise NoticeError("message_gone")
        report = self._report(made_of, history)
        return compose(
            made_of,
            report,
            self._said(made_of, history.message, report),
            await self._returned(made_of, history.message),
            to=str(message.recipient),
            answers=history.message.original_message_id,
            message_id=message.id,
            created_at=message.created_at,
        )

    def _report(self, made_of: Recipe, history: History) -> Report:
        about, words = history.message, _words(made_of, history.events)
        ended = [each.ended_at for each in history.attempts if each.ended_at is not None]
        is_delay = made_of.occasion is Occasion.DELAY
        return Report(
            reporting_mta=self.reporting_mta,
            arrived_at=about.created_at,
            recipient=self._address(about),
            action=_action(made_of.occasion, about.channel),
            code=code_of(made_of.occasion, made_of.status, made_of.reason, words),
            dsn=about.dsn or Dsn(),
            log_id=str(about.id),
            last_attempt_at=max(ended, default=None),
            diagnostic=_diagnostic(made_of, words, about),
            retried_until=about.expires_at if is_delay else None,
        )

    def _address(self, about: Message) -> str:
        """As its sender wrote it: a phone has one of its own in mail."""
        is_text = isinstance(about.recipient, PhoneNumber)
        return f"{about.recipient}@{self.sms_domain}" if is_text else str(about.recipient)

    async def _returned(self, made_of: Recipe, about: Message) -> Returned:
        """Nothing where what it said is no longer kept, or was no mail; read no further than may be returned."""
        if about.content_kind is not ContentKind.RAW:
            return Returned()
        content = await self.contents.first_part(about.content_id)
        try:
            return returned(content, about.content_bytes, about.dsn or Dsn(), made_of.occasion)
        except Refused:  # larger than a door takes now
            return Returned()

    def _said(self, made_of: Recipe, about: Message, report: Report) -> str:
        """In both languages, as letters have them."""
        first = Language.FR if made_of.language is Language.FR else Language.EN
        languages = (first, *({Language.EN, Language.FR} - {first}))
        values = {
            "recipient": report.recipient,
            "why": reasons.words(made_of.reason),
            "until": _moment(about.expires_at),
            "subject": about.subject,
            "at": _moment(about.created_at),
            "code": report.code,
            "diagnostic": (report.diagnostic or "").removeprefix(_SMTP),
        }
        shown = [_WHY] if made_of.occasion is not Occasion.SUCCESS else []
        shown += [_SAID] if (report.diagnostic or "").startswith(_SMTP) else []
        shown += [_CODE, *([_SUBJECT] if about.subject else []), _ARRIVED]
        texts = []
        for language in languages:
            say = self.words.translator(language)
            details = "\n".join(Text(each.source, values).render(say) for each in shown)
            opening = Text(_opening(made_of.occasion, about.channel).source, values).render(say)
            texts.append("\n\n".join((opening, details, _NOBODY.render(say))))
        return "\n\n----\n\n".join(texts) + "\n"  # not "--", behind which some readers see a signature


def _words(made_of: Recipe, events: Collection[Event]) -> str | None:
    """What the far server said of it last, before or when this was learned."""
    told = [each for each in events if each.kind in _EVENTS[made_of.occasion] and each.at <= made_of.at]
    return next((each.detail for each in sorted(told, key=lambda each: each.at, reverse=True) if each.detail), None)


def _diagnostic(made_of: Recipe, words: str | None, about: Message) -> str | None:
    if words and about.channel is Channel.EMAIL:
        return f"{_SMTP}{diagnostic(words, str(about.recipient))}"
    return f"x-notify-relay; {made_of.reason}" if made_of.reason else None


def _action(occasion: Occasion, channel: Channel) -> str:
    """RFC 3464 2.3.3: the mail server that took it tells us nothing further."""
    if occasion is Occasion.SUCCESS:
        return "relayed" if channel is Channel.EMAIL else "delivered"
    return "failed" if occasion is Occasion.FAILURE else "delayed"


def _opening(occasion: Occasion, channel: Channel) -> Text:
    if occasion is Occasion.SUCCESS:
        return _RELAYED if channel is Channel.EMAIL else _DELIVERED
    return _FAILED if occasion is Occasion.FAILURE else _DELAYED


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
