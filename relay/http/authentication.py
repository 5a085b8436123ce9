"""Who calls: a token signed with a key's secret (JWT, RFC 7519), or the whole key.

Published clients make a new token for every request; nothing in it but the service and the time. Refusals are 403 where
something was presented, as the clients expect. Never logs a token or a key.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from fastapi import Request

from auth.keys import API_KEY_PREFIX
from auth.lookups import ANEW_SECONDS, Unavailable
from auth.principal import Principal
from auth.verify import Credential, Credentials
from messages.message import parse_id
from messages.reply import Refused
from relay.http import errors, tokens
from relay.http.errors import ApiError, Rejection
from relay.http.tokens import Token
from relay.logins import login_failed
from relay.metrics import DoorMetrics

_GUESS_SECONDS = ANEW_SECONDS + 0.1  # a look-up that had to wait for its turn is over by then
_MIN_KEY_CHARACTERS = 79  # prefix, one character, service id, secret


class Verifier(Protocol):
    """What this needs of auth.verify."""

    async def credentials(self, service_id: UUID, *, anew: bool = False) -> Credentials | None: ...

    def matcher(self, secret: str) -> Callable[[bytes], bool]: ...

    def used(self, key_id: UUID) -> None: ...


class Throttle(Protocol):
    """What this needs of auth.throttle."""

    async def banned_seconds(self, client_ip: str, username: str) -> int: ...

    def is_trusted(self, client_ip: str, username: str) -> bool: ...

    async def admit(self, client_ip: str, username: str) -> float: ...

    def failed(self, client_ip: str, username: str) -> None: ...

    def succeeded(self, client_ip: str, username: str) -> None: ...

    def name(self, username: str) -> str: ...


@dataclass(frozen=True, slots=True)
class _Claim:
    """What somebody says who they are, how to see whether it is true, and what they hear when it is not."""

    service_id: UUID
    fits: Callable[[Credential], bool]
    unknown: Rejection
    token: Token | None = None


class Authentication:
    """A dependency of every route that needs a key. `now` gives seconds since the epoch."""

    def __init__(
        self, verifier: Verifier, throttle: Throttle, metrics: DoorMetrics, docs: str, now: Callable[[], float]
    ) -> None:
        self._verifier = verifier
        self._throttle = throttle
        self._metrics = metrics
        self._docs = docs
        self._now = now

    async def __call__(self, request: Request) -> Principal:
        """Raises ApiError."""
        return await self.check(request.headers.getlist("authorization"), request)

    async def check(self, fields: Sequence[str], request: Request) -> Principal:
        """Whose Authorization header fields these are. Raises ApiError."""
        given = [field for field in map(str.strip, fields) if field]
        client_ip = request.client.host if request.client else ""
        claim = None
        try:
            claim = self._claim(given)
            principal = await self._authenticate(claim, client_ip)
        except _Failed as failed:
            if failed.rejection is not errors.NO_TOKEN:  # nobody tried to log in
                self._tell(failed, claim, client_ip)
            raise ApiError.of(failed.rejection, failed.headers, seconds=failed.seconds) from None
        except Unavailable as error:
            self._count("unavailable")
            raise errors.unavailable() from error
        self._verifier.used(principal.key.id)
        return principal

    def _count(self, reason: str) -> None:
        self._metrics.auth_failures.labels(reason).inc()

    def _tell(self, failed: "_Failed", claim: _Claim | None, client_ip: str) -> None:
        self._count("revoked" if failed.rejection is errors.REVOKED else "credentials")
        if failed.rejection is errors.GUESSING:  # the ban left a line
            return
        who: dict[str, str] = {}
        if failed.key_id:
            who = {"key_id": str(failed.key_id)}
        elif claim:
            who = {"name_hash": self._throttle.name(str(claim.service_id))}
        login_failed("http", client_ip, failed.reason if claim else "malformed", **who)

    def _claim(self, given: list[str]) -> _Claim:
        if not given:
            raise _Failed(errors.NO_TOKEN)
        if len(given) > 1:  # RFC 9110 5.3: there is one; a proxy may have looked at another than we
            raise _Failed(errors.SCHEME_UNKNOWN)
        scheme, _, credentials = given[0].partition(" ")
        scheme, credentials = scheme.lower(), credentials.strip()
        if scheme == "bearer":
            return self._of_token(credentials)
        if scheme == "apikey-v1":
            return self._of_key(credentials)
        raise _Failed(errors.SCHEME_UNKNOWN)

    def _of_token(self, text: str) -> _Claim:
        if _service_of(text) is not None:
            raise _Failed(errors.WHOLE_KEY)
        try:
            token = tokens.parse(text)
        except tokens.Malformed:
            raise _Failed(errors.TOKEN_INVALID) from None
        if token.algorithm != "HS256":
            raise _Failed(errors.ALGORITHM)
        if "iss" not in token.claims:
            raise _Failed(errors.NO_ISSUER)
        service_id = parse_id(token.claims["iss"])
        if service_id is None:
            raise _Failed(errors.BAD_ISSUER)
        return _Claim(
            service_id,
            lambda each: each.secret is not None and token.is_signed_with(each.secret),
            errors.SIGNATURE_UNKNOWN,
            token,
        )

    def _of_key(self, api_key: str) -> _Claim:
        service_id = _service_of(api_key)
        if service_id is None:
            raise _Failed(errors.KEY_MALFORMED)
        matches = self._verifier.matcher(api_key[-36:])
        return _Claim(service_id, lambda each: matches(each.secret_hash), errors.KEY_UNKNOWN)

    async def _authenticate(self, claim: _Claim, client_ip: str) -> Principal:
        guess, service = f"http:{claim.service_id}", str(claim.service_id)
        banned = await self._throttle.banned_seconds(client_ip, guess)
        if banned and not self._throttle.is_trusted(client_ip, service):
            raise _Failed(errors.GUESSING, seconds=banned)
        found = await self._find(claim, anew=not banned)
        key = found.principal.key if found else None
        if banned and (key is None or not self._throttle.is_trusted(client_ip, str(key.id))):
            raise _Failed(errors.GUESSING, seconds=banned)
        if found is None or not found.principal.key.may_log_in_from(client_ip):
            await self._wait(client_ip, guess)
            raise _Failed(claim.unknown, "network" if key else "credentials", key_id=key.id if key else None)
        key = found.principal.key
        if claim.token is not None:
            self._check_time(claim.token, key.id)
        if key.is_revoked(self._now()):
            raise _Failed(errors.REVOKED, "revoked", key_id=key.id)
        self._throttle.succeeded(client_ip, service)
        self._throttle.succeeded(client_ip, str(key.id))
        return found.principal

    async def _wait(self, client_ip: str, guess: str) -> None:
        """The same for a service that is not there: neither words nor time tell which there are."""
        self._throttle.failed(client_ip, guess)
        try:
            await asyncio.sleep(await self._throttle.admit(client_ip, guess))
        except Refused as refused:
            raise _Failed(errors.GUESSING, seconds=int(str(refused.values_["seconds"]))) from None

    def _check_time(self, token: Token, key_id: UUID) -> None:
        try:
            right = token.is_clock_right(self._now())
        except tokens.Malformed:
            raise _Failed(errors.NO_ISSUED_AT, "clock", key_id=key_id) from None
        if not right:
            raise _Failed(errors.CLOCK, "clock", key_id=key_id)
        try:
            in_force = token.is_in_force(self._now())
        except tokens.Malformed:
            in_force = False
        if not in_force:
            raise _Failed(errors.EXPIRED, "expired", key_id=key_id)

    async def _find(self, claim: _Claim, *, anew: bool) -> Credential | None:
        """The key that fits."""
        credentials = await self._verifier.credentials(claim.service_id)
        found = _fitting(claim, credentials)
        if found is None and anew:  # a key works from the moment that its owner sees it, one of a new service too
            loop = asyncio.get_running_loop()
            ends_at = loop.time() + _GUESS_SECONDS
            credentials = await self._verifier.credentials(claim.service_id, anew=True)
            found = _fitting(claim, credentials)
            if found is None:  # however lately the service was looked up: time tells nobody which there are
                await asyncio.sleep(ends_at - loop.time())
        if credentials is not None and found is None and credentials.unreadable:
            raise Unavailable  # it may be of the key that nobody can read: no reason to give up
        return found


def _fitting(claim: _Claim, credentials: Credentials | None) -> Credential | None:
    return next(filter(claim.fits, credentials.keys), None) if credentials else None


class _Failed(Exception):  # noqa: N818
    def __init__(
        self, rejection: Rejection, reason: str = "credentials", *, key_id: UUID | None = None, seconds: int = 0
    ) -> None:
        super().__init__(rejection.error)
        self.reason = reason
        self.rejection = rejection
        self.key_id = key_id
        self.seconds = seconds

    @property
    def headers(self) -> dict[str, str]:
        if self.rejection.status == 401:
            return {"WWW-Authenticate": "Bearer"}  # RFC 9110 11.6.1
        return {"Retry-After": str(self.seconds)} if self.seconds else {}


def _service_of(api_key: str) -> UUID | None:
    """Whose key it says it is; None for what is not a whole key."""
    whole = _MIN_KEY_CHARACTERS <= len(api_key) <= tokens.MAX_CHARACTERS and api_key.startswith(API_KEY_PREFIX)
    return parse_id(api_key[-73:-37]) if whole else None
