"""Who asks too often waits, and nobody else does."""

from relay.pace import Pace


def test_an_address_may_so_often_in_so_long() -> None:
    now = 1000.0
    pace = Pace(lambda: now)

    assert [pace.take("contact", "192.0.2.1", 2, 60) for _ in range(3)] == [True, True, False]
    assert pace.take("contact", "192.0.2.2", 2, 60)
    assert pace.take("other", "192.0.2.1", 2, 60)
    now += 60
    assert pace.take("contact", "192.0.2.1", 2, 60)


def test_a_network_of_ipv6_is_one_address() -> None:
    pace = Pace(lambda: 0.0)

    assert pace.take("contact", "2001:db8::1", 1, 60)
    assert not pace.take("contact", "2001:db8::2", 1, 60)


def test_memory_is_bounded() -> None:
    pace = Pace(lambda: 0.0)
    for n in range(20_000):
        pace.take("contact", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", 1, 60)

    assert len(pace._taken["contact"]) <= 10_000


def test_many_addresses_push_no_service_out() -> None:
    pace = Pace(lambda: 0.0)
    assert pace.take("invitation", "of a service", 1, 60)
    for n in range(20_000):
        pace.take("contact", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", 1, 60)

    assert not pace.take("invitation", "of a service", 1, 60)
