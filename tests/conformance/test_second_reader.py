"""What npm's mailparser reads in the corpus and in our own messages, received and sent: the same."""

from messages.reply import Refused
from tests.conftest import skip_or_fail
from tests.fidelity import second
from tests.fidelity.corpus import CORPUS, OWN, entries
from tests.fidelity.preparing import prepared

# Where it reads something else, the message is not what it says.
ODD = {
    "cpython/ba8d77d6c9c62e4e": ["other attachments"],  # Content-Type: text; it is a file to this reader only
    "mail-parser-rs/7db5bd603dcc10bf": ["another HTML text"],  # several HTML parts, each with its branding
    "mailcore2/a44a099e00674135": ["another text"],  # ISO-2022-JP, shifted at its end: it guesses another charset
    "iso-2022-jp-shift-open": ["another text"],
    "charset-utf-7": ["another text"],  # it knows no UTF-7, and reads what leaves in UTF-8
}


def test_second_reader_finds_the_same_in_what_was_sent(capsys):
    if reason := second.missing():
        skip_or_fail(f"MESSAGES ARE READ BY ONE READER ONLY: {reason}")
    received = {entry.name: entry.content for entry in entries()} if CORPUS.is_dir() else {}
    received |= OWN
    sent = {}
    for name, content in received.items():
        try:
            sent[name] = prepared(content).content
        except Refused:
            continue
    read = iter(second.read([each for name in sent for each in (received[name], sent[name])]))
    found = {name: list(second.differences(next(read), next(read))) for name in sent}
    with capsys.disabled():
        print(f"\nread by mailparser, too: {len(sent)} messages")
    assert {name: each for name, each in found.items() if each} == {
        name: ODD[name] for name in ODD.keys() & sent.keys()
    }
