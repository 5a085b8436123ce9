"""SES's own list of the account, kept in step with ours: what ends here is taken off there, what is only there is ours.

One process of all machines does it at a time, at the pace that SES allows. Without SES only old entries go.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection, Update, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from config.database import Database
from config.keyring import Keyring
from config.providers import EmailProvider
from delivery.providers import ses_suppression as ses
from delivery.providers.base import SendError
from delivery.providers.ses_suppression import Listed
from delivery.rounds import outlived, wait
from delivery.store.suppressed import in_force
from delivery.store.suppressing import Codec, Entry
from delivery.store.suppressions import EVERYBODY, LEARNED, Reason, provider_lists, suppressions
from delivery.suppression.following import SIMULATORS
from messages.address import Address, AddressError

_PROVIDER = EmailProvider.SES.value
_ROUND_SECONDS = 5.0
_LEASE_SECONDS = 120.0
_AFTER_TROUBLE_SECONDS = 60.0
_CALL_SECONDS = 1.1  # SES takes one a second of all actions but those that send
_READ_SECONDS = 6 * 3600.0
_YOUNG_SECONDS = 3600.0  # an event tells of what is younger, and of whose message it was
_AHEAD_SECONDS = 60.0  # before it ends here: else SES would bounce the first message, and so make it last
_KEPT_SECONDS = 4 * 86_400.0  # after its end: events come late
_AT_ONCE = 20
_FORGOTTEN_AT_ONCE = 500
_REASONS = {ses.BOUNCE: Reason.BOUNCE, ses.COMPLAINT: Reason.COMPLAINT}
_MADE = {
    "postgresql": postgresql.insert(provider_lists).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(provider_lists).on_conflict_do_nothing(),
}

Opened = Callable[[], AbstractAsyncContextManager[Any]]  # a client of SES; raises a SendError


class ListAtSes:
    """One per process. `open_ses` None: mail does not go by SES. `pause` is that between two calls."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        open_ses: Opened | None,
        now: Callable[[], float],
        pause: float = _CALL_SECONDS,
    ) -> None:
        self._database = database
        self._codec = Codec(keyring)
        self._open_ses = open_ses
        self._now = now
        self._pause = pause
        self._log = structlog.get_logger("suppression")

    async def run(self, stopping: asyncio.Event) -> None:
        """Works until `stopping` is set. Never raises for an outage, of SES or of the database."""
        while not stopping.is_set():
            with outlived("suppression"):
                await self.round()
            await wait(stopping, _ROUND_SECONDS)

    async def round(self) -> None:
        """What there is to do, if it is nobody else's turn."""
        read_at = await self._database.transact(lambda c: _take(c, self._now()))
        if read_at is None:
            return
        rest = 0.0
        try:
            await self._database.transact(lambda c: _forget(c, self._now(), self._open_ses is not None))
            if self._open_ses is not None:
                async with self._open_ses() as client:
                    await self._take_off(client)
                    await self._put(client)
                    if read_at <= self._now() - _READ_SECONDS:
                        await self._read(client)
        except SendError as error:
            self._log.warning("suppression.list_unavailable", reason=error.reason)
            rest = _AFTER_TROUBLE_SECONDS
        finally:
            await self._database.transact(lambda c: _give_back(c, self._now() + rest))

    async def _take_off(self, client: Any) -> None:
        for entry in await self._database.query(lambda c: self._ended(c, self._now() + _AHEAD_SECONDS)):
            if not await self._database.query(partial(self._holds_for_all, entry)):
                await ses.remove(client, entry.recipient)
            await self._database.transact(partial(_taken_off, entry, self._now()))
            await asyncio.sleep(self._pause)

    async def _put(self, client: Any) -> None:
        for entry in await self._database.query(lambda c: self._unlisted(c, self._now())):
            await ses.put(client, entry.recipient)
            listed = update(suppressions).where(suppressions.c.id == entry.id).values(listed_at=self._now())
            await self._database.transact(partial(_execute, listed))
            await asyncio.sleep(self._pause)

    async def _read(self, client: Any) -> None:
        """The whole list. What SES lists no more is over, where it was ours by its list alone."""
        began, token, count = self._now(), None, 0
        while True:
            listed, token = await ses.page(client, began - _YOUNG_SECONDS, token)
            count += len(listed)
            await self._database.transact(partial(self._import, listed, began))
            if token is None:
                break
            await asyncio.sleep(self._pause)
        gone = await self._database.transact(lambda c: _drop_unlisted(c, began))
        self._log.info("suppression.list_read", entries=count, gone=gone)

    def _ended(self, connection: Connection, before: float) -> list[Entry]:
        c = suppressions.c
        asked = select(suppressions).where(c.until <= before, c.at_provider).order_by(c.until).limit(_AT_ONCE)
        return self._codec.entries(connection.execute(asked))

    def _holds_for_all(self, ended: Entry, connection: Connection) -> bool:
        """Whether nobody may write to them still."""
        found = self._codec.find(connection, EVERYBODY, ended.recipient)
        return any(each.id != ended.id and each.is_in_force(self._now()) for each in found)

    def _unlisted(self, connection: Connection, now: float) -> list[Entry]:
        c = suppressions.c
        by_hand = (c.service_id == EVERYBODY) & (c.reason == Reason.BY_HAND.value) & c.at_provider
        asked = select(suppressions).where(by_hand, c.listed_at.is_(None), in_force(now)).limit(_AT_ONCE)
        return self._codec.entries(connection.execute(asked))

    def _import(self, listed: Sequence[Listed], now: float, connection: Connection) -> None:
        _hold(connection, self._now())
        addresses = {address.key: each for each in listed if (address := _address(each.address))}
        if not addresses:
            return
        self._codec.hold(connection, addresses)
        known: dict[str, list[Entry]] = {}
        for entry in self._codec.entries(connection.execute(select(suppressions).where(self._codec.about(addresses)))):
            known.setdefault(Address.parse(entry.recipient).key, []).append(entry)
        ours = [each.id for entries in known.values() for each in entries if each.for_all and each.reason in LEARNED]
        still = suppressions.c.id.in_(ours) & suppressions.c.listed_at.is_not(None)
        connection.execute(update(suppressions).where(still).values(listed_at=now))
        for key in sorted(addresses.keys() - known.keys()):
            each = addresses[key]
            reason = _REASONS.get(each.reason, Reason.BOUNCE)
            added = self._codec.add(connection, EVERYBODY, key, reason, each.since, at_provider=True)
            connection.execute(update(suppressions).where(suppressions.c.id == added).values(listed_at=now))


def _address(text: str) -> Address | None:
    try:
        address = Address.parse(text)
    except AddressError:
        return None
    return None if address.domain in SIMULATORS else address


def _take(connection: Connection, now: float) -> float | None:
    """When the list was read last, if it is our turn now."""
    c = provider_lists.c
    row = {"provider": _PROVIDER, "taken_until": 0.0, "read_at": 0.0}
    connection.execute(_MADE[connection.dialect.name], row)
    mine = update(provider_lists).where(c.provider == _PROVIDER, c.taken_until <= now)
    taken: float | None = connection.scalar(mine.values(taken_until=now + _LEASE_SECONDS).returning(c.read_at))
    return taken


def _execute(statement: Update, connection: Connection) -> None:
    connection.execute(statement)


def _hold(connection: Connection, now: float) -> None:
    connection.execute(update(provider_lists).values(taken_until=now + _LEASE_SECONDS))


def _give_back(connection: Connection, until: float) -> None:
    connection.execute(update(provider_lists).values(taken_until=until))


def _taken_off(entry: Entry, now: float, connection: Connection) -> None:
    """Unless it was renewed meanwhile."""
    c = suppressions.c
    lifted = now if entry.lifted_at is not None else None
    same = (c.id == entry.id) & (c.until == entry.until)
    connection.execute(update(suppressions).where(same).values(at_provider=False, lifted_at=lifted))


def _forget(connection: Connection, now: float, has_list: bool) -> None:
    c = suppressions.c
    old = select(c.id).where(c.until < now - _KEPT_SECONDS)
    if has_list:
        old = old.where(~c.at_provider)
    connection.execute(delete(suppressions).where(c.id.in_(old.limit(_FORGOTTEN_AT_ONCE))))


def _drop_unlisted(connection: Connection, began: float) -> int:
    c = suppressions.c
    learned = c.reason.in_([each.value for each in LEARNED])
    gone = delete(suppressions).where(c.service_id == EVERYBODY, learned, c.listed_at < began)
    count = connection.execute(gone).rowcount
    connection.execute(update(provider_lists).values(read_at=began))
    return count
