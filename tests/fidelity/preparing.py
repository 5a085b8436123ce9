"""The way of a message in this process: line ends mended, prepared, sealed; and what verifiers say of it."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from uuid import UUID

from delivery.library.letterheads import Letterheads
from messages.address import Address
from messages.email.dkim import SigningKey, generate, sign
from messages.email.pipeline import Preparation, Rewritten, prepare
from messages.email.rewrite import SenderPolicy
from messages.message import Language, Trace
from messages.variant import BUILT_IN
from tests.fidelity import signatures

SERVICE = "Santé publique"  # what each branding shows
SENDER = SenderPolicy(SERVICE, Address("sante", "notification.example.ca"), False, "any", None, frozenset())
TRACE = Trace("client.example.ca", "192.0.2.7", "ESMTPSA", "relay.example.ca")
_ARTWORK = Path(__file__).parents[1] / "data/branding/artwork"
NOW = 1_760_000_000.0


def arrived(content: bytes) -> bytes:
    """As the SMTP door hands it on: every bare CR and LF is a line end, CR CR LF is one, and the last line has one."""
    content = re.sub(rb"\r\r\n|\r\n|\r|\n", b"\r\n", content)
    return content if content.endswith(b"\r\n") else content + b"\r\n"


@cache
def letterheads(*, carried: bool) -> Letterheads:
    """With words in place of the government's artwork, or with pictures that the message carries."""
    return Letterheads(_ARTWORK, base_url=None) if carried else Letterheads()


def prepared(
    content: bytes, language: Language = Language.BOTH, variant: str = "default", *, carried: bool = False
) -> Rewritten:
    """Raises Refused. `content` has CRLF line ends; `carried`: the message carries the pictures of its branding."""
    branding = letterheads(carried=carried).render(BUILT_IN[variant], SERVICE, language)
    return prepare(content, Preparation(SENDER, branding, TRACE, UUID(int=7), NOW))


@cache
def key() -> SigningKey:
    return SigningKey.from_pem("notification.example.ca", "s1", generate())


def seal(content: bytes) -> bytes:
    return sign(content, key(), NOW) + content


def verdicts(sealed: Sequence[bytes]) -> list[tuple[str, ...]]:
    """For each message what each verifier says; Mail::DKIM says nothing where it is not installed."""
    others = [] if signatures.missing() else [signatures.by_mail_dkim(sealed, key().record)]
    return list(zip([signatures.by_dkimpy(each, key().record) for each in sealed], *others, strict=True))
