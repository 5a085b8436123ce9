"""Who writes to the address of a service hears, in both languages, that nobody reads it, and where to write instead.

The answer waits in the bulk lane, and is the relay's own message: no service's statistics, limits or callbacks know of
it. Whether there is one was decided when the mail came in.
"""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from auth import services
from auth.notices import Notice
from auth.principal import Service
from auth.services import OWN_ID
from config.database import Database
from config.settings import Limits
from config.words import Words
from messages.address import Address
from messages.envelope import Envelope
from messages.message import Door, Lane, Language, MailAnswer, Submission
from messages.text import Text, clean
from relay.notices.acting import TRACE, Acting

_WORTH_SECONDS = 86_400.0  # later it only puzzles
_SUBJECT = Text("{service}: nobody reads mail to this address")
_NOBODY = Text(
    "You wrote to the address from which {service} sends its messages. Nobody reads what comes there, and nobody will "
    "answer it."
)
_WRITE_THERE = Text("To reach {service}, write to {address}.")
_ASK_ELSEWHERE = Text("To reach {service}, see in its messages or on its web site how.")
_PROGRAM = Text("A program wrote this answer. You get it once a day at most.")


class Asked(Protocol):
    """What this needs of delivery.store.mail_answers."""

    async def find(self, answer_id: UUID) -> tuple[str, str | None] | None: ...


class MailAnswers:
    """A Way. `now` gives seconds since the epoch."""

    def __init__(
        self,
        database: Database,
        asked: Asked,
        acting: Acting,
        limits: Limits,
        words: Words,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._asked = asked
        self._acting = acting
        self._limits = limits
        self._words = words
        self._now = now

    async def tell(self, notice: Notice) -> UUID | None:
        """As Way; None also where it is too late."""
        asked = await self._asked.find(UUID(notice.about))
        if asked is None or notice.service_id is None or self._now() - notice.noted_at > _WORTH_SECONDS:
            return None
        sender, message_id = asked
        async with self._database.read() as connection:
            service = await services.find(connection, self._limits, notice.service_id)
        submission = Submission(
            envelope=Envelope(None, (Address.parse(sender),)),
            content=self._content(service, message_id),
            trace=TRACE,
            door=Door.RELAY,
            lane=Lane.BULK,
            language=Language.BOTH,
        )
        return await self._acting.send(OWN_ID, notice.name, submission)

    def _content(self, service: Service, message_id: str | None) -> MailAnswer:
        first = Language.FR if service.language is Language.FR else Language.EN
        said = [self._said(service, each) for each in (first, *({Language.EN, Language.FR} - {first}))]
        subjects, bodies = zip(*said, strict=True)
        return MailAnswer(" / ".join(subjects), "\n\n----\n\n".join(bodies) + "\n", message_id)

    def _said(self, service: Service, language: Language) -> tuple[str, str]:
        """Subject and body in one language."""
        say = self._words.translator(language)
        values = {"service": clean(service.name_in(language)), "address": service.reply_to_address}
        body = (_NOBODY, _WRITE_THERE if service.reply_to_address else _ASK_ELSEWHERE, _PROGRAM)
        subject, *parts = (Text(each.source, values).render(say) for each in (_SUBJECT, *body))
        return subject, "\n\n".join(parts)
