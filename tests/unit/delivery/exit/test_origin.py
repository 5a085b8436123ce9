"""Which number a text leaves from."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from delivery.exit.origin import choose
from delivery.library.origination import ANYWHERE, Kind, OriginationIdentity
from messages.message import Channel, Language, Message
from messages.phone import PhoneNumber
from tests.fakes.messages import make_message

SERVICE, OTHER = uuid4(), uuid4()


def sender(name: str, **changes: Any) -> OriginationIdentity:
    given = {
        "id": UUID(int=sum(name.encode()) << 64),
        "kind": Kind.LONG_CODE,
        "identity": name,
        "service_id": None,
        "countries": ("CA",),
        "preferred": True,
        "parts_per_second": 1.0,
        "language": Language.BOTH,
        "self_managed_opt_outs": False,
        "created_at": 0.0,
    }
    return OriginationIdentity(**(given | changes))


SHARED, ABROAD = sender("shared"), sender("abroad", countries=("US",))
REST = sender("rest", countries=(ANYWHERE,))
OWN, THEIRS = sender("own", service_id=SERVICE), sender("theirs", service_id=OTHER)
SPARE = sender("spare", preferred=False)


def text(number: str = "+16135550142", **changes: Any) -> Message:
    return make_message(PhoneNumber(number), channel=Channel.SMS, service_id=SERVICE, **changes)


def chosen(senders: Sequence[OriginationIdentity], message: Message) -> OriginationIdentity | None:
    return choose(senders, message)


EVERY = (SHARED, ABROAD, REST, THEIRS, SPARE)


@pytest.mark.parametrize(
    ("senders", "number", "expected"),
    [
        (EVERY, "+16135550142", SHARED),
        ((*EVERY, OWN), "+16135550142", OWN),  # its service's before everybody's
        ((*EVERY, OWN), "+12025550142", ABROAD),  # which does not go there
        (EVERY, "+442079460958", REST),
        ((SHARED, ABROAD), "+442079460958", None),
        ((THEIRS, SPARE), "+16135550142", None),
        ((), "+16135550142", None),
        (EVERY, "+12423225555", REST),  # the Bahamas: +1 is several countries
    ],
)
def test_a_text_leaves_from_what_serves_its_country(
    senders: Sequence[OriginationIdentity], number: str, expected: OriginationIdentity | None
) -> None:
    assert chosen(senders, text(number)) == expected


def test_a_text_that_names_its_sender_leaves_from_that_one_or_waits() -> None:
    assert chosen(EVERY, text(sender_id=SPARE.id)) == SPARE
    assert chosen(EVERY, text(sender_id=THEIRS.id)) is None
    assert chosen(EVERY, text(sender_id=uuid4())) is None


PEOPLE = [f"+1613555{n:04}" for n in range(2000)]


def test_several_share_the_load_by_what_they_carry_and_one_person_hears_from_one() -> None:
    senders = [sender("a"), sender("b"), sender("code", parts_per_second=8.0, kind=Kind.SHORT_CODE)]
    first = {number: chosen(senders, text(number)) for number in PEOPLE}
    again = {number: chosen(senders[::-1], text(number)) for number in PEOPLE}
    assert first == again
    counts = Counter(each.identity for each in first.values() if each)
    assert counts["code"] / len(PEOPLE) == pytest.approx(0.8, abs=0.05)
    assert counts["a"] / len(PEOPLE) == pytest.approx(0.1, abs=0.03)


def test_one_more_takes_its_share_and_moves_nobody_else() -> None:
    before, after = [sender("a"), sender("b"), sender("c")], [sender("a"), sender("b"), sender("c"), sender("d")]
    moved = [
        (was, now) for number in PEOPLE if (was := chosen(before, text(number))) != (now := chosen(after, text(number)))
    ]
    assert {now.identity for _, now in moved if now} == {"d"}
    assert len(moved) / len(PEOPLE) == pytest.approx(0.25, abs=0.04)
