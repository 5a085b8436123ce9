"""One call that somebody asks for: whether a service's receiver can be reached, and what it answers."""

import os
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from config.keyring import Keyring
from config.settings import Callbacks
from delivery.callbacks import bodies, calls, guard, urls
from delivery.callbacks.calls import CallOutcome
from delivery.callbacks.headers import headers
from delivery.callbacks.urls import CallbackUrlError, Receiver
from delivery.store.base import CallbackKind
from messages.message import new_id

_BODY = bodies.encoded({"health_check": "true"})  # as Notify asks


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it. `reason` is a short code, as in the log; None: it answered 2xx."""

    works: bool
    http_status: int | None
    reason: str | None
    seconds: float


async def receiver(connection: AsyncConnection, keyring: Keyring, service_id: UUID, kind: CallbackKind) -> Receiver:
    """Whom to call. Raises CallbackUrlError where there is no URL, or none that opens."""
    found = await connection.run_sync(lambda c: urls.load(c, keyring, [service_id]))
    if (service_id, kind) not in found:
        raise urls.unknown(service_id, kind)
    if (opened := found[service_id, kind]) is None:
        raise CallbackUrlError(
            "the token of this callback URL cannot be read any more: set the URL and its token again"
        )
    return opened


async def call(receiver: Receiver, settings: Callbacks, now: float) -> Trial:
    """Raises CallbackUrlError where the URL may not be called."""
    url = urls.parse(receiver.url, allow_private=settings.allow_private)
    callback_id = new_id(now, os.urandom(10))
    named = headers(callback_id, _BODY, receiver.bearer_token, receiver.signing_secret, now)
    async with guard.open_session(guard.anywhere if settings.allow_private else guard.is_public) as session:
        answer = await calls.post(session, url, named, _BODY, settings.timeout_seconds)
    return Trial(answer.outcome is CallOutcome.DONE, answer.http_status, answer.reason, answer.seconds)
