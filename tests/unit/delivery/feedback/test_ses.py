"""What SES says, shape by shape (tests/data/events), and what hostile JSON can do: nothing."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.feedback import ses
from delivery.feedback.base import DETAIL_CHARACTERS, MAX_CHARACTERS, Unreadable
from delivery.feedback.reading import read
from delivery.store.base import EventKind
from messages.status import FINAL, Status, advance
from tests.fakes.events import SCRIPTS, tell

FILES = sorted((Path(__file__).parents[3] / "data/events").glob("*.json"))
DELIVERY = json.loads((Path(__file__).parents[3] / "data/events/delivery.json").read_text())["told"]

SEVERAL = ("bounce-two-recipients", "complaint-several-suspects")


def changed(**changes: Any) -> str:
    return json.dumps(DELIVERY | changes)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_shape_says_what_it_means(file: Path) -> None:
    case = json.loads(file.read_text())
    found = [asdict(event) for event in read(json.dumps(case["told"]))]
    for event in found:
        assert (event.pop("provider"), event.pop("carriage")) == ("ses", None)
        event.pop("id")
        assert event.pop("several") is (file.stem in SEVERAL)
        for name in ("message_id", "attempt_id"):
            event[name] = event[name] and str(event[name])
    assert found == [each | {"at": pytest.approx(each["at"])} for each in case["expected"]]


def test_the_files_show_every_kind_that_we_know() -> None:
    shown = {each["kind"] for file in FILES for each in json.loads(file.read_text())["expected"]}
    assert shown == {kind.value for kind in EventKind}


def test_told_twice_it_is_the_same_event_and_told_of_another_it_is_not() -> None:
    ids = {event.id for file in FILES for event in read(json.dumps(json.loads(file.read_text())["told"]))}
    again = {event.id for file in FILES for event in read(json.dumps(json.loads(file.read_text())["told"]))}
    assert ids == again
    (first,) = read(changed())
    (other,) = read(changed(mail=DELIVERY["mail"] | {"messageId": "another"}))
    assert first.id != other.id


def test_both_formats_of_one_bounce_are_one_event() -> None:
    bounce = json.loads((FILES[0].parent / "bounce-permanent-no-email.json").read_text())["told"]
    notification = json.loads((FILES[0].parent / "bounce-notification.json").read_text())["told"]
    assert [e.id for e in read(json.dumps(bounce))] == [e.id for e in read(json.dumps(notification))]


def test_two_recipients_make_two_events() -> None:
    first, second = read(json.dumps(json.loads((FILES[0].parent / "bounce-two-recipients.json").read_text())["told"]))
    assert first.id != second.id


def test_the_greeting_of_a_new_topic_is_no_event() -> None:
    assert read("Successfully validated SNS topic for Amazon SES event publishing.") == ()


def test_what_the_remote_server_said_is_cut_and_commands_no_terminal() -> None:
    said = {"recipients": ["a@example.org"], "smtpResponse": "\x1b[2J250 " + "é" * 5000}
    (event,) = read(changed(delivery=said))
    assert event.detail is not None
    assert len(event.detail) <= DETAIL_CHARACTERS
    assert "\x1b" not in event.detail


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        "null",
        '"text"',
        "{}",
        "[" * 100_000,
        '{"a":' * 50_000,
        '{"eventType": 1' + "0" * 5000 + "}",
        " " * (MAX_CHARACTERS + 1),
        changed(eventType=7),
        changed(eventType=None),
        changed(mail=None),
        changed(mail=[]),
        changed(mail="x"),
        changed(mail=DELIVERY["mail"] | {"messageId": ""}),
        changed(mail=DELIVERY["mail"] | {"messageId": "a\u0000b"}),
        changed(mail=DELIVERY["mail"] | {"messageId": "x" * 201}),
        changed(mail=DELIVERY["mail"] | {"messageId": "\ud800"}),
        changed(delivery="x"),
        changed(delivery={"timestamp": "yesterday"}),
        changed(delivery={"timestamp": "0001-01-01T00:00:00+23:59"}),
        changed(delivery={"timestamp": "9999-12-31T23:59:59-23:59"}),
        changed(delivery={"timestamp": 1e999}),
        changed(delivery={"recipients": "ana@example.org"}),
        changed(delivery={"recipients": ["a"], "smtpResponse": "\udfff"}),
        changed(delivery={"recipients": ["a"], "smtpResponse": ["250"]}),
        changed(eventType="Bounce", bounce={"bounceType": {}}),
    ],
    ids=range(28),
)
def test_what_is_not_as_documented_is_unreadable_and_nothing_else(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([*ses._KINDS, "Open"])
OBJECTS = st.sampled_from([name for _, name in ses._KINDS.values()])


@given(
    NAMES,
    OBJECTS,
    st.dictionaries(st.sampled_from(["timestamp", "feedbackId", "bounceType", "recipients", "reason"]), JSON),
    st.dictionaries(st.sampled_from(["messageId", "timestamp", "tags"]), JSON),
    JSON,
)
def test_no_json_raises_anything_but_unreadable(kind: str, name: str, more: Any, mail: Any, anything: Any) -> None:
    for told in ({"eventType": kind, "mail": DELIVERY["mail"] | mail, name: more}, anything):
        try:
            events = read(json.dumps(told))
        except Unreadable:
            continue
        for event in events:
            assert event.reason is None or event.reason.isascii()
            assert "\x00" not in event.provider_id


@st.composite
def _stories(draw: st.DrawFn) -> tuple[list[Status], list[Status]]:
    """What a list of events says of a message's end, in two orders."""
    scripts = draw(st.lists(st.sampled_from(sorted(SCRIPTS)), min_size=1, max_size=4))
    texts = [tell(step, "id", ["a@example.org"], {}, 1.79e9, "r") for name in scripts for step in SCRIPTS[name]]
    said = [event.status for text in texts for event in read(text) if event.status in FINAL]
    return [each for each in said if each], draw(st.permutations([each for each in said if each]))


@given(_stories(), st.sampled_from([Status.CREATED, Status.SENDING]))
def test_events_end_a_message_alike_in_whatever_order_they_come(
    story: tuple[list[Status], list[Status]], start: Status
) -> None:
    ends = []
    for order in story:
        status = start
        for said in order:
            status = advance(status, said)
        ends.append(status)
    assert ends[0] is ends[1]
