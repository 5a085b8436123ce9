"""Every message of the corpus of real, odd messages, prepared and sealed in this process, and judged.

Bars: not one is damaged, refusals only with a reason, and 99 % of those that can be branded are, in every version.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

import pytest

from messages.message import Language
from messages.reply import Refused
from tests.fakes import ses
from tests.fidelity import Verdict, judge
from tests.fidelity.corpus import CORPUS, DOCUMENTED, ROOT, Entry, entries
from tests.fidelity.preparing import SERVICE, prepared, seal, verdicts
from tests.harness.sampled import sampled

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"THE CORPUS OF ODD MESSAGES IS NOT AT {CORPUS}")
BAR = 0.99
# Each language, and pictures as links and carried: every message in each would be twice the time for nothing new.
# The sample is the one that has both.
WAYS = sampled([(Language.EN, False), (Language.FR, False), (Language.BOTH, True)], lambda at: at == 2)


@dataclass(frozen=True, slots=True)
class Observed:
    entry: Entry
    verdict: Verdict | None = None
    sent: bytes = b""
    said: str | None = None  # why it is refused or not branded

    @property
    def fate(self) -> str:
        """As docs/fidelity.md puts it."""
        if self.verdict is None:
            return f"refused: {str(self.said).partition(':')[0]}"
        if not self.entry.readable:
            return f"nothing to brand: {self.said}"
        if self.verdict.branded == self.verdict.alternatives:
            return "branded in every version of its text"
        return "branded in some versions of its text" if self.verdict.branded else f"not branded: {self.said}"


@cache
def outcomes(language: Language, *, carried: bool = False) -> tuple[Observed, ...]:
    return tuple(_outcome(entry, language, carried=carried) for entry in entries())


def _outcome(entry: Entry, language: Language, *, carried: bool) -> Observed:
    try:
        done = prepared(entry.content, language, carried=carried)
    except Refused as refused:
        return Observed(entry, said=f"{refused.reply.slug}: {refused}")
    return Observed(entry, judge(entry.content, done.content, SERVICE), done.content, done.not_branded_because)


@cache
def sealed() -> dict[str, bytes]:
    """What leaves of each message that is accepted."""
    return {each.entry.name: seal(each.sent) for each in outcomes(Language.BOTH, carried=True) if each.sent}


def show(capsys: pytest.CaptureFixture[str], what: str, found: Counter[str]) -> None:
    with capsys.disabled():
        print(f"\n{what}: " + "; ".join(f"{number} {each}" for each, number in found.most_common()))


@pytest.mark.parametrize(("language", "carried"), WAYS)
def test_not_one_message_is_damaged(language, carried):
    judged = [(each.entry.name, each.verdict.damage) for each in outcomes(language, carried=carried) if each.verdict]
    assert len(judged) > 480
    assert [(name, damage) for name, damage in judged if damage] == []


@pytest.mark.parametrize(("language", "carried"), WAYS)
def test_messages_are_refused_for_a_known_reason_only(language, carried, capsys):
    refused = [each for each in outcomes(language, carried=carried) if each.verdict is None]
    show(capsys, f"corpus, {language}, refused", Counter(str(each.said).partition(":")[0] for each in refused))
    unknown = [each for each in refused if not each.entry.may_reject and str(each.said).split(":")[0] not in DOCUMENTED]
    assert [(each.entry.name, each.said) for each in unknown] == []


@pytest.mark.parametrize(("language", "carried"), WAYS)
def test_all_alternatives_of_99_in_100_readable_messages_are_branded(language, carried, capsys):
    readable = [each for each in outcomes(language, carried=carried) if each.entry.readable and each.verdict]
    missed = [each for each in readable if each.fate != "branded in every version of its text"]
    branded = f"{len(readable) - len(missed)} of {len(readable)}"
    show(capsys, f"corpus, {language}, branded {branded}", Counter(each.fate for each in missed))
    assert len(missed) <= len(readable) * (1 - BAR), [each.entry.name for each in missed]


def test_every_signature_is_verified_by_each_verifier(capsys):
    found = dict(zip(sealed(), verdicts(list(sealed().values())), strict=True))
    show(capsys, "corpus, signatures", Counter(" and ".join(each) for each in found.values()))
    assert {name: each for name, each in found.items() if set(each) != {"pass"}} == {}


def test_provider_takes_every_message():
    to = {"ToAddresses": ["reader@example.org"]}
    answers = {name: ses.check(content, to, []) for name, content in sealed().items()}
    assert {name: answer for name, answer in answers.items() if answer} == {}


def test_page_tells_what_became_of_the_corpus():
    told = dict(re.findall(r"^\| (.*) \| (\d+) \|$", (ROOT / "docs/fidelity.md").read_text(), re.MULTILINE))
    assert told == {
        fate: str(number)
        for fate, number in Counter(each.fate for each in outcomes(Language.BOTH, carried=True)).items()
    }
