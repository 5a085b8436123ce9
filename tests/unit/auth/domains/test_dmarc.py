"""RFC 9989: which record counts for a domain, what it asks for, and what aligns. Answers come from a table."""

import pytest

from auth.domains import dmarc
from auth.domains.dmarc import Policy, Search
from auth.domains.resolvers import Answer, Ask, Found, Missing, Unknown

DOMAIN, BOUNCE = "mail.example.ca", "bounce.mail.example.ca"
STRICT = "v=DMARC1; p=reject; adkim=s; aspf=s"
LONG = "a.b.c.d.e.f.g.h.i.j.mail.example.com"


def asking(records: dict[str, str | list[str]], asked: list[str] | None = None, **others: Answer) -> Ask:
    """DMARC records by domain; names in `others` (dots as underscores) are answered so."""

    async def ask(name: str, type_: str) -> Answer:
        if asked is not None:
            asked.append(name)
        values = records.get(name.removeprefix("_dmarc."))
        if name.startswith("_dmarc.") and values:
            return Found((values,) if isinstance(values, str) else tuple(values), 300)
        return others.get(name.replace(".", "_"), Missing())

    return ask


async def found(records: dict[str, str | list[str]], domain: str = DOMAIN) -> Search:
    return await dmarc.find(asking(records), domain)


# -- Where the record stands -----------------------------------------------------------------------------------------
async def test_no_more_than_eight_names_are_asked_about() -> None:
    asked: list[str] = []
    assert await dmarc.find(asking({}, asked), LONG) == Search(at=LONG)
    rest = ["g.h.i.j.mail.example.com", "h.i.j.mail.example.com", "i.j.mail.example.com", "j.mail.example.com"]
    assert asked == [f"_dmarc.{name}" for name in (LONG, *rest, "mail.example.com", "example.com", "com")]


@pytest.mark.parametrize("domain", ["example.com", "a.b.c.d.e.f.g.example", "a.b.c.d.e.f.example", "localhost"])
async def test_every_name_above_is_asked_about_where_they_are_few(domain: str) -> None:
    asked: list[str] = []
    await dmarc.find(asking({}, asked), domain)
    labels = domain.split(".")
    assert asked == [f"_dmarc.{'.'.join(labels[at:])}" for at in range(len(labels))]


@pytest.mark.parametrize(
    ("records", "at", "policy"),
    [
        ({DOMAIN: "v=DMARC1; p=reject", "example.ca": "v=DMARC1; p=none"}, DOMAIN, "reject"),
        ({"example.ca": "v=DMARC1; p=none; sp=quarantine"}, "example.ca", "quarantine"),
        ({"example.ca": "v=DMARC1; p=quarantine"}, "example.ca", "quarantine"),
        ({"ca": "v=DMARC1; p=none; sp=reject; psd=y"}, "ca", "reject"),
        ({"example.ca": "v=DMARC1; p=quarantine", "ca": "v=DMARC1; p=reject; psd=y"}, "example.ca", "quarantine"),
        ({"example.ca": "v=DMARC1; p=quarantine", "ca": "v=DMARC1; p=reject"}, "ca", "reject"),
        ({"example.ca": "v=DMARC1; p=quarantine; psd=n", "ca": "v=DMARC1; p=reject"}, "example.ca", "quarantine"),
        ({"example.ca": "v=DMARC1; p=quarantine; psd=x", "ca": "v=DMARC1; p=reject"}, "ca", "reject"),
        ({DOMAIN: "v=DMARC1; p=reject; sp=none; np=none"}, DOMAIN, "reject"),
        ({DOMAIN: "google-site-verification=x", "example.ca": "v=DMARC1; p=reject"}, "example.ca", "reject"),
    ],
)
async def test_the_domain_comes_before_its_organization_and_that_before_its_registry(
    records: dict[str, str | list[str]], at: str, policy: str
) -> None:
    search = await found(records)
    assert search.policy is not None
    assert (search.policy.found_at, search.policy.policy, search.problem) == (at, policy, None)


async def test_records_between_the_domain_and_its_organization_count_for_nothing() -> None:
    search = await found(
        {"b.example.ca": "v=DMARC1; p=reject", "example.ca": "v=DMARC1; p=quarantine"}, "a.b.example.ca"
    )
    assert search.policy is not None
    assert search.policy.found_at == "example.ca"


async def test_np_is_for_names_that_do_not_exist() -> None:
    records: dict[str, str | list[str]] = {"example.ca": "v=DMARC1; p=none; sp=quarantine; np=reject"}
    for answer, policy, tag in (
        (Missing(no_such_name=True), "reject", "np"),
        (Missing(), "quarantine", "sp"),
        (Found(("v=spf1 -all",), 300), "quarantine", "sp"),
    ):
        search = await dmarc.find(asking(records, mail_example_ca=answer), DOMAIN)
        assert search.policy == Policy("example.ca", policy, tag)
    assert (await dmarc.find(asking(records, mail_example_ca=Unknown("timeout")), DOMAIN)).unanswered


@pytest.mark.parametrize("name", ["mail_example_ca", "example_ca", "ca"])
async def test_resolver_that_does_not_answer_is_not_a_missing_policy(name: str) -> None:
    search = await dmarc.find(asking({}, **{f"_dmarc_{name}": Unknown("timeout")}), DOMAIN)
    assert search == Search(unanswered=True)


# -- What it asks for ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("v = DMARC1 ; P = Quarantine ; adkim=S;;rua=mailto:a@b.ca", Policy(DOMAIN, "quarantine", strict_dkim=True)),
        ("V=DMARC1;p=reject;", Policy(DOMAIN, "reject")),
        ("v=DMARC1; rua=mailto:a@b.ca; p=reject", Policy(DOMAIN, "reject")),
        ("v=DMARC1; p=reject; t=y; psd=y", Policy(DOMAIN, "reject", testing=True, psd="y")),
        ("v=DMARC1; p=reject; t=maybe; adkim=x; aspf=", Policy(DOMAIN, "reject")),
        ("v=DMARC1", Policy(DOMAIN, "none", None)),
        ("v=DMARC1; sp=reject", Policy(DOMAIN, "none", None)),
        ("v=DMARC1; p=reject; pct=0; rf=afrf; ri=1", Policy(DOMAIN, "reject", ignored=("pct", "rf", "ri"))),
        ("v=DMARC1; p=reject; pct=" + "9" * 5000, Policy(DOMAIN, "reject", ignored=("pct",))),
        ("v=DMARC1; p=reject; hello; note=x; note=y", Policy(DOMAIN, "reject", ignored=("hello", "note", "note"))),
    ],
)
async def test_what_is_no_tag_is_passed_over(record: str, expected: Policy) -> None:
    assert await found({DOMAIN: record}) == Search(expected, at=DOMAIN)


@pytest.mark.parametrize(("policy", "applied"), [("reject", "quarantine"), ("quarantine", "none"), ("none", "none")])
def test_receivers_apply_one_level_less_while_it_is_tried(policy: str, applied: str) -> None:
    assert (Policy(DOMAIN, policy).applied, Policy(DOMAIN, policy, testing=True).applied) == (policy, applied)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([STRICT, STRICT], "2 DMARC records"),
        (["v=DMARC1; p=refuse"], "p= is to be none, quarantine or reject"),
        (["v=DMARC1; p=reject; sp=quarantin"], "sp= is to be none"),
        (["v=DMARC1; p=reject; np="], "np= is to be none"),
        (["v=DMARC1; p=refuse; rua=here"], "p= is to be none"),
        (["v=DMARC1; p=reject; p=none"], "p= stands there twice"),
        (["v=dmarc1; p=reject"], "begin with v=DMARC1;"),
        ([" v=DMARC1; p=reject"], "begin with v=DMARC1;"),
        (["v=DMARC1 p=reject"], "begin with v=DMARC1;"),
        (["v=DMARC2; p=reject"], "begin with v=DMARC1;"),
    ],
)
async def test_record_that_receivers_throw_away_is_a_problem(values: list[str], words: str) -> None:
    search = await found({DOMAIN: values})
    assert (search.policy, search.at, words in str(search.problem)) == (None, DOMAIN, True)


async def test_wrong_policy_counts_as_none_where_reports_are_asked_for() -> None:
    for record in ("v=DMARC1; p=refuse; rua=mailto:a@b.ca", "v=DMARC1; p=reject; sp=x; rua=x,mailto:a@b.ca!10m"):
        search = await found({DOMAIN: record, "example.ca": "v=DMARC1; p=reject"})
        assert search.policy is not None
        assert (search.policy.policy, search.problem is None) == ("none", False)


async def test_record_above_counts_where_that_of_the_domain_is_thrown_away() -> None:
    search = await found({DOMAIN: [STRICT, STRICT], "example.ca": "v=DMARC1; p=reject"})
    assert search.policy == Policy("example.ca", "reject")
    assert (search.at, "2 DMARC records" in str(search.problem)) == (DOMAIN, True)


# -- Alignment -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("records", "signing_domain", "mail_from", "expected"),
    [
        ({DOMAIN: STRICT}, DOMAIN, BOUNCE, (True, False, True)),
        ({DOMAIN: "v=DMARC1; p=reject"}, DOMAIN, BOUNCE, (True, True, True)),
        ({DOMAIN: STRICT}, "example.ca", BOUNCE, (False, False, False)),
        ({"example.ca": "v=DMARC1; p=reject"}, "example.ca", None, (True, False, True)),
        ({DOMAIN: "v=DMARC1; p=reject"}, None, None, (False, False, False)),
        ({DOMAIN: "v=DMARC1; p=reject"}, "xmail.example.ca", "notmail.example.ca", (False, False, False)),
        ({"example.ca": "v=DMARC1; p=reject"}, "other.example.ca", "x.other.example.ca", (True, True, True)),
        ({DOMAIN: "v=DMARC1; p=none", "example.ca": "v=DMARC1; p=none"}, "other.example.ca", None, (True, False, True)),
        ({"ca": "v=DMARC1; p=reject; psd=y"}, "example.ca", "example.com", (True, False, True)),
        ({"example.ca": "v=DMARC1; p=reject; psd=y"}, "other.example.ca", BOUNCE, (False, True, True)),
        ({DOMAIN: "v=DMARC1; p=reject; psd=n", "example.ca": STRICT}, "example.ca", BOUNCE, (False, True, True)),
        ({DOMAIN: "v=DMARC1; p=reject; psd=y"}, DOMAIN, BOUNCE, (True, False, True)),
        ({BOUNCE: "v=DMARC1; p=none; psd=n", DOMAIN: "v=DMARC1; p=none"}, DOMAIN, BOUNCE, (True, False, True)),
        ({}, DOMAIN, BOUNCE, (True, True, None)),
    ],
)
async def test_identifiers_align_within_one_organization(
    records: dict[str, str | list[str]],
    signing_domain: str | None,
    mail_from: str | None,
    expected: tuple[bool, bool, bool | None],
) -> None:
    found = await dmarc.evaluate(asking(records), DOMAIN, signing_domain=signing_domain, mail_from=mail_from)
    assert (found.dkim, found.spf, found.passes) == expected


async def test_each_name_is_asked_about_once() -> None:
    asked: list[str] = []
    ask = asking({DOMAIN: "v=DMARC1; p=reject"}, asked)
    await dmarc.evaluate(ask, DOMAIN, signing_domain="other.example.ca", mail_from=BOUNCE)
    assert len(asked) == len(set(asked)) == 5


async def test_what_no_resolver_tells_does_not_align() -> None:
    ask = asking({DOMAIN: "v=DMARC1; p=reject"}, _dmarc_example_ca=Unknown("timeout"))
    found = await dmarc.evaluate(ask, DOMAIN, signing_domain=DOMAIN, mail_from=BOUNCE)
    assert (found.dkim, found.spf, found.passes) == (True, False, True)
