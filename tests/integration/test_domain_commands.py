"""domain add, register, check and rotate as an operator gives them, with DNS and SES on loopback."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from auth.domains.selectors import MIN_TTL_SECONDS
from tests.fakes.aws import CREDENTIALS
from tests.fakes.dns import FakeDns
from tests.harness.ses_process import RunningAws
from tests.integration.conftest import Answer, Run

DOMAIN = "mail.example.ca"
BOUNCE = f"bounce.{DOMAIN}"
MX = "10 feedback-smtp.ca-central-1.amazonses.com"


class Now:
    """The commands' clock, which a test moves on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = 1_790_000_000.0
        monkeypatch.setattr("time.time", lambda: self.at)


@pytest.fixture
def dns() -> Iterator[FakeDns]:
    with FakeDns({("amazonses.com", "TXT"): ["v=spf1 ip4:199.255.192.0/22 -all"]}, ttl=60).in_a_thread() as running:
        yield running


@pytest.fixture
def aws() -> Iterator[RunningAws]:
    with RunningAws() as running:
        yield running


@pytest.fixture
def settings(dns: FakeDns, aws: RunningAws) -> dict[str, str]:
    return {
        "EMAIL__PROVIDER": "ses",
        "DNS__RESOLVERS": dns.address,
        "DNS__TIMEOUT_SECONDS": "30",  # where an answer comes, nobody waits; a loaded machine may
        "AWS__CONNECT_TIMEOUT_SECONDS": "30",
        "AWS__ENDPOINT_URL": aws.url,
        **CREDENTIALS,
    }


def publish(dns: FakeDns, shown: dict[str, Any]) -> None:
    """As the owner of the domain does, from what the command prints."""
    for record in shown["records"]:
        dns.publish(record["name"], record["type"], record["value"])


def results(report: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(each["purpose"], each["type"]): each["result"] for each in report["findings"]}


def advice(report: dict[str, Any], purpose: str, type_: str) -> str:
    return str(
        next(each["advice"] for each in report["findings"] if (each["purpose"], each["type"]) == (purpose, type_))
    )


def problems_of_domains(run: Run) -> list[str]:
    checks = json.loads(run("check", "--json")[1])["checks"]
    return [each["detail"] for each in checks if each["part"] == "domain" and each["result"] == "PROBLEM"]


def ready(answer: Answer, dns: FakeDns, aws: RunningAws, monkeypatch: pytest.MonkeyPatch) -> Now:
    """A domain of which everything is there, and was found."""
    clock = Now(monkeypatch)
    publish(dns, answer("domain", "add", DOMAIN))
    answer("domain", "register", DOMAIN)
    aws.identities.verify(DOMAIN)
    answer("domain", "check", DOMAIN, code=1)
    clock.at += MIN_TTL_SECONDS
    assert answer("domain", "check", DOMAIN)["usable"]
    return clock


def test_domain_is_usable_once_all_was_found_and_the_key_twice(
    answer: Answer, run: Run, dns: FakeDns, aws: RunningAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Now(monkeypatch)
    service = ("service", "create", "--name", "n", "--email-from", "n", "--domain", DOMAIN)
    shown = answer("domain", "add", DOMAIN)
    assert shown["keys"] == [{"selector": shown["selector"], "state": "pending", "signs": False}]
    nothing = answer("domain", "check", DOMAIN, code=1)
    assert set(results(nothing).values()) == {"missing"}
    code, _, err = run(*service)
    assert (code, f"notify-relay domain check {DOMAIN}" in err) == (1, True)

    publish(dns, shown)
    registered = answer("domain", "register", DOMAIN)
    assert results(registered) == {("ses", "SES"): "wrong"}
    once = answer("domain", "check", DOMAIN, code=1)
    assert results(once) == {
        ("dkim", "TXT"): "found",
        ("mail-from", "MX"): "found",
        ("mail-from", "TXT"): "found",
        ("dmarc", "TXT"): "found",
        ("signing", "-"): "missing",
        ("ses", "SES"): "wrong",
    }
    assert "found once" in advice(once, "signing", "-")
    assert "72 hours" in advice(once, "ses", "SES")
    assert "strict SPF alignment cannot be had" in advice(once, "mail-from", "TXT")
    aws.identities.verify(DOMAIN)
    clock.at += MIN_TTL_SECONDS - 1
    assert not answer("domain", "check", DOMAIN, code=1)["usable"]
    clock.at += 1
    report = answer("domain", "check", DOMAIN)

    assert (report["complete"], report["usable"], set(results(report).values())) == (True, True, {"found"})
    assert run(*service)[0] == 0
    [listed] = [each for each in answer("domain", "list")["domains"] if each["name"] == DOMAIN]
    assert (listed["state"], listed["signs"], listed["usable"]) == ("published", True, True)
    assert listed["verified_at"] == "2026-09-21T14:14:20Z"


def test_record_that_is_wrong_is_named_with_its_cure(
    answer: Answer, dns: FakeDns, aws: RunningAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(answer, dns, aws, monkeypatch)
    dns.publish(BOUNCE, "MX", MX, "20 mx.example.ca")

    report = answer("domain", "check", DOMAIN, code=1)

    assert "2 MX records" in advice(report, "mail-from", "MX")
    assert (report["complete"], report["usable"]) == (False, True)  # what is in use stays so
    assert list(results(report).values()).count("wrong") == 1


def test_resolvers_that_differ_are_named_and_all_have_to_agree(
    answer: Answer, dns: FakeDns, aws: RunningAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    Now(monkeypatch)
    publish(dns, answer("domain", "add", DOMAIN))
    with FakeDns(dict(dns.zone)).in_a_thread() as behind:
        behind.withdraw(BOUNCE, "MX")
        behind.trouble[BOUNCE] = "servfail"
        monkeypatch.setenv("NOTIFY_RELAY_DNS__RESOLVERS", f"{dns.address},{behind.address}")
        report = answer("domain", "check", DOMAIN, code=1)

    by_resolver = {each["resolver"]: each["result"] for each in report["findings"] if each["type"] == "MX"}
    assert by_resolver == {dns.address: "found", behind.address: "unanswered"}
    assert [each["resolver"] for each in report["findings"] if each["purpose"] == "dkim"] == [None]


def test_next_key_is_made_published_and_given_to_ses(
    answer: Answer, run: Run, dns: FakeDns, aws: RunningAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ready(answer, dns, aws, monkeypatch)
    first = answer("domain", "show", DOMAIN)["selector"]
    rotated = answer("domain", "rotate", DOMAIN)
    second = rotated["keys"][0]["selector"]
    assert [(key["selector"], key["state"], key["signs"]) for key in rotated["keys"]] == [
        (second, "pending", False),
        (first, "published", True),
    ]
    assert [each["name"] for each in rotated["records"] if each["purpose"] == "dkim"] == [
        f"{selector}._domainkey.{DOMAIN}" for selector in (second, first)
    ]
    code, out, _ = run("domain", "rotate", DOMAIN)
    assert (code, "another 7 days" in out) == (0, True)
    waiting = answer("domain", "check", DOMAIN)  # the domain needs no next key
    assert [each["result"] for each in waiting["findings"] if each["purpose"] == "dkim"] == ["missing", "found"]

    publish(dns, rotated)
    answer("domain", "check", DOMAIN)
    clock.at += MIN_TTL_SECONDS
    report = answer("domain", "check", DOMAIN)
    assert answer("domain", "show", DOMAIN)["selector"] == second
    assert f"still verifies by selector {first}" in advice(report, "ses", "SES")

    answer("domain", "register", DOMAIN)
    assert aws.identities.known[DOMAIN].selector == second


def test_registering_twice_changes_nothing_and_keeps_what_ses_has_verified(
    answer: Answer, dns: FakeDns, aws: RunningAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(answer, dns, aws, monkeypatch)
    before = aws.identities.known[DOMAIN]
    assert (before.signs, before.mail_from, before.behaviour) == (False, BOUNCE, "USE_DEFAULT_VALUE")

    assert results(answer("domain", "register", DOMAIN)) == {("ses", "SES"): "found"}
    assert aws.identities.known[DOMAIN].verified


def test_ses_and_dns_have_the_same_key(answer: Answer, aws: RunningAws) -> None:
    shown = answer("domain", "add", DOMAIN)
    answer("domain", "register", DOMAIN)
    identity = aws.identities.known[DOMAIN]

    assert identity.selector == shown["selector"]
    assert identity.public_record == shown["records"][0]["value"]


def test_identity_that_somebody_made_before_is_told_and_taken_over(answer: Answer, aws: RunningAws) -> None:
    answer("domain", "add", DOMAIN)
    aws.identities.create(DOMAIN)
    assert "another key or MAIL FROM, or signs, too" in advice(answer("domain", "check", DOMAIN, code=1), "ses", "SES")
    easy = aws.identities.known[DOMAIN]
    easy.signs, easy.mail_from = False, BOUNCE
    assert "Easy DKIM, aaaa1, bbbb2, cccc3" in advice(answer("domain", "check", DOMAIN, code=1), "ses", "SES")
    aws.identities.verify(DOMAIN)
    assert "verified by Easy DKIM" in advice(answer("domain", "check", DOMAIN, code=1), "ses", "SES")

    answer("domain", "register", DOMAIN)
    assert aws.identities.known[DOMAIN].selector is not None


def test_ses_that_refuses_is_one_line(answer: Answer, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    answer("domain", "add", DOMAIN)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    code, _, err = run("domain", "register", DOMAIN)

    assert (code, err.count("\n"), "aws_" in err) == (1, 1, True)
    report = answer("domain", "check", DOMAIN, code=1)
    assert results(report)["ses", "SES"] == "unanswered"


def test_dns_that_does_not_answer_withdraws_nothing(
    answer: Answer, dns: FakeDns, aws: RunningAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ready(answer, dns, aws, monkeypatch)
    dns.trouble["*"] = "servfail"
    for _ in range(3):
        clock.at += 3600
        assert results(answer("domain", "check", DOMAIN, code=1))["dkim", "TXT"] == "unanswered"

    [listed] = answer("domain", "list")["domains"]
    assert (listed["signs"], listed["usable"]) == (True, True)


def test_with_the_outbox_no_domain_needs_dns(answer: Answer, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_RELAY_EMAIL__PROVIDER", "outbox")
    shown = answer("domain", "add", DOMAIN)
    assert shown["keys"][0]["signs"]
    assert run("service", "create", "--name", "n", "--email-from", "n", "--domain", DOMAIN)[0] == 0
    assert answer("domain", "register", DOMAIN)["findings"] == []
    assert "nothing to register" in run("domain", "register", DOMAIN)[1]
    assert [each["purpose"] for each in answer("domain", "check", DOMAIN, code=1)["findings"]] == [
        *("dkim", "mail-from", "mail-from", "dmarc", "signing")
    ]
    assert answer("domain", "rotate", DOMAIN)["keys"][0]["signs"]


def test_default_domain_is_trusted_and_checked_all_the_same(answer: Answer, run: Run, dns: FakeDns) -> None:
    assert run("service", "create", "--name", "n", "--email-from", "n")[0] == 0
    report = answer("domain", "check", code=1)
    assert (report["domain"], report["usable"]) == ("notification.example.ca", True)
    assert results(report)["dkim", "TXT"] == "missing"
    assert results(report)["signing", "-"] == "found"


def test_people_see_what_to_paste_and_what_to_do(run: Run, dns: FakeDns) -> None:
    code, out, _ = run("domain", "add", DOMAIN)
    assert code == 0
    zone = next(line for line in out.splitlines() if line.startswith("nr") and " IN TXT " in line)
    assert zone.count('"') == 4
    assert f"notify-relay domain register {DOMAIN}" in out
    assert ('"v=DMARC1; p=none"' in out, "raise it to p=quarantine" in out) == (True, True)
    default = run("domain", "show")[1]
    assert ("p=reject; adkim=s" in default, "raise it" in default) == (True, False)
    code, out, _ = run("domain", "check", DOMAIN)
    assert code == 1
    assert f"missing      MX   {BOUNCE}" in out
    assert out.splitlines()[-1].startswith("something that mail.example.ca needs")


def test_what_dns_holds_gives_a_terminal_no_orders(run: Run, dns: FakeDns) -> None:
    run("domain", "add", DOMAIN)
    dns.publish(BOUNCE, "TXT", "v=spf1 \x1b[2J\u202eall include:amazonses.com ~all")
    dns.publish(f"_dmarc.{DOMAIN}", "TXT", "v=DMARC1; p=reject; all that\nfound        TXT  x\x1b[0m")
    _, out, _ = run("domain", "check", DOMAIN)

    assert "is no term of an SPF record" in out
    assert "is no tag of a DMARC record" in out
    assert not set("\x1b\u202e") & set(out)
    assert not any(line.startswith("found") and "_dmarc." not in line for line in out.splitlines())


def test_check_names_the_domains_that_services_use_without_records(
    answer: Answer, run: Run, dns: FakeDns, aws: RunningAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_RELAY_EMAIL__PROVIDER", "outbox")
    answer("domain", "add", "old.example.ca")
    for number, domain in enumerate(("old.example.ca", "notification.example.ca")):
        answer("domain", "show")
        assert run("service", "create", "--name", "n", "--email-from", f"n{number}", "--domain", domain)[0] == 0
    assert problems_of_domains(run) == []
    monkeypatch.setenv("NOTIFY_RELAY_EMAIL__PROVIDER", "ses")

    assert [
        f"domain check {name}`" in text for name, text in zip(["old.example.ca"], problems_of_domains(run), strict=True)
    ] == [True]


def test_check_names_domains_in_use_whose_key_is_gone(
    answer: Answer, run: Run, dns: FakeDns, aws: RunningAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ready(answer, dns, aws, monkeypatch)
    assert run("service", "create", "--name", "n", "--email-from", "n", "--domain", DOMAIN)[0] == 0
    default = answer("domain", "show")
    publish(dns, default)
    answer("domain", "check", code=1)
    assert problems_of_domains(run) == []

    for shown in (default, answer("domain", "show", DOMAIN)):
        dns.withdraw(shown["records"][0]["name"], "TXT")
    for _ in range(2):
        clock.at += 3600
        for name in (default["domain"], DOMAIN):
            answer("domain", "check", name, code=1)

    told = problems_of_domains(run)
    assert [f"domain check {name}`" in text for name, text in zip([DOMAIN, default["domain"]], told, strict=True)] == [
        *(True, True)
    ]


def test_service_moves_to_a_domain_that_was_checked_only(
    answer: Answer, run: Run, dns: FakeDns, aws: RunningAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = answer("service", "create", "--name", "n", "--email-from", "n")["id"]
    answer("domain", "add", "other.example.ca")
    code, _, err = run("service", "update", service, "--domain", "other.example.ca")
    assert (code, "domain check other.example.ca" in err) == (1, True)
    ready(answer, dns, aws, monkeypatch)

    assert answer("service", "update", service, "--domain", DOMAIN)["domain"] == DOMAIN
    assert answer("service", "update", service, "--name", "m")["domain"] == DOMAIN


def test_audit_tells_what_was_found_and_registered_and_not_that_somebody_looked(
    answer: Answer, dns: FakeDns, aws: RunningAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(answer, dns, aws, monkeypatch)
    answer("domain", "check", DOMAIN)
    found = answer("audit", "list")["entries"]
    by_action = {each["action"]: each for each in found}
    selector = by_action["domain.add"]["after"]["keys"][0]["selector"]

    assert sorted(each["action"] for each in found) == ["domain.add", "domain.check", "domain.register"]
    assert {each["object_id"] for each in found} == {answer("domain", "list")["domains"][0]["id"]}
    assert by_action["domain.register"]["after"] == {"registered_selector": selector}
    assert by_action["domain.check"]["after"] == {
        "verified": True,
        "keys": [{"selector": selector, "state": "published", "signs": True}],
    }
