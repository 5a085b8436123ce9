"""Who manages a service by the API, and how: with a key of type admin, one action in one transaction.

What people change is changed by relay/actions, as by the command; the audit names the key.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends

from auth import limits
from auth.audit import Actor
from auth.principal import Principal, Service
from config.database import Database
from config.keyring import Keyring
from config.settings import Settings
from messages.message import KeyType
from messages.text import Text, TextError
from relay.actions.errors import UnknownError
from relay.actions.transaction import Transaction
from relay.http.authentication import Authentication
from relay.http.errors import NO_MANAGEMENT, NOT_FOUND, ApiError, Asker, of_refused

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where actions are done. `docs` is where a refusal sends its reader; `now` gives seconds since the epoch."""

    authentication: Authentication
    database: Database
    settings: Settings
    secret: Keyring
    docs: str
    now: Callable[[], float]

    def managing(self, what: Text) -> Any:
        """A dependency of routes: whoever asks, if they may manage `what`."""

        async def visit(principal: Annotated[Principal, Depends(self.authentication)]) -> Visit:
            if principal.key.type is not KeyType.ADMIN:
                raise ApiError.of(NO_MANAGEMENT, what=what)
            return await self.visit(principal)

        return Depends(visit)

    async def visit(self, principal: Principal) -> "Visit":
        """Counted against what the key may do in a minute. Raises ApiError."""
        async with self.database.write() as connection:
            refused = await limits.charge_call(connection, principal, self.now())
        if refused is not None:
            raise of_refused(refused, Asker(self.docs, principal), self.now())
        return Visit(self, principal)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who may make it."""

    desk: Desk
    principal: Principal

    @property
    def service(self) -> Service:
        return self.principal.service

    async def do(self, action: Callable[[Transaction], Awaitable[T]]) -> T:
        """On disk when this returns, undone when it raises. Raises ApiError."""
        with told():
            async with self.desk.database.write() as connection:
                desk, actor = self.desk, Actor("key", str(self.principal.key.id))
                return await action(Transaction(connection, desk.settings, desk.secret, None, actor, desk.now()))


@contextmanager
def told() -> Iterator[None]:
    """What an action refuses in here is an answer of the API. Raises ApiError."""
    try:
        yield
    except UnknownError:
        raise ApiError.of(NOT_FOUND) from None
    except TextError as refused:
        raise ApiError.told(refused.text) from None
