"""Who calls: a token signed with a key's secret (JWT, RFC 7519), or the whole key.

Published clients make a new token for every request; nothing in it but the service and the time. Refusals are 403 where
something was presented, as the clients expect. Never logs a token or a key.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Protocol
from uuid import UUID

import jwt
from fastapi import Request

from auth.keys import API_KEY_PREFIX
from auth.lookups import Unavailable
from auth.principal import Principal
from auth.verify import Credential, Credentials
from messages.message import parse_id
from relay.http import errors
from relay.http.errors import ApiError, Failure
from relay.metrics import DoorMetrics

CLOCK_SECONDS = 30
_MAX_CHARACTERS = 4096  # of the header: clients' tokens have about 200, a key 79 and its name
_MIN_KEY_CHARACTERS = 79  # prefix, one character, service id, secret


class Verifier(Protocol):
    """What this needs of auth.verify."""

    async def credentials(self, service_id: UUID, *, anew: bool = False) -> Credentials | None: ...

    def is_secret(self, secret_hash: bytes, secret: str) -> bool: ...

    def used(self, key_id: UUID) -> None: ...


class Authentication:
    """A dependency of every route that needs a key. `now` gives seconds since the epoch."""

    def __init__(self, verifier: Verifier, metrics: DoorMetrics, docs: str, now: Callable[[], float]) -> None:
        self._verifier = verifier
        self._metrics = metrics
        self._docs = docs
        self._now = now

    async def __call__(self, request: Request) -> Principal:
        """Raises ApiError."""
        given = [field for field in map(str.strip, request.headers.getlist("authorization")) if field]
        client_ip = request.client.host if request.client else None
        try:
            principal = await self._authenticate(given, client_ip)
        except _Failed as failed:
            if failed.failure is not errors.NO_TOKEN:  # nobody tried to log in
                self._count("revoked" if failed.failure is errors.REVOKED else "credentials")
            challenge = {"WWW-Authenticate": "Bearer"} if failed.failure.status == 401 else {}  # RFC 9110 11.6.1
            raise ApiError.of(failed.failure, challenge) from None
        except Unavailable as error:
            self._count("unavailable")
            raise errors.unavailable() from error
        self._verifier.used(principal.key.id)
        return principal

    def _count(self, reason: str) -> None:
        self._metrics.auth_failures.labels(reason).inc()

    async def _authenticate(self, given: list[str], client_ip: str | None) -> Principal:
        if not given:
            raise _Failed(errors.NO_TOKEN)
        if len(given) > 1:  # RFC 9110 5.3: there is one; a proxy may have looked at another than we
            raise _Failed(errors.SCHEME_UNKNOWN)
        scheme, _, token = given[0].partition(" ")
        scheme, token = scheme.lower(), token.strip()
        if scheme == "bearer":
            found = await self._by_token(token, client_ip)
        elif scheme == "apikey-v1":
            found = await self._by_key(token, client_ip)
        else:
            raise _Failed(errors.SCHEME_UNKNOWN)
        if found.principal.key.is_revoked(self._now()):
            raise _Failed(errors.REVOKED)
        return found.principal

    async def _by_token(self, token: str, client_ip: str | None) -> Credential:
        decoded = _decode(token)
        signed = token.rpartition(".")[0].encode("ascii")
        is_hs256 = decoded["header"].get("alg") == "HS256"
        credentials, found = await self._find(
            _issuer(decoded["payload"]), lambda each: _signs(each, signed, decoded["signature"])
        )
        if credentials is None:
            raise _Failed(errors.SERVICE_UNKNOWN)
        if not credentials.keys:
            raise _Failed(errors.NO_KEYS)
        if found is None or not is_hs256 or not found.principal.key.may_log_in_from(client_ip):
            raise _Failed(errors.SIGNATURE_UNKNOWN)
        self._check_time(decoded["payload"])
        return found

    def _check_time(self, claims: dict[str, Any]) -> None:
        issued_at = claims.get("iat")
        if not isinstance(issued_at, int | float) or isinstance(issued_at, bool):  # .NET sends 1718524800.0
            raise _Failed(errors.NO_ISSUED_AT)
        try:
            accurate = abs(self._now() - issued_at) <= CLOCK_SECONDS  # false for NaN, too
        except OverflowError:  # a whole number beyond all floats
            accurate = False
        if not accurate:
            raise _Failed(errors.CLOCK)

    async def _by_key(self, api_key: str, client_ip: str | None) -> Credential:
        service_id, secret = parse_id(api_key[-73:-37]), api_key[-36:]
        long_enough = _MIN_KEY_CHARACTERS <= len(api_key) <= _MAX_CHARACTERS
        if not long_enough or not api_key.startswith(API_KEY_PREFIX) or service_id is None:
            raise _Failed(errors.KEY_MALFORMED)
        _, found = await self._find(service_id, lambda each: self._verifier.is_secret(each.secret_hash, secret))
        if found is None or not found.principal.key.may_log_in_from(client_ip):
            raise _Failed(errors.KEY_UNKNOWN)
        return found

    async def _find(
        self, service_id: UUID, fits: Callable[[Credential], bool]
    ) -> tuple[Credentials | None, Credential | None]:
        """The keys of a service, and the one that fits. Raises Unavailable."""
        credentials = await self._verifier.credentials(service_id)
        found = next(filter(fits, credentials.keys), None) if credentials else None
        if credentials is not None and found is None:  # a key works from the moment that it is shown to its owner
            credentials = await self._verifier.credentials(service_id, anew=True)
            found = next(filter(fits, credentials.keys), None) if credentials else None
        if credentials is not None and found is None and credentials.unreadable:
            raise Unavailable  # it may be of the key that nobody can read: no reason to give up
        return credentials, found


class _Failed(Exception):  # noqa: N818
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.error)
        self.failure = failure


def _decode(token: str) -> dict[str, Any]:
    """Header, claims and signature, nothing of it verified yet."""
    try:
        if len(token) > _MAX_CHARACTERS or not token.isascii():
            raise _Failed(errors.TOKEN_INVALID)
        decoded = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise _Failed(errors.TOKEN_INVALID) from None
    if decoded["header"].get("crit"):  # RFC 7515 4.1.11: extensions that we do not know
        raise _Failed(errors.TOKEN_INVALID)
    return decoded


def _issuer(claims: dict[str, Any]) -> UUID:
    if "iss" not in claims:
        raise _Failed(errors.NO_ISSUER)
    issuer = parse_id(claims["iss"])
    if issuer is None:
        raise _Failed(errors.BAD_ISSUER)
    return issuer


def _signs(credential: Credential, signed: bytes, signature: bytes) -> bool:
    """HS256 (RFC 7518 3.2). PyJWT would look at each key for the shapes of other algorithms' keys: 500 are slow."""
    if credential.secret is None:
        return False
    return hmac.compare_digest(hmac.digest(credential.secret.encode(), signed, hashlib.sha256), signature)
