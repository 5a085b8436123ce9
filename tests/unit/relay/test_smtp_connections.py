"""How many connections a process takes."""

from prometheus_client import CollectorRegistry

from config.settings import Smtp
from messages import reply
from relay.metrics import DoorMetrics
from relay.smtp.connections import Connections


def connections(limit: int, per_address: int) -> tuple[Connections[str], CollectorRegistry]:
    registry = CollectorRegistry()
    settings = Smtp(max_connections=limit, max_connections_per_address=per_address)
    return Connections(settings, DoorMetrics(registry).smtp_connections), registry


def test_each_limit_holds_and_a_place_comes_free() -> None:
    all_of_them, registry = connections(3, 2)
    assert all_of_them.admit("a", "192.0.2.1") is None
    assert all_of_them.admit("b", "192.0.2.1") is None
    assert all_of_them.admit("c", "192.0.2.1") is reply.TOO_MANY_CONNECTIONS
    assert all_of_them.admit("d", "192.0.2.2") is None
    assert all_of_them.admit("e", "192.0.2.3") is reply.TOO_MANY_CONNECTIONS
    assert registry.get_sample_value("relay_smtp_connections") == 3
    all_of_them.leave("a")
    assert all_of_them.admit("c", "192.0.2.1") is None
    assert set(all_of_them) == {"b", "c", "d"}


def test_closed_means_nobody() -> None:
    all_of_them, _ = connections(3, 2)
    all_of_them.close()
    assert all_of_them.admit("a", "192.0.2.1") is reply.SHUTTING_DOWN
