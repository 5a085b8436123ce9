"""What handlers reach. relay/processes/site.py fills it; what the parts are is named here and imported nowhere else."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auth.audit import Actor
from auth.people.passwords import Passwords
from config.database import Database
from config.keyring import Keyring
from config.settings import Settings
from config.words import Words
from relay.actions.transaction import Transaction
from relay.notices.acting import Acting
from relay.notices.codes import Codes
from relay.notices.contact import Contacts
from relay.pace import Pace
from relay.site.later import Later
from relay.site.remembered import Remembered
from relay.site.standing import People

if TYPE_CHECKING:
    from auth.throttle import Throttle
    from auth.verify import Verifier
    from delivery.figures.reading import CountReader
    from delivery.library.brandings import Brandings
    from delivery.library.origination import OriginationIdentities
    from delivery.library.templates import Templates
    from delivery.store.listing import Listing
    from delivery.store.searching import Searching
    from delivery.store.totals import Activity
    from relay.accept import Acceptor
    from relay.actions.sent_content import SentContent
    from relay.journal import Journal
    from relay.site.dashboard.live import Live


@dataclass(frozen=True, slots=True)
class Site:
    """One per process. `now` gives seconds since the epoch."""

    database: Database
    settings: Settings
    secret: Keyring
    words: Words
    verifier: "Verifier"
    throttle: "Throttle"
    acceptor: "Acceptor"
    searching: "Searching"
    listing: "Listing"
    sent: "SentContent"
    templates: "Templates"
    brandings: "Brandings"
    senders: "OriginationIdentities"
    people: People
    journal: "Journal"
    activity: Remembered["Activity"]
    counts: "CountReader"
    live: "Live"
    pace: Pace
    now: Callable[[], float]
    passwords: Passwords = field(default_factory=Passwords)
    later: Later = field(default_factory=Later)

    @property
    def acting(self) -> Acting:
        """Sends as a service, by the key of it that nobody holds."""
        return Acting(self.database, self.verifier, self.acceptor)

    @property
    def contacts(self) -> Contacts:
        """Sends as the relay itself."""
        return Contacts(self.acting)

    @property
    def codes(self) -> Codes:
        """Sends codes and news about an account to its person."""
        return Codes(self.acting, self.words)

    @asynccontextmanager
    async def writing(self, actor: Actor) -> AsyncIterator[Transaction]:
        """For relay/actions: on disk at its end, undone when it raises."""
        async with self.database.write() as connection:
            yield Transaction(connection, self.settings, self.secret, None, actor, self.now())

    @asynccontextmanager
    async def reading(self, actor: Actor) -> AsyncIterator[Transaction]:
        """For what relay/actions tell: all of one moment."""
        async with self.database.read() as connection:
            yield Transaction(connection, self.settings, self.secret, None, actor, self.now())
