"""Tells the contacts of services that most, or all, of a year's limit is used.

Any process of a door does it, at any time: a warning is a row until it is told, and its letter is stored once.
"""

import asyncio
from collections.abc import Callable
from uuid import UUID

import structlog
from babel.numbers import format_decimal
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import services, warnings
from auth.fiscal_year import FiscalYear
from auth.principal import Service
from auth.warnings import Reached
from config.database import Database
from config.settings import Limits
from config.words import Words
from messages.message import Channel, Language
from messages.text import Text, Translate
from relay.contact import Contacts, Letter
from relay.failures import described

_EVERY_SECONDS = 5.0
_TROUBLE_SECONDS = 60.0  # after one that could not be told

_LOCALES = {Language.EN: "en_CA", Language.FR: "fr_CA"}
_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\*_[]()<>&#`^"})

_SUBJECTS = {
    Channel.EMAIL: Text("{service} has used {percent}% of its emails for the year"),
    Channel.SMS: Text("{service} has used {percent}% of its text messages for the year"),
}
_COUNTS = {
    Channel.EMAIL: Text(
        "{service} has sent {used} emails in the fiscal year that began on April 1, {begun}. "
        "It may send {limit} in a fiscal year."
    ),
    Channel.SMS: Text(
        "{service} has sent {used} parts of text messages in the fiscal year that began on April 1, {begun}. "
        "It may send {limit} in a fiscal year. A long text has several parts."
    ),
}
_NEAR = Text("When the limit is reached, what it sends is refused until April 1, {ends}.")
_FULL = Text("What it sends from now on is refused until April 1, {ends}.")
_CURE = Text("If the service needs to send more, ask for a higher limit now: it can be raised at any time.")
_WHO = Text("You get this message because you are the contact of this service. Its id is {id}.")


class Warnings:
    """`now` gives seconds since the epoch."""

    def __init__(
        self, database: Database, contacts: Contacts, limits: Limits, words: Words, now: Callable[[], float]
    ) -> None:
        self._database = database
        self._contacts = contacts
        self._limits = limits
        self._words = words
        self._now = now
        self._log = structlog.get_logger("limits")

    async def run(self) -> None:
        """Until cancelled. Never raises for an outage."""
        while True:
            try:
                all_told = await self.tell()
            except Exception as error:  # outage or bug: what was not told is still a row
                self._log.error("limit.not_told", **described(error))
                all_told = False
            await asyncio.sleep(_EVERY_SECONDS if all_told else _TROUBLE_SECONDS)

    async def tell(self) -> bool:
        """Tells what is untold; False when something of it could not be told now."""
        async with self._database.read() as connection:
            found = [(each, await self._service(connection, each)) for each in await warnings.untold(connection)]
        return all([await self._told(reached, service) for reached, service in found])

    async def _service(self, connection: AsyncConnection, reached: Reached) -> Service:
        return await services.find(connection, self._limits, reached.service_id)

    async def _told(self, reached: Reached, service: Service) -> bool:
        said = {"channel": reached.channel, "percent": reached.percent, "year": str(FiscalYear(reached.year))}
        try:
            message_id = await self._write(service.contact, reached, service) if service.contact else None
        except Exception as error:  # a refusal, too: its service may be on hold, and is released again
            self._log.error("limit.not_told", service_id=str(service.id), **said, **described(error))
            return False
        async with self._database.write() as connection:
            await warnings.end(connection, reached, self._now(), message_id)
        told = {} if message_id is None else {"message_id": str(message_id)}
        self._log.warning("limit.reached", service_id=str(service.id), used=reached.used, **said, **told)
        return True

    async def _write(self, contact: str, reached: Reached, service: Service) -> UUID:
        first = Language.FR if service.language is Language.FR else Language.EN
        languages = (first, *({Language.EN, Language.FR} - {first}))
        translators = {each: self._words.translator(each) for each in languages}
        letters = {each: letter(reached, service, each, translate) for each, translate in translators.items()}
        return await self._contacts.write(contact, f"limit {reached.name}", letters)


def letter(reached: Reached, service: Service, language: Language, translate: Translate) -> Letter:
    """What the contact reads, in one language."""
    values = {
        "service": service.name,
        "percent": reached.percent,
        "used": format_decimal(reached.used, locale=_LOCALES[language]),
        "limit": format_decimal(reached.per_year, locale=_LOCALES[language]),
        "begun": reached.year,
        "ends": reached.year + 1,
        "id": service.id,
    }
    body = (_COUNTS[reached.channel], _FULL if reached.percent == max(warnings.PERCENTS) else _NEAR, _CURE, _WHO)
    marked = values | {"service": service.name.translate(_MARKS)}  # a name is no Markdown
    return Letter(
        subject=Text(_SUBJECTS[reached.channel].source, values).render(translate),
        body="\n\n".join(Text(each.source, marked).render(translate) for each in body),
    )
