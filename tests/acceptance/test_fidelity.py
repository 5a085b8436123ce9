"""The corpus and our own odd messages through the real door and out again: what is sent says what was received.

The whole corpus in CI, else each fifth message of it: conformance/test_corpus.py has all, in one process.

One service in both languages, SMTP with 8BITMIME on several connections, and what the outbox holds then.
"""

import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fidelity import judge, signatures
from tests.fidelity.corpus import CORPUS, DOCUMENTED, OWN, REFUSED, entries
from tests.harness.mail import connect
from tests.harness.relay import Credentials, Relay
from tests.harness.sampled import IS_WHOLE

SERVICE = "Santé publique"
CONNECTIONS = 3


@dataclass(frozen=True, slots=True)
class Letter:
    name: str
    number: int
    content: bytes

    @property
    def recipient(self) -> str:
        return f"fidelity-{self.number}@example.org"


@dataclass(frozen=True, slots=True)
class Passage:
    """All letters, what the door said to each, and what came out for whom."""

    letters: tuple[Letter, ...]
    replies: dict[str, str]
    sent: dict[str, bytes]

    @property
    def refused(self) -> dict[str, str]:
        return {name: reply for name, reply in self.replies.items() if not reply.startswith("250 ")}


def letters() -> tuple[Letter, ...]:
    some = entries() if IS_WHOLE else entries()[::5]
    known = {entry.name: entry.content for entry in some} if CORPUS.is_dir() else {}
    return tuple(Letter(name, at, content) for at, (name, content) in enumerate({**known, **OWN}.items()))


def submit(relay: Relay, key: Credentials, given: tuple[Letter, ...]) -> dict[str, str]:
    replies = {}
    with connect(relay, key) as client:
        for letter in given:
            client.ask("MAIL FROM:<clerk@city.example> BODY=8BITMIME")
            client.ask(f"RCPT TO:<{letter.recipient}>")
            replies[letter.name] = client.give(letter.content)
    return replies


def collect(relay: Relay, recipients: set[str], seconds: float) -> dict[str, bytes]:
    """What the outbox holds for each of them, once it holds all."""
    deadline = time.monotonic() + seconds
    looked_at: set[Path] = set()
    found: dict[str, bytes] = {}
    while recipients - found.keys():
        assert time.monotonic() < deadline, f"nothing came for {len(recipients - found.keys())}"
        time.sleep(0.1)
        for path in set((relay.folder / "var/outbox").glob("*.json")) - looked_at:
            looked_at.add(path)
            for recipient in re.findall(r"fidelity-\d+@example\.org", path.read_text()):
                assert recipient not in found, "sent twice"
                found[recipient] = path.with_suffix(".eml").read_bytes()
    return found


@pytest.fixture(scope="module")
def passage(relay: Relay) -> Passage:
    settings = ("--email-from", "sante", "--live", "--reply-to", "any", "--language", "both")
    service = str(relay.json("service", "create", "--name", SERVICE, *settings)["id"])
    key = relay.create_key("--per-minute", "100000", service=service)
    given = letters()
    shares = [given[start::CONNECTIONS] for start in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        said = threads.map(lambda share: submit(relay, key, share), shares)
        replies = {name: reply for share in said for name, reply in share.items()}
    taken = {letter.recipient for letter in given if replies[letter.name].startswith("250 ")}
    return Passage(given, replies, collect(relay, taken, 60))


def test_not_one_message_that_left_is_damaged(passage):
    damaged = {}
    for letter in passage.letters:
        sent = passage.sent.get(letter.recipient)
        if sent is not None and (damage := judge(letter.content, sent, SERVICE).damage):
            damaged[letter.name] = damage
    assert len(passage.sent) > 0.9 * len(passage.letters)
    assert damaged == {}


def test_door_refuses_with_a_known_reason_only(passage, capsys):
    reasons = Counter(" ".join(reply.split()[:2]) for reply in passage.refused.values())
    with capsys.disabled():
        print(f"\nthrough the door: {len(passage.sent)} of {len(passage.letters)} sent, refused: {dict(reasons)}")
    allowed = {entry.name for entry in entries() if entry.may_reject} if CORPUS.is_dir() else set()
    refused = {name: reply for name, reply in passage.refused.items() if not any(say in reply for say in DOCUMENTED)}
    assert refused.keys() - allowed <= REFUSED.keys()
    for name, why in REFUSED.items():
        assert passage.refused[name].startswith(f"{why.code} {why.enhanced} ")


def test_each_verifier_finds_every_signature_good(relay, passage):
    (record,) = (value for name, value in relay.records.items() if "._domainkey." in name)
    sent = list(passage.sent.values())
    wrong = [each for each in (signatures.by_dkimpy(each, record) for each in sent) if each != "pass"]
    if signatures.missing() is None:
        wrong += [each for each in signatures.by_mail_dkim(sent, record) if each != "pass"]
    assert wrong == []
