"""STOP, START and HELP are answered by a text, from the number that was written to, by the service whose text it is.

By the relay's own service where no service has texted that person. It counts as the service's: each part costs.
"""

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

from auth import services
from auth.notices import Notice
from auth.services import OWN_ID
from config.database import Database
from config.settings import Limits
from config.words import Words
from delivery.library.origination import OriginationIdentity
from messages.envelope import Envelope
from messages.keywords import Keyword
from messages.message import Answer, Door, Lane, Language, Submission
from messages.phone import PhoneNumber, PhoneNumberError
from messages.reply import Refused
from messages.text import Text
from relay.notices.acting import TRACE, Acting

_WORTH_SECONDS = 86_400.0  # later an answer only puzzles
# ARRET without its accent, which would cost a part: keywords are known either way.
_ANSWERS = {
    Keyword.STOP: Text("you will get no more texts from this number. Reply START to get them again."),
    Keyword.START: Text("you will get texts from this number again. Reply STOP to end them."),
    Keyword.HELP: Text("notices by text message. Reply STOP to get no more from this number."),
}


class Received(Protocol):
    """What this needs of delivery.store.inbound."""

    async def numbers(self, text_id: UUID) -> tuple[str, str] | None: ...


class Senders(Protocol):
    """What this needs of delivery.library.origination."""

    async def all(self) -> Sequence[OriginationIdentity]: ...


class KeywordAnswers:
    """A Way. `now` gives seconds since the epoch."""

    def __init__(
        self,
        database: Database,
        received: Received,
        senders: Senders,
        acting: Acting,
        limits: Limits,
        words: Words,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._received = received
        self._senders = senders
        self._acting = acting
        self._limits = limits
        self._words = words
        self._now = now

    async def tell(self, notice: Notice) -> UUID | None:
        """As Way; None also where the service may not text that number, nobody speaks for ours, or it is too late."""
        numbers = await self._received.numbers(UUID(notice.about))
        if numbers is None or self._now() - notice.noted_at > _WORTH_SECONDS:
            return None
        source, destination = numbers
        sender = next((each for each in await self._senders.all() if each.is_written_to_at(destination)), None)
        person = _person(source)
        if sender is None or person is None:
            return None
        return await self._answer(notice, person, sender)

    async def _answer(self, notice: Notice, person: PhoneNumber, sender: OriginationIdentity) -> UUID | None:
        service_id = notice.service_id or OWN_ID
        async with self._database.read() as connection:
            if not await services.exists(connection, service_id=service_id):
                return None
            service = await services.find(connection, self._limits, service_id)
        words = answer(Keyword(notice.said["keyword"]), service.name, sender.language, self._words)
        try:
            return await self._acting.send(service_id, notice.name, _submission(person, sender, words))
        except Refused as refused:
            if refused.reply.code >= 500:  # not to this number, or not by this service: nor is it tomorrow
                return None
            raise


def answer(keyword: Keyword, name: str, language: Language, words: Words) -> str:
    """What is said, in the sender's language or in both, after the name."""
    languages = (Language.EN, Language.FR) if language is Language.BOTH else (language,)
    said = " / ".join(_ANSWERS[keyword].render(words.translator(each)) for each in languages)
    return f"{name}: {said}"


def _person(number: str) -> PhoneNumber | None:
    """None: a short code, or what else is no telephone. Machines are not answered."""
    try:
        return PhoneNumber.parse(number)
    except PhoneNumberError:
        return None


def _submission(person: PhoneNumber, sender: OriginationIdentity, words: str) -> Submission:
    return Submission(
        envelope=Envelope(None, (person,)),
        content=Answer(words),
        trace=TRACE,
        door=Door.RELAY,
        lane=Lane.PRIORITY,
        sender_id=sender.id,
    )
