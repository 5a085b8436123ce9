"""The sender of a message is told what became of it (RFC 3461): by a notice that goes in by the one way, too.

It waits in the bulk lane: failures come by the thousand, and nobody's mail is to wait for them. It is the relay's own
message: no service's statistics, limits or callbacks know of it. What it says is found out when it leaves.
"""

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

import structlog

from auth import guests, service_domains, services
from auth.notices import Notice, end_all
from auth.people import memberships
from auth.principal import Service
from auth.services import OWN_ID
from config.database import Database
from config.encrypted import cipher
from config.keyring import Keyring
from config.settings import Settings
from config.words import Words
from messages import reply
from messages.address import Address
from messages.envelope import Envelope
from messages.message import DeliveryNotice, Door, KeyType, Lane, Language, Message, Occasion, Submission
from messages.reply import Refused
from messages.status import Status
from messages.text import Text
from relay.notices.acting import TRACE, Acting
from relay.returns import place

_WORTH_SECONDS = 3 * 86_400.0  # later it only puzzles
_SUBJECTS = {
    Occasion.FAILURE: Text("Your message was not delivered"),
    Occasion.DELAY: Text("Your message is delayed"),
    Occasion.SUCCESS: Text("Your message was delivered"),
}


class Searching(Protocol):
    """What this needs of delivery.store.searching."""

    async def load(self, message_ids: Sequence[UUID]) -> dict[UUID, Message]: ...


class SenderNotices:
    """A Way. `now` gives seconds since the epoch."""

    def __init__(
        self,
        database: Database,
        searching: Searching,
        acting: Acting,
        keyring: Keyring,
        settings: Settings,
        words: Words,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._searching = searching
        self._acting = acting
        self._keyring = keyring
        self._hasher = keyring.hasher("notice")
        self._settings = settings
        self._words = words
        self._now = now
        self._log = structlog.get_logger("notices")

    async def tell(self, notice: Notice) -> UUID | None:
        """As Way; None also where it is too late, or enough was told in this hour."""
        about = UUID(notice.said["about"])
        message = (await self._searching.load([about])).get(about)
        if message is None or self._now() - notice.noted_at > _WORTH_SECONDS:
            return None
        service, to = await self._where(message)
        if to is None or to.key == message.recipient.key:  # that address takes no mail, as is to be told
            return None
        try:
            return await self._acting.send(OWN_ID, notice.name, self._submission(notice, message, service, to))
        except Refused as refused:
            await self._pass_over(notice, refused)
            return None

    async def _where(self, message: Message) -> tuple[Service, Address | None]:
        """As it is now: domains and addresses change while messages are under way."""
        email = self._settings.email
        async with self._database.read() as connection:
            service = await services.find(connection, self._settings.limits, message.service_id)
            domains = await service_domains.names_authors_at(
                connection, service, email.default_domain, verified_only=email.traits.needs_verified_domains
            )
            to = place(message.reverse_path, domains, service.notice_address)
            if to is not None and (not service.live or message.key_type is KeyType.TEAM):  # these reach guests only
                reached = await memberships.reached(connection, self._keyring, service.id)
                reached |= await guests.load(connection, cipher(guests.guests.c.address, self._keyring), service.id)
                to = to if to.key in reached else None
        return service, to

    def _submission(self, notice: Notice, message: Message, service: Service, to: Address) -> Submission:
        said, occasion = notice.said, Occasion(notice.said["occasion"])
        first = Language.FR if service.language is Language.FR else Language.EN
        spoken = (self._words.translator(each) for each in (first, *({Language.EN, Language.FR} - {first})))
        content = DeliveryNotice(
            about=message.id,
            occasion=occasion,
            at=said["at"],
            status=said["status"] and Status(said["status"]),
            reason=said["reason"],
            subject=" / ".join(_SUBJECTS[occasion].render(say) for say in spoken),
            language=first,
            service_id=service.id,
            place=UUID(bytes=self._hasher.hash(f"{service.id} {to.key}")[:16]),
        )
        return Submission(
            envelope=Envelope(None, (to,)),
            content=content,
            trace=TRACE,
            door=Door.RELAY,
            lane=Lane.BULK,
            language=Language.BOTH,
        )

    async def _pass_over(self, notice: Notice, refused: Refused) -> None:
        """Enough was told in this hour: what is over it is told nobody. Raises what else it was."""
        if refused.reply not in (reply.KEY_LIMIT, reply.SERVICE_LIMIT):
            raise refused
        over = 1
        if refused.reply is reply.SERVICE_LIMIT:  # and so are all that wait: no other service waits behind them
            async with self._database.write() as connection:
                over = await end_all(connection, notice, self._now())
        self._log.warning("notice.over_limit", service_id=str(notice.service_id), notices=over)
