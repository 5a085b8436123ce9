"""How many connections a process takes."""

from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry

from config.settings import Smtp
from messages import reply
from messages.reply import Refused, Reply
from relay.metrics import DoorMetrics
from relay.smtp.connections import Connections


def connections(limit: int, per_address: int, per_key: int = 200) -> tuple[Connections[str], CollectorRegistry]:
    registry = CollectorRegistry()
    settings = Smtp(max_connections=limit, max_connections_per_address=per_address, max_connections_per_key=per_key)
    return Connections(settings, DoorMetrics(registry).smtp_connections), registry


def let_in(all_of_them: Connections[str], session: str, address: str) -> Reply | None:
    refusal = all_of_them.admit(session) or all_of_them.locate(session, address)
    if refusal and session in set(all_of_them):
        all_of_them.leave(session)
    return refusal


def test_each_limit_holds_and_a_place_comes_free() -> None:
    all_of_them, registry = connections(3, 2)
    assert let_in(all_of_them, "a", "192.0.2.1") is None
    assert let_in(all_of_them, "b", "192.0.2.1") is None
    assert let_in(all_of_them, "c", "192.0.2.1") is reply.TOO_MANY_CONNECTIONS
    assert let_in(all_of_them, "d", "192.0.2.2") is None
    assert let_in(all_of_them, "e", "192.0.2.3") is reply.TOO_MANY_CONNECTIONS
    assert registry.get_sample_value("relay_smtp_connections") == 3
    all_of_them.leave("a")
    assert let_in(all_of_them, "c", "192.0.2.1") is None
    assert set(all_of_them) == {"b", "c", "d"}


def test_one_whose_client_is_not_known_yet_counts_in_all_and_for_nobody() -> None:
    all_of_them, registry = connections(3, 1)
    assert [all_of_them.admit(session) for session in "abcd"] == [None, None, None, reply.TOO_MANY_CONNECTIONS]
    for session in "abc":
        all_of_them.leave(session)
    assert registry.get_sample_value("relay_smtp_connections") == 0


def test_key_has_a_limit_of_its_own_wherever_its_sessions_come_from() -> None:
    all_of_them, _ = connections(10, 10, per_key=2)
    ours, others = UUID(int=1), UUID(int=2)
    for name in "abcd":
        assert all_of_them.admit(name) is None
    all_of_them.join("a", ours)
    all_of_them.join("a", ours)  # again at each message
    all_of_them.join("b", ours)
    with pytest.raises(Refused) as caught:
        all_of_them.join("c", ours)
    assert caught.value.reply is reply.TOO_MANY_OF_KEY
    all_of_them.join("c", others)
    all_of_them.leave("a")
    all_of_them.join("d", ours)
    all_of_them.join("b", others)  # the session has changed its key
    all_of_them.join("c", ours)
    assert all_of_them._per_key == {ours: 2, others: 1}
    for name in "bcd":
        all_of_them.leave(name)
    assert not all_of_them._per_key
