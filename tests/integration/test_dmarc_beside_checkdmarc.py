"""Records and trees read by us and by checkdmarc, which follows RFC 9989, too; both ask one DNS server."""

from collections.abc import Iterator
from dataclasses import dataclass

import dns.resolver
import pytest
from checkdmarc import dmarc as theirs
from checkdmarc import utils

from auth.domains import dmarc
from auth.domains.resolvers import Resolver
from tests.fakes.dns import FakeDns

DOMAIN = "mail.dept.example.ca"
FAR = "mail.a.b.c.d.e.f.g.example.com"

# What stands at which name, and whose policy is sought.
TREES: dict[str, tuple[str, dict[str, str | list[str]]]] = {
    "own": (DOMAIN, {DOMAIN: "v=DMARC1; p=reject; adkim=s; aspf=s", "example.ca": "v=DMARC1; p=none"}),
    "organization": (DOMAIN, {"example.ca": "v=DMARC1; p=none; sp=quarantine; np=reject"}),
    "between": (DOMAIN, {"dept.example.ca": "v=DMARC1; p=reject", "example.ca": "v=DMARC1; p=quarantine"}),
    "department of its own": (
        DOMAIN,
        {"dept.example.ca": "v=DMARC1; p=reject; psd=n", "example.ca": "v=DMARC1; p=quarantine"},
    ),
    "registry": (DOMAIN, {"ca": "v=DMARC1; p=none; sp=reject; psd=y"}),
    "below a registry": (
        DOMAIN,
        {"dept.example.ca": "v=DMARC1; p=reject; sp=none", "example.ca": "v=DMARC1; p=none; psd=y"},
    ),
    "below a registry, a level out": (
        f"x.{DOMAIN}",
        {DOMAIN: "v=DMARC1; p=none", "example.ca": "v=DMARC1; p=none; sp=reject; psd=y"},
    ),
    "registry that says so at the top": (
        DOMAIN,
        {"example.ca": "v=DMARC1; p=quarantine", "ca": "v=DMARC1; p=reject; psd=y"},
    ),
    "out of reach": (FAR, {"b.c.d.e.f.g.example.com": "v=DMARC1; p=reject; psd=n", "example.com": "v=DMARC1; p=none"}),
    "in reach": (FAR, {"c.d.e.f.g.example.com": "v=DMARC1; p=reject; psd=n", "example.com": "v=DMARC1; p=none"}),
    "far and its own": (FAR, {FAR: "v=DMARC1; p=quarantine; psd=u"}),
    "eight labels": ("a.b.c.d.e.f.example.com", {"b.c.d.e.f.example.com": "v=DMARC1; p=reject; psd=n"}),
    "other records beside it": (DOMAIN, {DOMAIN: ["v=spf1 -all", "v=DMARC1; p=reject"]}),
    "spelling": (DOMAIN, {DOMAIN: "V = DMARC1 ; P = Reject ; ADKIM = S;"}),
    "order": (DOMAIN, {DOMAIN: "v=DMARC1; adkim=s; p=quarantine"}),
    "trial": (DOMAIN, {DOMAIN: "v=DMARC1; p=reject; t=y"}),
    "gone": (DOMAIN, {DOMAIN: "v=DMARC1; p=reject; pct=0; rf=afrf; ri=3600"}),
    "nonsense that is gone": (DOMAIN, {DOMAIN: "v=DMARC1; p=reject; pct=many"}),
    "unknown": (DOMAIN, {DOMAIN: "v=DMARC1; p=reject; colour=blue"}),
    "no policy": (DOMAIN, {DOMAIN: "v=DMARC1; adkim=s"}),
    "alignment of no kind": (DOMAIN, {DOMAIN: "v=DMARC1; p=reject; adkim=strict; aspf=1"}),
    "wrong case of the version": (DOMAIN, {DOMAIN: "v=dmarc1; p=reject", "example.ca": "v=DMARC1; p=none; sp=reject"}),
    "another version": (DOMAIN, {DOMAIN: "v=DMARC2; p=reject"}),
    "version not first": (DOMAIN, {DOMAIN: "p=reject; v=DMARC1"}),
    "nothing": (DOMAIN, {}),
}


@dataclass(frozen=True)
class Read:
    """Where the record stands, and what it asks for."""

    at: str
    policy: str
    adkim: str
    aspf: str
    testing: bool
    psd: str


@pytest.fixture
def server() -> Iterator[FakeDns]:
    utils.DNS_CACHE.clear()
    with FakeDns().in_a_thread() as running:
        yield running


def publish(server: FakeDns, domain: str, records: dict[str, str | list[str]]) -> None:
    server.publish(domain, "A", "192.0.2.1")  # it exists
    for name, values in records.items():
        server.publish(f"_dmarc.{name}", "TXT", *([values] if isinstance(values, str) else values))


def asked_of_them(server: FakeDns, domain: str) -> Read | None:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.cache = ["127.0.0.1"], server.port, None
    try:
        found = theirs.query_dmarc_record(domain, resolver=resolver, ignore_unrelated_records=True, timeout=30)
        tags = theirs.parse_dmarc_record(found["record"], found["location"], resolver=resolver)["tags"]
    except theirs.DMARCError:
        return None
    value = {name: str(tag["value"]) for name, tag in tags.items()}
    policy = value["p" if found["location"] == domain else "sp"]
    return Read(found["location"], policy, value["adkim"], value["aspf"], value["t"] == "y", value["psd"])


async def asked_of_us(server: FakeDns, domain: str) -> Read | None:
    policy = (await dmarc.find(Resolver("127.0.0.1", server.port, 30).ask, domain)).policy
    if policy is None:
        return None
    adkim, aspf = ("s" if strict else "r" for strict in (policy.strict_dkim, policy.strict_spf))
    return Read(policy.found_at, policy.policy, adkim, aspf, policy.testing, policy.psd)


@pytest.mark.parametrize("case", TREES)
async def test_the_same_record_is_found_and_read_alike(server: FakeDns, case: str) -> None:
    domain, records = TREES[case]
    publish(server, domain, records)
    assert await asked_of_us(server, domain) == asked_of_them(server, domain)


@pytest.mark.parametrize("case", TREES)
async def test_they_ask_of_dns_what_we_ask(server: FakeDns, case: str) -> None:
    domain, records = TREES[case]
    publish(server, domain, records)
    await asked_of_us(server, domain)
    ours = {name for name, _, _ in server.asked if name.startswith("_dmarc.")}
    server.asked.clear()
    asked_of_them(server, domain)
    assert {name for name, _, _ in server.asked if name.startswith("_dmarc.")} == ours
    assert len(ours) <= 8


# Where we differ, the text of the standard is cited.
@pytest.mark.parametrize(
    ("records", "ours", "standard"),
    [
        (
            {DOMAIN: ["v=DMARC1; p=none", "v=DMARC1; p=reject"], "example.ca": "v=DMARC1; p=reject"},
            Read("example.ca", "reject", "r", "r", False, "u"),
            "RFC 9989 4.10, step 2: all of them are discarded, and the walk goes on",
        ),
        (
            {DOMAIN: "v=DMARC1; p=monitor; rua=mailto:a@mail.dept.example.ca"},
            Read(DOMAIN, "none", "r", "r", False, "u"),
            "RFC 9989 4.10.1: as if it were p=none, where reports are asked for",
        ),
        (
            {DOMAIN: "v=DMARC1; p=reject; hello"},
            Read(DOMAIN, "reject", "r", "r", False, "u"),
            "RFC 9989 4.8: syntax errors in the remainder are ignored",
        ),
        (
            {DOMAIN: "v=DMARC1; p=reject; psd=x"},
            Read(DOMAIN, "reject", "r", "r", False, "u"),
            "RFC 9989 4.8: syntax errors are discarded in favour of default values",
        ),
    ],
)
async def test_they_give_up_where_the_standard_goes_on(
    server: FakeDns, records: dict[str, str | list[str]], ours: Read, standard: str
) -> None:
    publish(server, DOMAIN, records)
    assert await asked_of_us(server, DOMAIN) == ours, standard
    assert asked_of_them(server, DOMAIN) is None
