"""How a passkey is registered, and how somebody signs in with one (WebAuthn level 3, 7.1 and 7.2).

Its device asks for a finger, a face or a PIN each time, so one is both factors; and the browser signs our origin, so no
other site can have it. `webauthn` judges what a browser sends; what this file adds is whose challenge it was, and that
it is used once. Knows nothing of sessions or pages.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import webauthn
from sqlalchemy.ext.asyncio import AsyncConnection
from webauthn.helpers import base64url_to_bytes, options_to_json_dict, parse_client_data_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from auth.errors import PASSKEY_REFUSED, AuthError
from auth.people import challenges, passkeys
from auth.people.passkeys import Passkey
from config.keyring import Keyring

MAX_ANSWER_CHARACTERS = 16_000  # a browser's has a tenth of it
_TIMEOUT_MILLISECONDS = int(challenges.LIFE_SECONDS * 1000)
_VERIFIED = UserVerificationRequirement.REQUIRED
_SELECTION = AuthenticatorSelectionCriteria(resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFIED)
_AUTHENTICATION = "authentication"


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The site, by the host that its passkeys are bound to."""

    host: str
    name: str
    origin: str

    @classmethod
    def at(cls, url: str, name: str) -> "RelyingParty | None":
        """By the site's public URL. None: browsers bind a passkey to a name, never to an IP address."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        return None if not host or _is_address(host) else cls(host, name, f"{parts.scheme}://{parts.netloc}")


@dataclass(frozen=True, slots=True)
class Ceremonies:
    """Those of one browser: `session` is what it alone has."""

    party: RelyingParty
    keyring: Keyring
    session: str

    def registration_options(
        self, user_id: UUID, account: str, name: str, has: Sequence[Passkey], now: float
    ) -> dict[str, Any]:
        """For navigator.credentials.create. A device that holds one of those that the user `has` makes no second."""
        options = webauthn.generate_registration_options(
            rp_id=self.party.host,
            rp_name=self.party.name,
            user_id=user_id.bytes,
            user_name=account,
            user_display_name=name,
            challenge=challenges.make(self.keyring, _registration(user_id), self.session, now),
            timeout=_TIMEOUT_MILLISECONDS,
            authenticator_selection=_SELECTION,
            exclude_credentials=_descriptors(has),
        )
        return options_to_json_dict(options)

    async def register(self, connection: AsyncConnection, user_id: UUID, name: str, answer: str, now: float) -> Passkey:
        """Keeps what the browser made. Raises AuthError."""
        challenge = self._challenge(answer, _registration(user_id), now)
        with _judging():
            verified = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self.party.host,
                expected_origin=self.party.origin,
                require_user_verification=True,
            )
        key = verified.credential_id, verified.credential_public_key, verified.sign_count
        made = Passkey(uuid4(), user_id, name, *key, now, None)
        await _spend(connection, challenge, now)
        await passkeys.add(connection, made)
        return made

    def authentication_options(self, now: float, has: Sequence[Passkey] = ()) -> dict[str, Any]:
        """For navigator.credentials.get; without `has`, of whichever account the device offers."""
        options = webauthn.generate_authentication_options(
            rp_id=self.party.host,
            challenge=challenges.make(self.keyring, _AUTHENTICATION, self.session, now),
            timeout=_TIMEOUT_MILLISECONDS,
            allow_credentials=_descriptors(has),
            user_verification=_VERIFIED,
        )
        return options_to_json_dict(options)

    async def authenticate(self, connection: AsyncConnection, answer: str, now: float) -> Passkey:
        """The passkey that signed: who asks is its user. Raises AuthError."""
        challenge = self._challenge(answer, _AUTHENTICATION, now)
        with _judging():
            credential_id = base64url_to_bytes(_parsed(answer)["rawId"])
        found = await passkeys.by_credential(connection, credential_id)
        if found is None:
            raise AuthError(PASSKEY_REFUSED)
        with _judging():
            verified = webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self.party.host,
                expected_origin=self.party.origin,
                credential_public_key=found.public_key,
                credential_current_sign_count=found.sign_count,
                require_user_verification=True,
            )
        await _spend(connection, challenge, now)
        await passkeys.used(connection, found.id, verified.new_sign_count, now)
        return found

    def _challenge(self, answer: str, purpose: str, now: float) -> bytes:
        """What the browser signed, if that is ours. Raises AuthError."""
        with _judging():
            encoded = _parsed(answer)["response"]["clientDataJSON"]
            challenge = parse_client_data_json(base64url_to_bytes(encoded)).challenge
        if not challenges.is_ours(self.keyring, purpose, self.session, challenge, now):
            raise AuthError(PASSKEY_REFUSED)
        return challenge


async def _spend(connection: AsyncConnection, challenge: bytes, now: float) -> None:
    if not await challenges.spend(connection, challenge, now):
        raise AuthError(PASSKEY_REFUSED)


@contextmanager
def _judging() -> Iterator[None]:
    """Around a stranger's octets: the parsers raise whatever they stumble over. Raises AuthError."""
    try:
        yield
    except Exception as error:
        raise AuthError(PASSKEY_REFUSED) from error


def _parsed(answer: str) -> Any:
    if len(answer) > MAX_ANSWER_CHARACTERS:
        raise ValueError
    return json.loads(answer)


def _registration(user_id: UUID) -> str:
    return f"registration {user_id}"


def _descriptors(has: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=each.credential_id) for each in has]


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
