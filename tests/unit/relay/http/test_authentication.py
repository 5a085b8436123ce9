"""Who may call: real tokens made by PyJWT, real key strings, every way to be refused in Notify's words."""

import base64
import dataclasses
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, cast
from uuid import UUID, uuid4

import jwt
import pytest
import structlog
from prometheus_client import CollectorRegistry
from starlette.requests import Request

from auth.bans import Rules
from auth.lookups import Unavailable
from auth.principal import Principal
from auth.throttle import Throttle
from auth.verify import Credential, Credentials
from config.database import Database
from config.keyring import Keyring
from relay.http.authentication import Authentication
from relay.http.errors import ApiError
from relay.metrics import DoorMetrics
from tests.fakes.principals import make_principal

NOW = 1_700_000_000.0
SECRET, OTHER = str(uuid4()), str(uuid4())
ABSENT = object()
EXPIRED = "Invalid token: its exp or nbf says that it is not valid now; make a new one each time"


class Keys:
    """What the door asks of the verifier, over one service's keys."""

    def __init__(self, *found: Credential, away: bool = False) -> None:
        self.found = found
        self.made_since: tuple[Credential, ...] = ()
        self.away = away
        self.noted: list[UUID] = []
        self.throttle = throttle()
        self.service = found[0].principal.service if found else make_principal().service

    async def credentials(self, service_id: UUID, *, anew: bool = False) -> Credentials | None:
        if self.away:
            raise Unavailable
        if anew:
            self.found += self.made_since
        return Credentials(self.service, self.found) if service_id == self.service.id else None

    def matcher(self, secret: str) -> Callable[[bytes], bool]:
        return lambda secret_hash: hmac.compare_digest(secret_hash, hashlib.sha256(secret.encode()).digest())

    def used(self, key_id: UUID) -> None:
        self.noted.append(key_id)


def throttle() -> Throttle:
    """The real one, which shares nothing and lets nobody wait."""
    keyring, nowhere = Keyring.parse(Keyring.generate()), cast("Database", None)
    return Throttle(nowhere, keyring, lambda: NOW, default_domain="example.ca", rules=Rules(first_delay_seconds=0))


def credential(secret: str | None = SECRET, **changes: Any) -> Credential:
    principal = make_principal()
    principal = dataclasses.replace(principal, key=dataclasses.replace(principal.key, **changes))
    return Credential(principal, hashlib.sha256((secret or "").encode()).digest(), secret)


def token(iss: object = ..., iat: object = NOW, secret: str = SECRET, keys: Keys | None = None, **named: Any) -> str:
    times = {name: named.pop(name) for name in ("exp", "nbf") if name in named}
    claims = {"iss": str(keys.service.id) if iss is ... and keys else iss, "iat": iat, **times}
    claims = {name: value for name, value in claims.items() if value is not ABSENT}
    return "Bearer " + jwt.encode(claims, secret, algorithm=named.pop("algorithm", "HS256"), **named)


async def ask(keys: Keys, header: str | None, client: str = "192.0.2.7") -> Principal:
    registry = CollectorRegistry()
    authentication = Authentication(keys, keys.throttle, DoorMetrics(registry), "https://x/docs", lambda: NOW)
    headers = [] if header is None else [(b"authorization", header.encode("latin-1"))]
    scope = {"type": "http", "headers": headers, "client": (client, 1)}
    try:
        return await authentication(Request(scope))
    finally:
        keys.counted = {  # type: ignore[attr-defined]
            sample.labels["reason"]: sample.value
            for metric in registry.collect()
            for sample in metric.samples
            if sample.name == "relay_auth_failures_total"
        }


async def refused(keys: Keys, header: str | None, **options: Any) -> tuple[int, str]:
    with pytest.raises(ApiError) as caught:
        await ask(keys, header, **options)
    (answer,) = json.loads(caught.value.body())["errors"]
    assert keys.noted == []
    if caught.value.status in (401, 403):
        assert answer["error"] == "AuthError"
    return caught.value.status, answer["message"]


@pytest.fixture
def keys() -> Keys:
    return Keys(credential(OTHER), credential(SECRET))


def api_key(keys: Keys, secret: str = SECRET) -> str:
    return f"gcntfy-some-name-{keys.service.id}-{secret}"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
@pytest.mark.parametrize("iat", [NOW, int(NOW), NOW - 30, NOW + 30, NOW + 0.5])
async def test_a_token_of_any_key_lets_in(keys: Keys, scheme: str, iat: float) -> None:
    principal = await ask(keys, token(keys=keys, iat=iat).replace("Bearer", scheme))

    assert principal == keys.found[1].principal
    assert keys.noted == [principal.key.id]


@pytest.mark.parametrize("scheme", ["ApiKey-v1", "apikey-V1"])
async def test_a_whole_key_lets_in(keys: Keys, scheme: str) -> None:
    assert await ask(keys, f"{scheme} {api_key(keys)}") == keys.found[1].principal


@pytest.mark.parametrize("plain", [False, True])
async def test_a_key_made_a_moment_ago_lets_in(plain: bool) -> None:
    keys = Keys(credential(OTHER))
    keys.made_since = (credential(SECRET),)
    header = f"ApiKey-v1 {api_key(keys)}" if plain else token(keys=keys)
    assert (await ask(keys, header)).key == keys.made_since[0].principal.key


@pytest.mark.parametrize("header", [None, "", "  "])
async def test_nothing_presented_is_401_and_no_failed_login(keys: Keys, header: str | None) -> None:
    assert await refused(keys, header) == (401, "Unauthorized, authentication token must be provided")
    assert keys.counted == {}  # type: ignore[attr-defined]


@pytest.mark.parametrize("header", ["Basic eDp5", "gcntfy-key", "Bearer", "ApiKey-v2 x"])
async def test_another_scheme_is_told_which_there_are(keys: Keys, header: str) -> None:
    status, message = await refused(keys, header)

    if header == "Bearer":
        assert (status, message) == (403, "Invalid token: signature, api token is not valid")
    else:
        assert status == 401
        assert message.startswith("Unauthorized, Authorization header is invalid. GC Notify supports")


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "rest",
    [
        "x",
        "a.b.c",
        "\u00e9.\u00e9.\u00e9",
        f"{encoded({'alg': 'HS256'})}.{encoded([])}.AA",
        f"{encoded([])}.{encoded({})}.AA",
        f"{encoded({'alg': 'HS256', 'crit': ['b64'], 'b64': False})}..AA",
        f"{encoded({'alg': 'HS256', 'crit': ['other']})}.{encoded({'iss': 'x'})}.AA",
        base64.urlsafe_b64encode(b"[" * 3000).decode() * 2 + ".AA.AA",
        f"{encoded({'alg': 'HS256'})}." + base64.urlsafe_b64encode(b'{"iat":' + b"9" * 5000).decode() + ".AA",
    ],
)
async def test_what_is_no_token_is_told_so(keys: Keys, rest: str) -> None:
    assert await refused(keys, f"Bearer {rest}") == (403, "Invalid token: signature, api token is not valid")
    assert keys.counted == {"credentials": 1}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"iss": ABSENT}, "Invalid token: iss field not provided"),
        ({"iss": "not-a-uuid"}, "Invalid token: service id is not the right data type"),
        ({"iss": str(uuid4())}, "Invalid token: signature, api token not found"),
        ({"iat": ABSENT}, "Invalid token: iat field not provided"),
        ({"iat": "now"}, "Invalid token: iat field not provided"),
        ({"iat": True}, "Invalid token: iat field not provided"),
        ({"iat": NOW - 31}, "Error: Your system clock must be accurate to within 30 seconds"),
        ({"iat": NOW + 31}, "Error: Your system clock must be accurate to within 30 seconds"),
        ({"iat": float("nan")}, "Error: Your system clock must be accurate to within 30 seconds"),
        ({"iat": float("inf")}, "Error: Your system clock must be accurate to within 30 seconds"),
        ({"iat": 10**400}, "Error: Your system clock must be accurate to within 30 seconds"),
        ({"secret": str(uuid4())}, "Invalid token: signature, api token not found"),
        (
            {"algorithm": "HS512", "secret": SECRET * 2},
            "Invalid token: algorithm used is not HS256; sign the token with HS256",
        ),
        ({"exp": NOW}, EXPIRED),
        ({"exp": "never"}, EXPIRED),
        ({"nbf": NOW + 31}, EXPIRED),
    ],
    ids=range(16),
)
async def test_tokens_that_do_not_let_in(keys: Keys, claims: dict[str, Any], message: str) -> None:
    assert await refused(keys, token(**{"keys": keys, **claims})) == (403, message)


@pytest.mark.parametrize("algorithm", ["none", "HS384", "hs256", "RS256"])
async def test_a_right_hs256_signature_under_another_algorithms_name_is_no_match(keys: Keys, algorithm: str) -> None:
    signed = f"{encoded({'alg': algorithm})}.{encoded({'iss': str(keys.service.id), 'iat': NOW})}"
    signature = base64.urlsafe_b64encode(hmac.digest(SECRET.encode(), signed.encode(), "sha256")).rstrip(b"=").decode()

    assert await refused(keys, f"Bearer {signed}.{signature}") == (
        403,
        "Invalid token: algorithm used is not HS256; sign the token with HS256",
    )


async def test_a_service_without_keys_and_a_damaged_key() -> None:
    nobody = Keys()
    damaged = Keys(credential(None))

    assert await refused(nobody, token(keys=nobody)) == (
        403,
        "Invalid token: signature, api token not found",
    )
    assert (await refused(damaged, token(keys=damaged)))[1] == "Invalid token: signature, api token not found"


@pytest.mark.parametrize("ended", [{"revoked_at": NOW - 1}, {"expires_at": NOW}])
@pytest.mark.parametrize("plain", [True, False], ids=["key", "token"])
async def test_a_key_that_ended_is_told_so(ended: dict[str, float], plain: bool) -> None:
    keys = Keys(credential(**ended))
    header = f"ApiKey-v1 {api_key(keys)}" if plain else token(keys=keys)

    assert await refused(keys, header) == (403, "Invalid token: API key revoked")
    assert keys.counted == {"revoked": 1}  # type: ignore[attr-defined]


@pytest.mark.parametrize("plain", [True, False], ids=["key", "token"])
async def test_a_key_works_from_its_networks_only(plain: bool) -> None:
    keys = Keys(credential(networks=("192.0.2.0/24",)))
    header = f"ApiKey-v1 {api_key(keys)}" if plain else token(keys=keys)

    assert (await refused(keys, header, client="198.51.100.1"))[0] == 403
    assert await ask(keys, header, client="192.0.2.200") == keys.found[0].principal


@pytest.mark.parametrize(
    "rest",
    ["{secret}", "other-name-{service}-{secret}", "gcntfy-{secret}", "gcntfy-n-not-a-service-id-{secret}", "gcntfy-"],
)
async def test_a_part_of_a_key_is_not_a_key(keys: Keys, rest: str) -> None:
    text = rest.format(secret=SECRET, service=keys.service.id)

    assert await refused(keys, f"ApiKey-v1 {text}") == (403, "Invalid token: Enter your full API key")


async def test_an_unknown_key_or_anothers_service_is_not_found(keys: Keys) -> None:
    other = f"gcntfy-n-{uuid4()}-{SECRET}"

    assert await refused(keys, f"ApiKey-v1 {api_key(keys, str(uuid4()))}") == (403, "Invalid token: API key not found")
    assert await refused(keys, f"ApiKey-v1 {other}") == (403, "Invalid token: API key not found")


async def test_trouble_of_ours_is_temporary() -> None:
    keys = Keys(away=True)

    assert (await refused(keys, token(keys=keys)))[0] == 503
    assert keys.counted == {"unavailable": 1}  # type: ignore[attr-defined]


def signed(header: str, claims: str) -> str:
    """A token of exactly this text, rightly signed."""
    text = ".".join(base64.urlsafe_b64encode(each.encode()).rstrip(b"=").decode() for each in (header, claims))
    signature = hmac.digest(SECRET.encode(), text.encode(), "sha256")
    return f"Bearer {text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


async def test_a_claim_that_stands_twice_is_refused(keys: Keys) -> None:
    issuer, header = f'"iss": "{keys.service.id}"', '{"alg": "HS256"}'
    fine = signed(header, f'{{{issuer}, "iat": {NOW}}}')
    assert (await ask(keys, fine)).key == keys.found[1].principal.key
    keys.noted.clear()

    for twice in (
        signed(header, f'{{"iss": "{uuid4()}", {issuer}, "iat": {NOW}}}'),
        signed('{"alg": "none", "alg": "HS256"}', f'{{{issuer}, "iat": {NOW}}}'),
    ):
        assert await refused(keys, twice) == (403, "Invalid token: signature, api token is not valid")


async def test_a_token_before_its_end_lets_in(keys: Keys) -> None:
    assert await ask(keys, token(keys=keys, exp=NOW + 1, nbf=NOW + 29))


async def test_a_whole_key_in_place_of_a_token_is_told_what_to_do(keys: Keys) -> None:
    status, message = await refused(keys, f"Bearer {api_key(keys)}")
    assert status == 403
    assert "ApiKey-v1" in message
    assert "HS256" in message


async def guess(keys: Keys, header: str) -> tuple[int, dict[str, str]]:
    with pytest.raises(ApiError) as caught:
        await ask(keys, header)
    return caught.value.status, caught.value.headers


@pytest.mark.parametrize("known", [True, False], ids=["service", "no service"])
async def test_guesses_end_in_a_ban_that_says_how_long_and_costs_no_look_up(keys: Keys, known: bool) -> None:
    iss = str(keys.service.id if known else uuid4())
    answers = [await guess(keys, token(iss, secret=str(uuid4()))) for _ in range(11)]

    assert [status for status, _ in answers] == [403] * 9 + [429] * 2
    assert answers[-1][1] == {"Retry-After": "60"}
    keys.away = True
    assert (await guess(keys, token(iss, secret=str(uuid4()))))[0] == 429


async def test_a_ban_leaves_out_a_key_that_logged_in_from_there(keys: Keys) -> None:
    """A guesser may stand behind the same proxy; and what is banned learns nothing from a right guess."""
    await ask(keys, token(keys=keys))
    keys.noted.clear()
    for _ in range(12):
        await guess(keys, token(keys=keys, secret=str(uuid4())))

    assert await ask(keys, token(keys=keys)) == keys.found[1].principal
    keys.noted.clear()
    assert (await refused(keys, token(keys=keys, secret=OTHER)))[0] == 429


async def test_a_failed_login_leaves_a_line_without_what_was_presented(keys: Keys) -> None:
    with structlog.testing.capture_logs() as lines:
        await refused(keys, token(keys=keys, secret=str(uuid4())))
        await refused(keys, token(keys=keys, iat=NOW - 60), client="2001:db8::7")
        await refused(keys, "Bearer nothing")
    seen = [(line["event"], line["door"], line["network"], line["reason"], line.get("key_id")) for line in lines]
    assert seen == [
        ("login.failed", "http", "192.0.2.0/24", "credentials", None),
        ("login.failed", "http", "2001:db8::/64", "clock", str(keys.found[1].principal.key.id)),
        ("login.failed", "http", "192.0.2.0/24", "malformed", None),
    ]
    assert lines[0]["name_hash"] == keys.throttle.name(str(keys.service.id))
