"""Sending domains as SES keeps them: by its rules, and verified when a test says so. Pure; the server is in aws.py."""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from tests.fakes.trouble import Rejection

PATH = "/v2/email/identities"

_SELECTOR = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_TOKENS = ["aaaa1", "bbbb2", "cccc3"]


@dataclass
class Identity:
    selector: str | None = None  # None: Easy DKIM
    key: RSAPrivateKey | None = None
    verified: bool = False
    signs: bool = True  # as SES does until it is told otherwise
    mail_from: str | None = None
    mail_from_verified: bool = False
    behaviour: str = "USE_DEFAULT_VALUE"

    @property
    def public_record(self) -> str:
        """Where SES looks for the key it was given, this has to stand."""
        assert self.key
        der = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"


@dataclass
class Identities:
    known: dict[str, Identity] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)  # method and path

    def create(self, domain: str) -> None:
        """As somebody does by hand: with Easy DKIM."""
        self.known[domain] = Identity()

    def verify(self, domain: str) -> None:
        """As if SES had found the records."""
        self.known[domain].verified = self.known[domain].mail_from_verified = True

    def answer(self, method: str, path: str, body: bytes) -> dict[str, Any] | Rejection | None:
        """None: no call about identities."""
        if not path.startswith(PATH):
            return None
        self.calls.append((method, path))
        call = json.loads(body or b"{}")
        _, _, rest = path.removeprefix(PATH).partition("/")
        name, _, part = unquote(rest).partition("/")
        if (method, name) == ("POST", ""):
            return self._create(call)
        identity = self.known.get(name)
        if identity is None:
            return Rejection("NotFoundException", f"Email identity {name} does not exist.", 404)
        handlers = {
            ("GET", ""): lambda: _described(identity),
            ("PUT", "dkim"): lambda: _set_signing(identity, call),
            ("PUT", "dkim/signing"): lambda: _put_key(identity, call),
            ("PUT", "mail-from"): lambda: _put_mail_from(identity, name, call),
        }
        handler = handlers.get((method, part))
        return handler() if handler else None

    def _create(self, call: dict[str, Any]) -> dict[str, Any] | Rejection:
        name = call.get("EmailIdentity", "")
        if name in self.known:
            return Rejection("AlreadyExistsException", f"Email identity {name} already exists.")
        if not _DOMAIN.fullmatch(name):
            return _bad("Identity is not valid.")
        identity = Identity()
        if (attributes := call.get("DkimSigningAttributes")) and (problem := _give(identity, attributes)):
            return problem
        self.known[name] = identity
        return {"IdentityType": "DOMAIN", "VerifiedForSendingStatus": False, "DkimAttributes": _dkim(identity)}


def _give(identity: Identity, attributes: dict[str, Any]) -> Rejection | None:
    selector, encoded = attributes.get("DomainSigningSelector", ""), attributes.get("DomainSigningPrivateKey", "")
    if not _SELECTOR.fullmatch(selector):
        return _bad("Selector must satisfy the pattern of a DNS label.")
    try:
        if not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", encoded):
            raise ValueError
        der = base64.b64decode(encoded, validate=True)
        key = load_der_private_key(der, None)
        # PKCS#1, as the developer guide says: PKCS#8 names its algorithm first.
        if b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" in der[:40] or not isinstance(key, RSAPrivateKey):
            raise ValueError
    except (ValueError, binascii.Error):
        return _bad("The private key is not valid: base64 of an RSA key in PKCS#1 form is expected.")
    if key.key_size not in (1024, 2048):
        return _bad("The private key must use 1024 or 2048-bit RSA encryption.")
    identity.selector, identity.key, identity.verified = selector, key, False
    return None


def _put_key(identity: Identity, call: dict[str, Any]) -> dict[str, Any] | Rejection:
    if call.get("SigningAttributesOrigin") != "EXTERNAL":
        return _bad("SigningAttributesOrigin is required.")
    return _give(identity, call.get("SigningAttributes", {})) or {
        "DkimStatus": "PENDING",
        "DkimTokens": [identity.selector],
    }


def _set_signing(identity: Identity, call: dict[str, Any]) -> dict[str, Any]:
    identity.signs = bool(call.get("SigningEnabled", False))
    return {}


def _put_mail_from(identity: Identity, name: str, call: dict[str, Any]) -> dict[str, Any] | Rejection:
    bounce = call.get("MailFromDomain", "")
    if not bounce.endswith(f".{name}"):
        return _bad("MAIL FROM domain must be a subdomain of the identity's domain.")
    if call.get("BehaviorOnMxFailure") not in ("USE_DEFAULT_VALUE", "REJECT_MESSAGE"):
        return _bad("BehaviorOnMxFailure is not valid.")
    if bounce != identity.mail_from:
        identity.mail_from, identity.mail_from_verified = bounce, False
    identity.behaviour = call["BehaviorOnMxFailure"]
    return {}


def _described(identity: Identity) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "IdentityType": "DOMAIN",
        "FeedbackForwardingStatus": True,
        "VerifiedForSendingStatus": identity.verified,
        "DkimAttributes": _dkim(identity),
    }
    if identity.mail_from:
        answer["MailFromAttributes"] = {
            "MailFromDomain": identity.mail_from,
            "MailFromDomainStatus": "SUCCESS" if identity.mail_from_verified else "PENDING",
            "BehaviorOnMxFailure": identity.behaviour,
        }
    return answer


def _dkim(identity: Identity) -> dict[str, Any]:
    return {
        "SigningEnabled": identity.signs,
        "Status": "SUCCESS" if identity.verified else "PENDING",
        "Tokens": _TOKENS if identity.selector is None else [identity.selector],
        "SigningAttributesOrigin": "AWS_SES" if identity.selector is None else "EXTERNAL",
    }


def _bad(text: str) -> Rejection:
    return Rejection("BadRequestException", text)
