"""DKIM signatures (RFC 6376): RSA-SHA256 (RFC 8301), relaxed/relaxed, in one pass over the content.

Takes the finished octets of a message and gives the field to put in front of them. Content has CRLF line ends only and
ends with one; that is content.py's promise, not checked here. Knows nothing of providers, stores or DNS.
"""

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass
from itertools import chain

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

KEY_BITS = 2048
MAX_KEY_BITS = 4096  # RFC 8301 3.2: verifiers need not take more

# Signed where present, in this order. True: listed once more than present, also where there is none (RFC 6376 8.15), so
# that nobody can put one in front of a signed message and send it on.
# Never Message-ID, Date, Return-Path, Feedback-ID, X-SES-*: SES replaces, adds or removes them.
SIGNED_FIELDS: dict[bytes, bool] = {
    b"from": True,  # RFC 6376 5.4: must be signed
    b"sender": True,
    b"to": True,  # who and what a reader sees first
    b"cc": True,
    b"reply-to": True,  # where the answer, and whatever it holds, goes
    b"subject": True,
    b"mime-version": False,  # put in where it is missing, by hops that look after MIME
    b"content-type": True,  # another boundary shows another body
    b"content-transfer-encoding": True,
    b"content-disposition": True,  # what is read becomes a file
    b"content-description": True,
    b"content-id": True,
    b"content-location": True,  # another base for the links
    b"content-base": True,
    b"content-language": True,
    b"list-unsubscribe": True,  # RFC 8058 4: both must be covered
    b"list-unsubscribe-post": True,
    b"auto-submitted": False,  # keeps automatic answers away (RFC 3834)
    b"references": True,  # which conversation it joins
    b"in-reply-to": True,
}
_COMPLETED = (b"to",)  # by hops, where there is none: listed once more only where there is one

_FIELD_END = re.compile(rb"\r\n(?![ \t])")
_WSP_RUN = re.compile(rb"[ \t]+")
_MANY_BLANK_LINES = b"\r\n" * 2048


class SigningKeyError(ValueError):
    """Why a private key cannot sign: one short sentence without the key."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, and where verifiers find its public half: `<selector>._domainkey.<domain>`."""

    domain: str
    selector: str
    private: RSAPrivateKey

    @classmethod
    def from_pem(cls, domain: str, selector: str, pem: bytes) -> "SigningKey":
        """Raises SigningKeyError unless `pem` is an unencrypted RSA key of 2048 to 4096 bits."""
        return cls(domain, selector, _load(pem))

    @property
    def record(self) -> str:
        """The TXT record of the key (RFC 6376 3.6.1), unsplit: DNS wants strings of 255 octets at most."""
        public = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={b64encode(public).decode()}"


def generate() -> bytes:
    """A new private key, as unencrypted PKCS#8 PEM."""
    private = generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_record(pem: bytes) -> str:
    """The TXT record of a private key. Raises SigningKeyError."""
    return SigningKey.from_pem("", "", pem).record


def sign(content: bytes, key: SigningKey, now: float) -> bytes:
    """The complete, folded DKIM-Signature field with its CRLF, to be put in front of `content`.

    `now` is seconds since the epoch.
    """
    header, body_start = _split(content)
    names, fields = _signed_fields(header)
    tags = (
        b"v=1; a=rsa-sha256; c=relaxed/relaxed; t=%d;" % now,
        f"d={key.domain}; s={key.selector};".encode(),
        b"h=" + _fold(names) + b";",
        b"bh=" + b64encode(_body_hash(content, body_start)) + b";",
        b"b=",
    )
    unsigned = b"DKIM-Signature: " + b"\r\n\t".join(tags)
    # RFC 6376 3.7: our own field comes last, with an empty b= and without its CRLF.
    signature = key.private.sign(fields + _relaxed(unsigned), PKCS1v15(), SHA256())
    encoded = b64encode(signature)
    return unsigned + b"\r\n\t".join(encoded[i : i + 72] for i in range(0, len(encoded), 72)) + b"\r\n"


def _load(pem: bytes) -> RSAPrivateKey:
    try:
        # Sealed since it was made here: to try its primes once more would take 40 ms.
        private = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SigningKeyError("not an unencrypted private key in PEM form") from None
    if not isinstance(private, RSAPrivateKey):
        raise SigningKeyError("not an RSA key")  # many receivers cannot check Ed25519 (RFC 8463)
    if not KEY_BITS <= private.key_size <= MAX_KEY_BITS:
        raise SigningKeyError(f"an RSA key needs {KEY_BITS} to {MAX_KEY_BITS} bits")
    return private


def _split(content: bytes) -> tuple[bytes, int]:
    """The header section without its last CRLF, and where the body starts."""
    if content.startswith(b"\r\n"):
        return b"", 2
    end = content.find(b"\r\n\r\n")
    return (content[:end], end + 4) if end >= 0 else (content.removesuffix(b"\r\n"), len(content))


def _signed_fields(header: bytes) -> tuple[list[bytes], bytes]:
    """The names for h=, and the fields they select in canonical form."""
    found: dict[bytes, list[bytes]] = {name: [] for name in SIGNED_FIELDS}
    for field in _FIELD_END.split(header):
        name = field.partition(b":")[0].rstrip(b" \t").lower()
        if name in found:
            found[name].append(field)
    names: list[bytes] = []
    for name, instances in found.items():
        once_more = SIGNED_FIELDS[name] and (bool(instances) or name not in _COMPLETED)
        names += [name] * (len(instances) + once_more)
    # RFC 6376 5.4.2: several fields of one name are taken from the last to the first.
    chosen = chain.from_iterable(reversed(instances) for instances in found.values())
    return names, b"".join(_relaxed(field) + b"\r\n" for field in chosen)


def _relaxed(field: bytes) -> bytes:
    """RFC 6376 3.4.2, without the CRLF."""
    name, _, value = field.partition(b":")
    value = _WSP_RUN.sub(b" ", value.replace(b"\r\n", b""))
    return name.rstrip(b" \t").lower() + b":" + value.strip(b" ")


def _body_hash(content: bytes, start: int) -> bytes:
    """SHA-256 of the body in relaxed form (RFC 6376 3.4.4). Most bodies are in it already and are not copied."""
    if any(content.find(odd, start) >= 0 for odd in (b"\t", b"  ", b" \r\n")):
        content, start = _relaxed_lines(content[start:]), 0
    end = _end(content, start)
    digest = hashlib.sha256(memoryview(content)[start:end])
    if end > start:
        digest.update(b"\r\n")
    return digest.digest()


def _relaxed_lines(body: bytes) -> bytes:
    """The body with each run of blanks one space, and none at a line's end."""
    body = body.replace(b"\t", b" ")
    while b"  " in body:  # each pass halves the runs; a pattern is ten times slower, and quadratic at lines' ends
        body = body.replace(b"  ", b" ")
    return body.replace(b" \r\n", b"\r\n")


def _end(content: bytes, start: int) -> int:
    """Where the last line that is not empty ends, its CRLF not counted."""
    end = len(content)
    for blank in (_MANY_BLANK_LINES, b"\r\n"):  # big strides first: a body can be millions of empty lines
        while content.endswith(blank, start, end):
            end -= len(blank)
    return end


def _fold(names: list[bytes]) -> bytes:
    """The value of h= on short lines; a fold stands behind a colon (RFC 6376 3.5)."""
    lines = [b""]
    for name in names:
        if len(lines[-1]) + len(name) > 60:
            lines.append(b"")
        lines[-1] += name + b":"
    return b"\r\n\t ".join(lines).removesuffix(b":")
