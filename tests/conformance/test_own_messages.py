"""Every message in tests/data/messages: what is expected of it, and that nothing else happens to it."""

from collections.abc import Callable

import pytest

from messages import reply
from messages.message import Language
from messages.reply import Refused
from tests.fidelity import judge
from tests.fidelity.corpus import FOLDER, OWN, REFUSED, SENT
from tests.fidelity.preparing import SERVICE, prepared, seal, verdicts
from tests.fidelity.reading import Part, read
from tests.harness.sampled import in_turn, sampled

# What is not listed below is branded in every alternative that people read.
UNBRANDED = {
    "attachment-only": "no text part",
    "base64-damaged": "transfer encoding unknown or damaged",
    "boundary-missing": "multipart without parts",
    "boundary-wrong": "multipart without parts",
    "calendar-only": "no text part",
    "digest": "no text part",
    "encoding-unknown": "transfer encoding unknown or damaged",
    "external-body": "no text part",
    "hz-gb": "charset without ASCII",
    "iso-2022-kr": "charset without ASCII",
    "multipart-empty": "multipart without parts",
    "only-rfc822": "no text part",
    "part-without-empty-line": "transfer encoding unknown or damaged",
    "partial": "no text part",
    "pgp-inline": "inline PGP",
    "pgp-inline-8bit": "inline PGP",
    "pgp-inline-in-alternative": "inline PGP",
    "pgp-mime-by-a-list": "signed",
    "pgp-mime-encrypted": "encrypted",
    "pgp-mime-signed": "signed",
    "smime-detached": "signed",
    "smime-opaque-encrypted": "encrypted",
    "smime-opaque-signed": "encrypted",
}


@pytest.mark.parametrize(
    ("name", "language"), sampled([(name, each) for name in SENT for each in Language], in_turn(len(Language)))
)
def test_own_message_is_branded_as_expected_and_nothing_else_changes(name, language):
    done = prepared(OWN[name], language)
    verdict = judge(OWN[name], done.content, SERVICE)
    assert verdict.damage == ()
    assert done.not_branded_because == UNBRANDED.get(name)
    assert verdict.branded == (0 if name in UNBRANDED else verdict.alternatives)
    assert bool(verdict.branded) is done.branded


@pytest.mark.parametrize("name", sampled(SENT, lambda at: at % 2 == 0))
def test_edits_of_own_message_make_what_is_sent_of_what_was_received(name):
    done = prepared(OWN[name])
    at, sent = 0, b""
    for start, end, new in sorted(done.edits, key=lambda edit: edit[:2]):
        assert at <= start <= end
        sent, at = sent + OWN[name][at:start] + new, end
    assert sent + OWN[name][at:] == done.content


@pytest.mark.parametrize("name", sampled(SENT, lambda at: at % 2 == 1))
def test_own_message_without_branding_says_what_it_said(name):
    assert judge(OWN[name], prepared(OWN[name], variant="none").content).damage == ()


@pytest.mark.parametrize(("name", "why"), REFUSED.items())
def test_own_message_is_refused_with_its_reason(name, why):
    with pytest.raises(Refused) as refused:
        prepared(OWN[name])
    assert refused.value.reply is why


def test_tables_name_messages_that_are_there():
    assert {*UNBRANDED, *REFUSED} <= OWN.keys()
    assert len(OWN) > 130


def test_page_names_every_reason():
    page = (FOLDER.parents[2] / "docs/fidelity.md").read_text()
    assert [why for why in {*UNBRANDED.values()} if f"\n| {why} | " not in page] == []
    assert [why.slug for why in {*REFUSED.values(), reply.TOO_DEEP, reply.LOOP} if f"#{why.slug})" not in page] == []


def test_own_messages_are_verified_by_each_verifier():
    sealed = {name: seal(prepared(content).content) for name, content in OWN.items() if name not in REFUSED}
    found = dict(zip(sealed, verdicts(list(sealed.values())), strict=True))
    assert {name: each for name, each in found.items() if set(each) != {"pass"}} == {}


# -- Refused by their size or depth, made here --------------------------------------------------------------------


def nested(depth: int) -> bytes:
    levels = range(depth)
    opening = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in levels)
    closing = b"".join(b"--b%d--\r\n" % n for n in reversed(levels))
    head = b"From: a@example.ca\r\nMIME-Version: 1.0\r\n"
    return head + opening + b"Content-Type: text/plain\r\n\r\nwords\r\n" + closing


def test_parts_nested_deep_are_branded_up_to_a_limit_and_refused_beyond_it():
    assert judge(nested(50), prepared(nested(50)).content, SERVICE).damage == ()
    for depth in (51, 500, 20_000):
        with pytest.raises(Refused) as refused:
            prepared(nested(depth))
        assert (refused.value.reply, refused.value.reply.code) == (reply.TOO_DEEP, 554)


def test_more_than_50_trace_fields_are_refused():
    traces = b"Received: from a by b; Mon, 02 Jun 2025 09:00:00 -0400\r\n"
    assert prepared(traces * 50 + OWN["plain-no-mime"])
    with pytest.raises(Refused) as refused:
        prepared(traces * 51 + OWN["plain-no-mime"])
    assert refused.value.reply is reply.LOOP


# -- What single messages are there for ---------------------------------------------------------------------------


def sent(name: str) -> Part:
    return read(prepared(OWN[name]).content)


def field(name: str) -> Callable[[Part], list[str]]:
    return lambda part: [each.text for each in part.all(name)]


@pytest.mark.parametrize(
    ("name", "seen", "expected"),
    [
        ("header-single-twice", field("subject"), ["First"]),
        ("header-single-twice", field("list-id"), ["one"]),
        ("header-list-unsubscribe", field("list-unsubscribe-post"), ["List-Unsubscribe=One-Click"]),
        ("header-answer", field("references"), ["<n1@dept.example.ca> <m402@dept.example.ca>"]),
        ("header-answers-elsewhere", field("errors-to"), []),
        ("header-mbox-line", field("subject"), ["From a mail store"]),
        ("from-missing", field("from"), ["=?utf-8?B?U2FudMOpIHB1YmxpcXVl?= <sante@notification.example.ca>"]),
        ("from-twice", field("reply-to"), ["Claire Roy <claire.roy@dept.example.ca>"]),
        ("from-missing", field("reply-to"), []),
        ("from-empty", field("reply-to"), []),
        ("from-group-empty", field("reply-to"), []),
        ("from-group", field("reply-to"), ["claire.roy@dept.example.ca, ann.lee@dept.example.ca"]),
        (
            "from-several",
            field("reply-to"),
            ['"Roy, Claire" <claire.roy@dept.example.ca>, Ann Lee <ann.lee@dept.example.ca>'],
        ),
        (
            "from-encoded-in-quotes",
            field("reply-to"),
            ["=?utf-8?B?Q2xhaXJlIEPDtHTDqQ==?= <claire.cote@dept.example.ca>"],
        ),
        ("from-raw-8bit", field("reply-to"), ["=?utf-8?B?Q2xhaXJlIEPDtHTDqQ==?= <claire.cote@dept.example.ca>"]),
        ("from-idna", field("reply-to"), ["Claire <claire@xn--ministre-60a.example>"]),
    ],
)  # fmt: skip
def test_field_is_sent_as(name, seen, expected):
    assert seen(sent(name)) == expected


def test_list_unsubscribe_pair_is_signed():
    signature = read(seal(prepared(OWN["header-list-unsubscribe"]).content)).all("dkim-signature")[0].text
    names = signature.partition("h=")[2].partition(";")[0].lower().split(":")
    assert {"list-unsubscribe", "list-unsubscribe-post"} <= {name.strip() for name in names}
