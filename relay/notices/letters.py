"""Notices for the contact of a service: a letter in both languages, its own first. The words: a file of each kind."""

from typing import Protocol
from uuid import UUID

from auth import services
from auth.notices import Notice
from auth.principal import Service
from config.database import Database
from config.settings import Limits
from config.words import Words
from messages.message import Language
from messages.text import Text, Translate
from relay.notices.contact import Contacts, Letter

WHO = Text("You get this message because you are the contact of this service. Its id is {id}.")
_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\*_[]()<>&#`^"})


class Wording(Protocol):
    """What the contact reads, in one language."""

    def __call__(self, notice: Notice, service: Service, language: Language, translate: Translate, /) -> Letter: ...


class Letters:
    """A Way. Without a contact nobody is told."""

    def __init__(self, database: Database, contacts: Contacts, limits: Limits, words: Words, wording: Wording) -> None:
        self._database = database
        self._contacts = contacts
        self._limits = limits
        self._words = words
        self._wording = wording

    async def tell(self, notice: Notice) -> UUID | None:
        """As Way."""
        assert notice.service_id is not None
        async with self._database.read() as connection:
            service = await services.find(connection, self._limits, notice.service_id)
        return await self.write(service.contact, notice, service, notice.name) if service.contact else None

    async def write(self, to: str, notice: Notice, service: Service, name: str) -> UUID:
        """One letter of that name to somebody."""
        first = Language.FR if service.language is Language.FR else Language.EN
        languages = (first, *({Language.EN, Language.FR} - {first}))
        translators = {each: self._words.translator(each) for each in languages}
        letters = {each: self._wording(notice, service, each, translate) for each, translate in translators.items()}
        return await self._contacts.write(to, name, letters)


def as_text(value: str) -> str:
    """A value as it stands in a letter: none of it is Markdown."""
    return value.translate(_MARKS)
