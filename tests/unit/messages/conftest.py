import re
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from messages.address import Address
from messages.email.branding import Branding
from messages.email.pipeline import Preparation
from messages.email.rewrite import SenderPolicy
from messages.message import Trace

POLICY = SenderPolicy(
    name="Passport Office",
    address=Address("passports", "notification.example.ca"),
    author_name=False,
    reply_to="registered",
    own_reply_to=None,
    registered=frozenset({"ann@dept.example.ca", "@team.example.ca"}),
)
BRANDING = Branding(
    header_html='<table role="presentation"><tr><td>Gouvernement du Québec-test</td></tr></table>',
    footer_html='<table role="presentation"><tr><td>Envoyé par le relais</td></tr></table>',
    footer_text="________________________________________\r\nEnvoyé par le relais",
)
PREPARATION = Preparation(
    sender=POLICY,
    branding=BRANDING,
    trace=Trace("client.example.ca", "192.0.2.7", "ESMTPSA", "relay.example.ca"),
    group_id=UUID("01900000-0000-7000-8000-000000000001"),
    now=1_760_000_000.0,
)


@pytest.fixture
def policy() -> SenderPolicy:
    return POLICY


@pytest.fixture
def branding() -> Branding:
    return BRANDING


@pytest.fixture
def preparation() -> Preparation:
    return PREPARATION


@pytest.fixture
def unbranded() -> Preparation:
    return replace(PREPARATION, branding=None)


@pytest.fixture
def crlf() -> Callable[[str | bytes], bytes]:
    """Content as the door hands it on: CRLF line ends, and one at the end."""

    def normalise(content: str | bytes) -> bytes:
        octets = content.encode() if isinstance(content, str) else content
        octets = re.sub(rb"\r?\n", b"\r\n", octets)
        return octets if octets.endswith(b"\r\n") else octets + b"\r\n"

    return normalise
