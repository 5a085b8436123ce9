"""What is published, and how what is found is judged; resolvers that answer from a table."""

from uuid import uuid4

import dns.rdata
import dns.rdatatype
import pytest

from auth.domains import dmarc, records, spf
from auth.domains.dkim_keys import Key
from auth.domains.names import Domain
from auth.domains.records import Record, as_published
from auth.domains.resolvers import Answer, Ask, Found, Missing, Unknown
from auth.domains.selectors import Life, Look, State
from messages.email.dkim import generate, public_record

DOMAIN = "mail.example.ca"
RECORD = public_record(generate())
OTHER = public_record(generate())
P = RECORD.partition("p=")[2]


def key(selector: str, state: State, *, signs: bool = False) -> Key:
    return Key(uuid4(), selector, RECORD, signs, Life(state), 0.0)


def domain(*keys: Key) -> Domain:
    return Domain(uuid4(), DOMAIN, 0.0, None, None, 0.0, keys)


def asking(zone: dict[tuple[str, str], Answer | list[str]], asked: list[str] | None = None) -> Ask:
    async def ask(name: str, type_: str) -> Answer:
        if asked is not None:
            asked.append(name)
        found = zone.get((name, type_), Missing())
        return Found(tuple(found), 300) if isinstance(found, list) else found

    return ask


# -- To publish ----------------------------------------------------------------------------------------------------
def test_keys_that_may_sign_or_have_signed_are_published() -> None:
    keys = [key("c", State.PENDING), key("b", State.PUBLISHED, signs=True), key("a", State.PUBLISHED)]
    gone = key("0", State.WITHDRAWN)

    found = records.records(domain(*keys, gone), "ca-central-1")

    assert [each.name for each in found if each.purpose == "dkim"] == [
        f"{name}._domainkey.{DOMAIN}" for name in ("c", "b", "a")
    ]
    assert records.records(domain(gone), "ca-central-1")[0].name == f"0._domainkey.{DOMAIN}"


def test_long_text_is_split_for_zone_files_and_joins_to_the_same() -> None:
    record = Record("dkim", f"nr._domainkey.{DOMAIN}", "TXT", RECORD)
    _, _, value = record.zone_line.partition(" IN TXT ")
    parsed = dns.rdata.from_text("IN", "TXT", value)

    assert b"".join(parsed.strings).decode() == RECORD
    assert len(parsed.strings) == 2
    assert Record("mail-from", BOUNCE, "MX", "10 mx.example.ca").zone_line == f"{BOUNCE}. IN MX 10 mx.example.ca."


# -- Keys ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "value",
    [
        RECORD,
        RECORD + ";",
        RECORD + " ; ",
        f"v=DKIM1;k=rsa;p={P}",
        f"v=DKIM1; p={P[:100]} {P[100:]}",
        f"v = DKIM1 ; k = rsa ; p = {P}",
        f"k=rsa; p={P}",
        f"v=DKIM1; h=sha1:sha256; s=email; t=s; n=note; p={P}",
    ],
)
def test_the_same_key_written_otherwise_is_right(value: str) -> None:
    assert records.key_problem((value,), RECORD) is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((RECORD, RECORD), "2 TXT records"),
        ((OTHER,), "another key"),
        ((RECORD[:-8],), "another key"),
        ((RECORD[:-30] + "!",), "another key"),
        ((f"v=DKIM1; k=ed25519; p={P}",), "version or key type"),
        ((f"p={P}; v=DKIM1",), "version or key type"),
        (("v=DKIM1; k=rsa; p=",), "revokes"),
        (("v=DKIM1; k=rsa",), "no p="),
        ((f"v=DKIM1; t=s:y; p={P}",), "t=y"),
        ((f"v=DKIM1; h=sha1; p={P}",), "sha256"),
        ((f"v=DKIM1; s=tlsrpt; p={P}",), "email"),
        (("hello",), "no key record"),
        ((f"v=DKIM1; p={P}; p={P}",), "no key record"),
        (("",), "no key record"),
    ],
)
def test_what_a_verifier_would_stumble_over_is_wrong(values: tuple[str, ...], words: str) -> None:
    assert words in str(records.key_problem(values, RECORD))


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([Found((RECORD,), 60), Found((RECORD,), 300)], (Look.RIGHT, 300)),
        ([Found((RECORD,), 60), Unknown("timeout")], (Look.UNANSWERED, 0)),
        ([Found((RECORD,), 60), Missing()], (Look.WRONG, 0)),
        ([Unknown("timeout"), Missing()], (Look.WRONG, 0)),
        ([Unknown("timeout"), Found((OTHER,), 60)], (Look.WRONG, 0)),
        ([Unknown("timeout")], (Look.UNANSWERED, 0)),
        ([], (Look.UNANSWERED, 0)),
    ],
)
def test_all_have_to_find_the_key_and_one_is_enough_to_miss_it(
    answers: list[Answer], expected: tuple[Look, float]
) -> None:
    assert records.look(answers, RECORD) == expected


# -- SPF -----------------------------------------------------------------------------------------------------------
SES = {("amazonses.com", "TXT"): ["v=spf1 ip4:199.255.192.0/22 -all"]}
BOUNCE = "bounce.mail.example.ca"


async def spf_problem(record: str | list[str], **others: str) -> str | None:
    zone: dict[tuple[str, str], Answer | list[str]] = dict(SES)
    zone[BOUNCE, "TXT"] = [record] if isinstance(record, str) else record
    zone |= {(name.replace("_", "."), "TXT"): [value] for name, value in others.items()}
    problem = await spf.problem(asking(zone), BOUNCE)
    return None if problem is None else str(problem)


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 include:amazonses.com ~all",
        "V=SPF1 INCLUDE:AmazonSES.com. -ALL",
        "v=spf1 -ip4:192.0.2.1 ip6:2001:db8::/32 +include:amazonses.com exp=why.example.ca -all",
        "v=spf1 include:a.example.ca -all",
        "v=spf1 redirect=a.example.ca",
        ["google-site-verification=x", "v=spf1 include:amazonses.com ~all", "v=spf10 nothing"],
        "v=spf1 -include:b.example.ca include:amazonses.com ~all",
        "v=spf1 include:amazonses.com " + "ptr " * 12 + "include:gone.example.ca ~all",  # nobody comes so far
        "v=spf1 a:%{d}/24//64 ptr:x.ca include=x include:amazonses.com -all",
    ],
)
async def test_ses_may_send_where_its_record_is_included(record: str | list[str]) -> None:
    others = {"a_example_ca": "v=spf1 include:amazonses.com ~all", "b_example_ca": "v=spf1 ~include:amazonses.com -all"}
    assert await spf_problem(record, **others) is None


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("v=spf1 mx -all", "does not include amazonses.com"),
        ("v=spf1 -all include:amazonses.com", "does not include"),
        ("v=spf1 -include:amazonses.com ~all", "does not include"),
        ("v=spf1 ?include:amazonses.com ~all", "does not include"),
        ("v=spf1 ~include:a.example.ca ~all", "does not include"),
        (["v=spf1 include:amazonses.com ~all", "v=spf1 -all"], "2 SPF records"),
        ("v=spf1 include:amazonses.com all", "+all"),
        ("v=spf1 include:amazonses.com +all", "+all"),
        ("v=spf1 includes:amazonses.com ~all", "includes:amazonses.com is no term"),
        ("v=spf1 include:amazonses.com ip4 -all", "ip4 is no term"),
        ("v=spf1 include:amazonses.com ip4:foo -all", "ip4:foo is no term"),
        ("v=spf1 include:amazonses.com ip4:192.0.2.0/33 -all", "ip4:192.0.2.0/33 is no term"),
        ("v=spf1 include:amazonses.com ip4:192.0.2.0/255.255.255.0 -all", "is no term"),
        ("v=spf1 include:amazonses.com ip6:192.0.2.0 -all", "ip6:192.0.2.0 is no term"),
        ("v=spf1 include:amazonses.com ip6:2001:db8::/129 -all", "is no term"),
        ("v=spf1 include:amazonses.com a/33 -all", "a/33 is no term"),
        ("v=spf1 include include:amazonses.com -all", "include is no term"),
        ("v=spf1 include: include:amazonses.com -all", "include: is no term"),
        ("v=spf1 exists include:amazonses.com -all", "exists is no term"),
        ("v=spf1 include:amazonses.com/24 -all", "is no term"),
        ("v=spf1 include:amazonses.com -all:x", "-all:x is no term"),
        ("v=spf1 include:amazonses.com -all hello", "hello is no term"),
        ("v=spf1 redirect=amazonses.com redirect=amazonses.com", "redirect= stands there twice"),
        ("v=spf1 redirect=", "redirect= is no term"),
        ("v=spf1 include:a.example.ca -include:amazonses.com exp=a exp=b", "exp= stands there twice"),
        ("v=spf1 -include:amazonses.com include:amazonses.com -all", "does not include"),
        ("v=spf1 -include:a.example.ca include:amazonses.com -all", "does not include"),
        ("v=spf1 include:gone.example.ca include:amazonses.com ~all", "gone.example.ca, which it names"),
        ("v=spf1 a:1.x.ca a:2.x.ca a:3.x.ca include:amazonses.com ~all", "more than 2 of its look-ups find nothing"),
        ("v=spf1 " + "exists:%{i}.x.ca " * 10 + "include:amazonses.com ~all", "more than 10 look-ups"),
        ("v=spf1 include:bounce.mail.example.ca ~all", "more than 10 look-ups"),
    ],
)
async def test_record_that_gives_no_pass_is_wrong(record: str | list[str], words: str) -> None:
    found = await spf_problem(record, a_example_ca="v=spf1 include:amazonses.com ~all")

    assert found is not None
    assert words in found


async def test_more_than_ten_mail_exchangers_count_for_nothing() -> None:
    def zone(hosts: int) -> Ask:
        mx: dict[tuple[str, str], Answer | list[str]] = {(BOUNCE, "MX"): [f"10 {n}.x.ca" for n in range(hosts)]}
        return asking(SES | mx | {(BOUNCE, "TXT"): ["v=spf1 mx include:amazonses.com ~all"]})

    assert await spf.problem(zone(10), BOUNCE) is None
    assert "more than 10 mail exchangers" in str(await spf.problem(zone(11), BOUNCE))


async def test_ten_lookups_over_all_includes_are_allowed_and_eleven_not() -> None:
    inner = {f"{letter}_example_ca": "v=spf1 ptr ptr -all" for letter in "ab"}
    nine = "v=spf1 include:a.example.ca include:b.example.ca ptr ptr ptr include:amazonses.com ~all"

    assert await spf_problem(nine, **inner) is None
    assert "more than 10" in str(await spf_problem(nine.replace("ptr ", "ptr ptr ", 1), **inner))


async def test_no_record_and_no_answer_are_told_apart() -> None:
    with pytest.raises(spf.NoRecord):
        await spf.problem(asking({}), BOUNCE)
    with pytest.raises(spf.Unanswered):
        await spf.problem(asking({(BOUNCE, "TXT"): Unknown("timeout")}), BOUNCE)
    unanswered = asking({(BOUNCE, "TXT"): ["v=spf1 mx -all"], (BOUNCE, "MX"): Unknown("timeout")})
    with pytest.raises(spf.Unanswered):
        await spf.problem(unanswered, BOUNCE)


# -- As published -------------------------------------------------------------------------------------------------
async def test_records_as_they_are_to_be_published_align() -> None:
    published = records.records(domain(key("nr", State.PUBLISHED, signs=True)), "ca-central-1")

    found = await dmarc.evaluate(as_published(published), DOMAIN, signing_domain=DOMAIN, mail_from=BOUNCE)
    nothing = await dmarc.evaluate(as_published([]), DOMAIN, signing_domain=DOMAIN, mail_from=BOUNCE)

    assert (found.dkim, found.spf, found.passes) == (True, True, True)
    assert found.search.policy == dmarc.Policy(DOMAIN, "none")  # others may send from it, too
    assert nothing.passes is None


async def test_forged_mail_from_the_default_domain_is_to_be_refused() -> None:
    of = domain(key("nr", State.PUBLISHED, signs=True))
    published = records.records(of, "ca-central-1", is_default=True)

    found = await dmarc.evaluate(as_published(published), DOMAIN, signing_domain=DOMAIN, mail_from=BOUNCE)

    assert found.passes
    assert found.search.policy == dmarc.Policy(DOMAIN, "reject", strict_dkim=True, psd="n")
