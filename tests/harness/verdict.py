"""A receiver's verdict on a delivered message: SPF, DKIM and DMARC by authheaders, dkimpy and pyspf, none of it ours.

They ask DNS over the network as they do anywhere; `asking` tells them which server.
"""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import authheaders
import dkim
import dns.resolver
from authres import DKIMAuthenticationResult

from tests.fakes.dns import FakeDns


@dataclass(frozen=True)
class Verdict:
    spf: str  # pass, fail, softfail ...
    dkim: frozenset[str]  # domains with a signature that verifies
    dmarc: str  # pass, fail, none
    by_spf: str  # DMARC as if nobody had signed
    by_dkim: str  # and as if SPF had failed
    policy: str  # what is asked of receivers: none, quarantine, reject


@contextlib.contextmanager
def asking(dns_server: FakeDns) -> Iterator[None]:
    """Within it every look-up of these libraries goes to the server."""
    before = dns.resolver.default_resolver
    ours = dns.resolver.Resolver(configure=False)
    ours.nameservers, ours.port, ours.lifetime = ["127.0.0.1"], dns_server.port, 10
    dns.resolver.default_resolver = ours
    try:
        yield
    finally:
        dns.resolver.default_resolver = before


def judge(content: bytes, *, client: str, mail_from: str) -> Verdict:
    """`client` is the address that connects, `mail_from` the envelope sender."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pyspf calls what dnspython has renamed
        spf = authheaders.check_spf(client, mail_from, "a8-1.smtp-out.amazonses.com")
    passed = [each for each in _signatures(content) if each.result == "pass"]
    found = [authheaders.check_dmarc(content, _fresh(spf), each) for each in passed or [None]]
    alone = [authheaders.check_dmarc(content, None, each) for each in passed or [None]]
    by_spf = authheaders.check_dmarc(content, _fresh(spf), None)
    return Verdict(
        spf=spf.result,
        dkim=frozenset(each.header_d for each in passed),
        dmarc=_best(found),
        by_spf=by_spf.result,
        by_dkim=_best(alone),
        policy=found[0].policy or "",
    )


def _signatures(content: bytes) -> list[DKIMAuthenticationResult]:
    """One result for each signature; authheaders itself looks at the first only."""
    count = sum(name.lower() == b"dkim-signature" for name, _ in dkim.DKIM(content).headers)
    results = []
    for place in range(count):
        verifier = dkim.DKIM(content)
        try:
            good = verifier.verify(idx=place)
        except dkim.DKIMException:
            good = False
        domain = verifier.signature_fields.get(b"d", b"").decode()
        results.append(DKIMAuthenticationResult(result="pass" if good else "fail", header_d=domain))
    return results


def _best(results: list) -> str:
    return next((each.result for each in results if each.result == "pass"), results[0].result)


def _fresh(spf):
    """authheaders writes into what it is given."""
    return type(spf)(result=spf.result, smtp_mailfrom=spf.smtp_mailfrom, smtp_helo=spf.smtp_helo)
