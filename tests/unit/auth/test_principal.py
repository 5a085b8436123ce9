"""What a principal may do, and what counts against which limit. No database."""

from dataclasses import replace
from uuid import uuid4

import pytest

from auth.limits import YEAR_SECONDS, charges, most
from auth.principal import DisplayName, Key, Principal, ReplyTo, Service
from messages.message import Channel, KeyType, Language

SERVICE = Service(
    id=uuid4(),
    name="Passports",
    email_from="passports",
    domain="notification.example.ca",
    live=True,
    held=False,
    display_name=DisplayName.SERVICE,
    reply_to=ReplyTo.REGISTERED,
    reply_to_address=None,
    language=Language.EN,
    branding="default",
    per_day=1000,
    email_template_id=uuid4(),
    created_at=1.0,
)
KEY = Key(
    id=uuid4(),
    service_id=SERVICE.id,
    name="scanner",
    type=KeyType.NORMAL,
    smtp_username="passports-scanner-aaaaaaaa",
    lane=None,
    language=None,
    branding=None,
    per_minute=60,
    created_at=1.0,
    expires_at=None,
    revoked_at=None,
    last_used_at=None,
)


def principal(key_type: KeyType = KeyType.NORMAL, live: bool = True) -> Principal:
    return Principal(
        service=replace(SERVICE, live=live),
        key=replace(KEY, type=key_type),
        guests=frozenset({"guest@example.ca"}),
        registered=frozenset(),
    )


@pytest.mark.parametrize(
    ("key_type", "live", "stranger", "guest"),
    [
        (KeyType.NORMAL, True, True, True),
        (KeyType.NORMAL, False, False, True),
        (KeyType.TEAM, True, False, True),
        (KeyType.TEAM, False, False, True),
        (KeyType.TEST, True, True, True),
        (KeyType.TEST, False, True, True),
    ],
)
def test_team_keys_and_trial_services_reach_only_guests(
    key_type: KeyType, live: bool, stranger: bool, guest: bool
) -> None:
    who = principal(key_type, live)
    assert who.may_reach("stranger@example.ca") is stranger
    assert who.may_reach("guest@example.ca") is guest


def test_real_messages_count_against_their_key_and_their_channels_year_and_day() -> None:
    minute, year, day = charges(principal(), {Channel.EMAIL})
    assert (minute.holder, minute.span_seconds, minute.limit) == (KEY.id, 60, 60)
    assert (year.holder, year.span_seconds, year.limit) == (SERVICE.id, YEAR_SECONDS, SERVICE.emails_per_year)
    assert (day.holder, day.span_seconds, day.limit) == (SERVICE.id, 86_400, 1000)
    _, *of_texts = charges(principal(), {Channel.SMS})
    assert [each.limit for each in of_texts] == [SERVICE.texts_per_year, SERVICE.texts_per_day]
    assert set(charges(principal(), set(Channel))) == {minute, year, day, *of_texts}
    windows = {each.window(1_790_000_000) for each in (minute, year, day, *of_texts)}
    assert len(windows) == 5


@pytest.mark.parametrize("channel", Channel)
def test_test_messages_count_against_their_key_and_their_services_day_of_tests(channel: Channel) -> None:
    own, tests = charges(principal(KeyType.TEST), {channel})
    assert own.holder == KEY.id
    assert tests.window(0).holder not in (KEY.id, SERVICE.id)
    assert tests.limit == SERVICE.tests_per_day


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("key_type", [KeyType.NORMAL, KeyType.TEST])
@pytest.mark.parametrize("least", range(6))
def test_a_submission_holds_as_many_messages_as_the_smallest_of_its_charges(
    least: int, key_type: KeyType, channel: Channel
) -> None:
    names = ("emails_per_year", "per_day", "texts_per_year", "texts_per_day", "tests_per_day")
    limits = {name: 5 if at == least else 9 for at, name in enumerate(names)}
    who = principal(key_type)
    who = replace(
        who, service=replace(who.service, **limits), key=replace(who.key, per_minute=5 if least == len(names) else 9)
    )
    assert most(who, channel) == min(each.limit for each in charges(who, {channel}))


def test_key_ends_at_its_expiry() -> None:
    key = replace(KEY, expires_at=100.0)
    assert not key.is_revoked(99.9)
    assert key.is_revoked(100.0)


@pytest.mark.parametrize(
    ("client_ip", "allowed"),
    [
        ("192.0.2.7", True),
        ("::ffff:192.0.2.7", True),
        ("2001:db8::1", True),
        ("192.0.3.7", False),
        ("", False),
        (None, False),
    ],
)
def test_key_with_networks_logs_in_only_from_them(client_ip: str | None, allowed: bool) -> None:
    key = replace(KEY, networks=("192.0.2.0/24", "2001:db8::/32"))
    assert key.may_log_in_from(client_ip) is allowed
    assert KEY.may_log_in_from(client_ip)
