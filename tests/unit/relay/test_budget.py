"""The memory budget of what is in transfer: each has a share, others always find room."""

from uuid import UUID, uuid4

import pytest

from messages import reply
from messages.message import KeyType
from messages.reply import Refused
from relay.budget import Budget, Share, parts
from tests.fakes.principals import make_principal

MIB = 1 << 20
LARGEST = 25 * MIB


def test_share_takes_bytes_as_they_come_and_refuses_what_was_announced_and_has_no_room() -> None:
    """Sizes that are announced and never sent keep nobody out."""
    pool = Budget(1000, 1000)
    with Share(pool, 600, {}) as first, Share(pool, 600, {}) as second:
        assert pool.used == 0
        assert first.cover(600) is None
        assert second.cover(600) is reply.MEMORY_FULL
        with pytest.raises(Refused) as caught:
            Share(pool, 600, {})
        assert caught.value.reply is reply.MEMORY_FULL
    assert pool.used == 0


def fill(pool: Budget, held: dict[UUID, float], size: int = LARGEST) -> int:
    """How many bytes one gets who wants all."""
    before = pool.used
    for _ in range(100):
        share = Share(pool, 0, held)
        for amount in range(0, size + 1, MIB):
            share.cover(amount)
    return pool.used - before


def test_a_key_alone_has_a_third_and_a_service_a_half() -> None:
    pool, service = Budget(256 * MIB, LARGEST), uuid4()
    assert fill(pool, {service: 1.0, uuid4(): 0.5}) == 85 * MIB
    assert fill(pool, {service: 1.0, uuid4(): 0.5}) == pytest.approx(43 * MIB, abs=15 * MIB)
    while fill(pool, {service: 1.0, uuid4(): 0.5}):
        assert pool.used <= 128 * MIB
    assert fill(pool, {uuid4(): 1.0, uuid4(): 0.5}) >= LARGEST


def test_one_message_of_any_key_fits_where_there_is_room() -> None:
    """Else what is as large as may be would hear "later" for ever."""
    pool = Budget(30 * MIB, LARGEST)
    assert Share(pool, LARGEST, {uuid4(): 0.25}).cover(LARGEST) is None


def test_who_has_his_share_is_told_so_and_others_go_on() -> None:
    pool, greedy = Budget(1000, 0), {uuid4(): 0.5}
    with Share(pool, 0, greedy) as first, Share(pool, 0, greedy) as second:
        assert first.cover(300) is None
        assert second.cover(100) is reply.SHARE_FULL
        with pytest.raises(Refused) as caught:
            Share(pool, 100, greedy)
        assert caught.value.reply is reply.SHARE_FULL
        assert Share(pool, 200, {uuid4(): 0.5}).cover(200) is None
    assert Share(pool, 200, greedy).cover(200) is None


def test_a_test_key_holds_the_least() -> None:
    of = {kind: sum(parts(make_principal(key_type=kind)).values()) for kind in KeyType}
    assert of[KeyType.TEST] < of[KeyType.TEAM] == of[KeyType.NORMAL]
