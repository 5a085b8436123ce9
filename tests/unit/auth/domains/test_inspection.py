"""What domain check says of each record, by what resolvers answer."""

from dataclasses import dataclass, field, replace
from uuid import uuid4

import pytest

from auth.domains import inspection, records
from auth.domains.dkim_keys import Key
from auth.domains.inspection import Finding, Result
from auth.domains.names import Domain
from auth.domains.resolvers import Answer, Found, Missing, Unknown
from auth.domains.selectors import Life, Look, State
from messages.email.dkim import generate, public_record

DOMAIN = "mail.example.ca"
BOUNCE, DMARC = f"bounce.{DOMAIN}", f"_dmarc.{DOMAIN}"
REGION = "ca-central-1"
MX = "10 feedback-smtp.ca-central-1.amazonses.com"
KEY = Key(uuid4(), "nr202611", public_record(generate()), True, Life(State.PUBLISHED), 0.0)
SES = {("amazonses.com", "TXT"): Found(("v=spf1 ip4:199.255.192.0/22 -all",), 60)}


@dataclass
class Table:
    """Answers as a resolver does, from a table; `other` to every other question."""

    answers: dict[tuple[str, str], Answer]
    name: str = "192.0.2.53"
    other: Answer = field(default_factory=Missing)

    async def ask(self, name: str, type_: str) -> Answer:
        return self.answers.get((name, type_), self.other)


def domain(*keys: Key) -> Domain:
    return Domain(uuid4(), DOMAIN, 0.0, None, None, 0.0, keys or (KEY,))


def published(of: Domain) -> dict[tuple[str, str], Answer]:
    return SES | {(each.name, each.type): Found((each.value,), 60) for each in records.records(of, REGION)}


async def look(
    changed: dict[tuple[str, str], Answer | tuple[str, ...]], of: Domain | None = None
) -> dict[tuple[str, str], Finding]:
    """Findings by name and type, where all is published but for what is changed."""
    of = of or domain()
    answers = {name: Found(each, 60) if isinstance(each, tuple) else each for name, each in changed.items()}
    found = await inspection.inspect([Table(published(of) | answers)], of, REGION)
    return {(each.name, each.type): each for each in found}


async def test_everything_that_is_published_as_shown_is_found() -> None:
    found = await look({})

    assert {each.result for each in found.values()} == {Result.FOUND}
    assert [(each.purpose, each.type) for each in found.values()] == [
        *(("dkim", "TXT"), ("mail-from", "MX"), ("mail-from", "TXT"), ("dmarc", "TXT"))
    ]
    assert "strict SPF alignment cannot be had" in str(found[BOUNCE, "TXT"].advice)


@pytest.mark.parametrize(
    ("name", "type_", "values", "words"),
    [
        (BOUNCE, "MX", (MX, "20 mx.example.ca"), "2 MX records"),
        (BOUNCE, "MX", ("10 feedback-smtp.us-east-1.amazonses.com",), "another host than feedback-smtp.ca-central-1"),
        (BOUNCE, "TXT", ("v=spf1 -all",), "does not include amazonses.com"),
        (BOUNCE, "TXT", ("v=spf1 include:amazonses.com ~all", "v=spf1 -all"), "2 SPF records"),
        (DMARC, "TXT", ("v=DMARC1; p=reject", "v=DMARC1; p=none"), "2 DMARC records"),
        (f"nr202611._domainkey.{DOMAIN}", "TXT", ("v=DKIM1; k=rsa; p=",), "revokes"),
    ],
)
async def test_record_that_is_wrong_is_named_and_nothing_else(
    name: str, type_: str, values: tuple[str, ...], words: str
) -> None:
    found = await look({(name, type_): values})

    assert [each for each, finding in found.items() if finding.result is not Result.FOUND] == [(name, type_)]
    assert found[name, type_].result is Result.WRONG
    assert words in str(found[name, type_].advice)


@pytest.mark.parametrize(
    ("name", "type_"),
    [(BOUNCE, "MX"), (BOUNCE, "TXT"), (DMARC, "TXT"), (f"nr202611._domainkey.{DOMAIN}", "TXT")],
)
async def test_missing_and_unanswered_are_told_apart(name: str, type_: str) -> None:
    missing, unanswered = await look({(name, type_): Missing()}), await look({(name, type_): Unknown("timeout")})

    assert (missing[name, type_].result, missing[name, type_].advice) == (Result.MISSING, inspection.PUBLISH)
    assert unanswered[name, type_].result is Result.UNANSWERED


@pytest.mark.parametrize(
    ("name", "record", "words"),
    [
        (DMARC, "v=DMARC1; p=reject; adkim=s; aspf=s", "DMARC rests on DKIM alone"),
        (
            "_dmarc.example.ca",
            "v=DMARC1; p=reject; sp=quarantine; pct=20; ri=60",
            "policy quarantine, adkim=r, aspf=r; pct=, ri= has been gone since RFC 9989",
        ),
        (DMARC, "v=DMARC1; rua=mailto:a@example.ca", "p= is missing, which counts as none"),
        (DMARC, "v=DMARC1; p=quarantine; t=y", "with t=y receivers apply none"),
        (DMARC, "v=DMARC1; p=quarantine; t=y", "forged mail is let through"),
        (DMARC, "v=DMARC1; p=reject; hello", "hello is no tag of a DMARC record"),
        (DMARC, "v=DMARC1; p=reject; psd=y", "keeps SPF from aligning"),
        ("_dmarc.ca", "v=DMARC1; p=reject; psd=y", "it is what the registry asks for"),
        (DMARC, "v=DMARC1; p=none", "forged mail is let through"),
        (DMARC, "v=DMARC1; p=reject; adkim=s", "policy reject, adkim=s, aspf=r"),
    ],
)
async def test_policy_is_told_with_what_it_means(name: str, record: str, words: str) -> None:
    found = await look({(DMARC, "TXT"): Missing(), (name, "TXT"): (record,)})

    assert found[name, "TXT"].result is Result.FOUND
    assert words in str(found[name, "TXT"].advice)


async def test_next_and_previous_keys_are_looked_for_and_not_needed() -> None:
    next_ = replace(KEY, id=uuid4(), selector="nr202612", signs=False, life=Life())
    before = replace(KEY, id=uuid4(), selector="nr202610", signs=False)
    found = await look(
        {(f"{each}._domainkey.{DOMAIN}", "TXT"): Missing() for each in ("nr202612", "nr202610")},
        domain(next_, KEY, before),
    )
    keys = [each for each in found.values() if each.purpose == "dkim"]

    assert [each.needed for each in keys] == [False, True, False]
    assert [each.advice for each in keys] == [inspection.PUBLISH_NEXT, None, inspection.LEAVE_PREVIOUS]


async def test_resolvers_that_differ_are_named() -> None:
    of = domain()
    right, behind = Table(published(of), "a"), Table(published(of) | {(BOUNCE, "MX"): Missing()}, "b")
    found = await inspection.inspect([right, behind], of, REGION)

    assert {(each.resolver, each.result) for each in found if each.type == "MX"} == {
        *(("a", Result.FOUND), ("b", Result.MISSING))
    }
    assert {each.resolver for each in found if each.type != "MX"} == {None}
    looks = await inspection.look_at_keys([right, Table({}, "b", Unknown("timeout"))], of)
    assert looks == {KEY.id: (Look.UNANSWERED, 0.0)}


@pytest.mark.parametrize(
    ("key", "result", "words"),
    [
        (KEY, Result.FOUND, "None"),
        (replace(KEY, signs=False, life=Life()), Result.MISSING, "found twice, by all resolvers"),
        (replace(KEY, signs=False, life=Life(again_at=1_790_000_060.0)), Result.MISSING, "after 14:14:20 UTC"),
    ],
)
def test_whether_a_key_signs_is_told_with_the_time(key: Key, result: Result, words: str) -> None:
    found = inspection.signing(domain(key))

    assert found.result is result
    assert words in str(found.advice)
