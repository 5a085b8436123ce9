"""How many real messages carry a branding in everything that is read, told by the standard library's parser."""

import email
import email.policy
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message

from delivery.brandings import Brandings
from messages.branding import Reason
from messages.message import Language
from messages.pipeline import prepare
from messages.reply import Refused
from tests.unit.messages.test_pipeline import CORPUS, needs_corpus

SEALED = {Reason.SIGNED, Reason.ENCRYPTED, Reason.INLINE_PGP}
MARK = b"Government of Canada"
BAR = 0.98


def read(part: Message) -> Iterator[Message]:
    """The text that readers show first, in each of its alternatives."""
    kind = part.get_content_subtype()
    if part.get_content_disposition() == "attachment" or part.get_filename():
        return
    if part.get_content_type() in ("text/plain", "text/html") and not part.is_multipart():
        yield part
    elif part.is_multipart() and part.get_content_maintype() == "multipart":
        children = part.get_payload()
        if kind in ("report", "related"):
            children = children[:1]
        for child in children:
            found = list(read(child))
            yield from found
            if found and kind != "alternative":
                return


def has_text(content: bytes) -> bool:
    return any((part.get_payload(decode=True) or b"").strip() for part in read(email.message_from_bytes(content)))


def branded(content: bytes) -> bool:
    octets = [part.get_payload(decode=True) or b"" for part in read(email.message_from_bytes(content))]
    return bool(octets) and all(MARK in each.replace(b"\0", b"") for each in octets)


@needs_corpus
def test_real_messages_that_have_text_carry_the_branding_in_every_alternative(preparation, crlf, capsys):
    branding = Brandings().get("default", "Passports", Language.EN)
    left: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    for line in (CORPUS / "index.jsonl").read_text().splitlines():
        entry = json.loads(line)
        name = f"{entry['source']}/{entry['id']}"
        content = crlf((CORPUS / f"{name}.eml").read_bytes())
        try:
            done = prepare(content, replace(preparation, branding=branding))
        except Refused:
            counts["refused"] += 1
            continue
        if done.not_branded_because in SEALED or not has_text(content):
            counts[f"not counted: {done.not_branded_because}"] += 1
        elif branded(done.content):
            counts["branded"] += 1
        else:
            left.setdefault(done.not_branded_because or "in some alternatives only", []).append(name)
    share = counts["branded"] / (counts["branded"] + sum(map(len, left.values())))
    with capsys.disabled():
        print(f"\nbranded in every alternative: {share:.1%}", dict(counts), "left:", left)
    assert share >= BAR
