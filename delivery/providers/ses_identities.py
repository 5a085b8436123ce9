"""Sending domains as SES knows them: it verifies one by the key that we sign with, and sends for no other.

SES is given the private key (BYODKIM), so that the one record of our selector serves both. It must not sign with it:
we have signed already, and a second signature of the same domain helps nobody.
"""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from delivery.providers.aws import classify
from messages.email.dkim import SigningKey

_ERRORS = (ClientError, BotoCoreError, ResponseParserError)


@dataclass(frozen=True, slots=True)
class Identity:
    """`selectors` are ours where `byodkim`, else the tokens of Easy DKIM."""

    verified: bool
    byodkim: bool
    selectors: tuple[str, ...]
    signs: bool
    mail_from: str | None
    mail_from_verified: bool


async def find(client: Any, domain: str) -> Identity | None:
    """What SES has of a domain; `client` is of `sesv2`. Raises a SendError that names what is wrong."""
    try:
        answer = await client.get_email_identity(EmailIdentity=domain)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NotFoundException":
            return None
        raise classify(error) from None
    except _ERRORS as error:
        raise classify(error) from None
    key, bounce = answer.get("DkimAttributes", {}), answer.get("MailFromAttributes", {})
    return Identity(
        verified=answer.get("VerifiedForSendingStatus", False),
        byodkim=key.get("SigningAttributesOrigin") == "EXTERNAL",
        selectors=tuple(key.get("Tokens", ())),
        signs=key.get("SigningEnabled", False),
        mail_from=bounce.get("MailFromDomain"),
        mail_from_verified=bounce.get("MailFromDomainStatus") == "SUCCESS",
    )


async def register(client: Any, key: SigningKey, mail_from: str) -> Identity | None:
    """Gives SES the key's domain, as far as it does not have it so; what it has then. Raises a SendError."""
    found = await find(client, key.domain)
    try:
        await _give_key(client, key, found)
        await client.put_email_identity_dkim_attributes(EmailIdentity=key.domain, SigningEnabled=False)
        await client.put_email_identity_mail_from_attributes(
            EmailIdentity=key.domain,
            MailFromDomain=mail_from,
            BehaviorOnMxFailure="USE_DEFAULT_VALUE",  # trouble in DNS stops no mail: DMARC then rests on DKIM
        )
    except _ERRORS as error:
        raise classify(error) from None  # its text holds the key
    return await find(client, key.domain)


async def _give_key(client: Any, key: SigningKey, found: Identity | None) -> None:
    if found and found.verified and found.byodkim and found.selectors == (key.selector,):
        return  # given again, it would have to be verified again; unverified it may be another key of that name
    attributes = {"DomainSigningSelector": key.selector, "DomainSigningPrivateKey": _pkcs1(key)}
    if found is None:
        await client.create_email_identity(EmailIdentity=key.domain, DkimSigningAttributes=attributes)
    else:
        await client.put_email_identity_dkim_signing_attributes(
            EmailIdentity=key.domain, SigningAttributesOrigin="EXTERNAL", SigningAttributes=attributes
        )


def _pkcs1(key: SigningKey) -> str:
    """As SES takes it: base64 of PKCS#1, without the lines of PEM."""
    der = key.private.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return b64encode(der).decode()
