"""What SES takes of a sending domain, through the real SDK: the fake keeps its rules, and we keep to them."""

import base64
from collections.abc import AsyncIterator, Callable
from functools import cache, partial
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from config.settings import Aws
from delivery.providers import ses_identities as identities
from delivery.providers.aws import open_client
from delivery.providers.base import Deferred
from delivery.providers.ses_identities import Identity
from messages.email.dkim import SigningKey, generate
from tests.fakes.aws import CREDENTIALS, FakeAws

DOMAIN = "mail.example.ca"
BOUNCE = f"bounce.{DOMAIN}"
KEY = SigningKey.from_pem(DOMAIN, "nr202611", generate())


@pytest.fixture
async def aws(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeAws]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    async with FakeAws() as running:
        yield running


@pytest.fixture
async def client(aws: FakeAws) -> AsyncIterator[Any]:
    settings = Aws(endpoint_url=aws.url, connect_timeout_seconds=1, read_timeout_seconds=1)
    async with open_client("sesv2", settings, 1) as opened:
        yield opened


@cache
def encoded(bits: int = 2048, form: PrivateFormat = PrivateFormat.TraditionalOpenSSL) -> str:
    key = generate_private_key(65537, bits)
    return base64.b64encode(key.private_bytes(Encoding.DER, form, NoEncryption())).decode()


async def test_domain_is_made_with_our_key_and_does_not_sign(aws: FakeAws, client: Any) -> None:
    assert await identities.find(client, DOMAIN) is None

    found = await identities.register(client, KEY, BOUNCE)

    assert found == Identity(False, True, ("nr202611",), False, BOUNCE, False)
    kept = aws.identities.known[DOMAIN]
    assert kept.key is not None
    assert kept.key.private_numbers() == KEY.private.private_numbers()
    assert kept.behaviour == "USE_DEFAULT_VALUE"


async def test_key_is_given_again_only_where_it_is_another(aws: FakeAws, client: Any) -> None:
    await identities.register(client, KEY, BOUNCE)
    aws.identities.verify(DOMAIN)
    again = await identities.register(client, KEY, BOUNCE)
    assert again == Identity(True, True, ("nr202611",), False, BOUNCE, True)
    assert [path for method, path in aws.identities.calls if path.endswith("/dkim/signing")] == []

    other = SigningKey.from_pem(DOMAIN, "nr202612", generate())
    found = await identities.register(client, other, BOUNCE)
    assert found == Identity(False, True, ("nr202612",), False, BOUNCE, True)


async def test_key_that_is_not_verified_is_given_again(aws: FakeAws, client: Any) -> None:
    """SES may have the key of a database that was lost, under the same name."""
    await identities.register(client, SigningKey.from_pem(DOMAIN, KEY.selector, generate()), BOUNCE)
    await identities.register(client, KEY, BOUNCE)

    kept = aws.identities.known[DOMAIN].key
    assert kept is not None
    assert kept.private_numbers() == KEY.private.private_numbers()


async def test_identity_with_easy_dkim_is_taken_over(aws: FakeAws, client: Any) -> None:
    aws.identities.create(DOMAIN)
    before = await identities.find(client, DOMAIN)
    assert before == Identity(False, False, ("aaaa1", "bbbb2", "cccc3"), True, None, False)

    after = await identities.register(client, KEY, BOUNCE)

    assert after == Identity(False, True, ("nr202611",), False, BOUNCE, False)


@pytest.mark.parametrize("mail_from", [DOMAIN, "bounce.example.org", "bouncemail.example.ca"])
async def test_mail_from_that_is_no_subdomain_is_refused(client: Any, mail_from: str) -> None:
    with pytest.raises(Exception, match="aws_malformed"):
        await identities.register(client, KEY, mail_from)


@pytest.mark.parametrize(
    ("selector", "key"),
    [
        ("-nr", encoded),
        ("nr_1", encoded),
        ("a" * 64, encoded),
        ("nr", lambda: "-----BEGIN RSA PRIVATE KEY-----"),
        ("nr", lambda: base64.b64encode(b"no key").decode()),
        ("nr", partial(encoded, form=PrivateFormat.PKCS8)),
        ("nr", partial(encoded, bits=3072)),
    ],
)
async def test_fake_takes_no_key_that_ses_does_not_take(client: Any, selector: str, key: Callable[[], str]) -> None:
    attributes = {"DomainSigningSelector": selector, "DomainSigningPrivateKey": key()}
    with pytest.raises(ClientError, match="BadRequestException"):
        await client.create_email_identity(EmailIdentity=DOMAIN, DkimSigningAttributes=attributes)


async def test_fake_knows_only_what_was_made(client: Any) -> None:
    with pytest.raises(ClientError, match="NotFoundException"):
        await client.put_email_identity_dkim_attributes(EmailIdentity=DOMAIN, SigningEnabled=False)
    await client.create_email_identity(EmailIdentity=DOMAIN)
    with pytest.raises(ClientError, match="AlreadyExistsException"):
        await client.create_email_identity(EmailIdentity=DOMAIN)


async def test_trouble_of_ses_is_a_reason_without_its_text(client: Any, aws: FakeAws) -> None:
    await aws.__aexit__()
    with pytest.raises(Deferred, match="aws_unreachable"):
        await identities.register(client, KEY, BOUNCE)
