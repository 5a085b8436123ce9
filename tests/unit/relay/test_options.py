"""The X-Notify-* fields a sender may use."""

from datetime import UTC, datetime

import pytest

from messages import reply
from messages.email.content import HeaderSection
from messages.message import Lane, Language
from messages.reply import Refused
from relay.options import Options, parse

NOW = datetime(2026, 9, 21, 13, 33, 20, tzinfo=UTC).timestamp()


def options(fields: str) -> Options:
    return parse(HeaderSection.parse(f"From: a@b.ca\r\n{fields}\r\n\r\nx\r\n".encode()), NOW)


def test_no_field_means_as_the_key_says() -> None:
    assert options("Subject: s") == Options(None, None, None, None, None, None, None)


def test_every_field_is_read() -> None:
    found = options(
        "X-Notify-Reference: file 42/é\r\nx-notify-lane: Bulk\r\nX-Notify-Language: fr\r\nX-Notify-Branding: none\r\n"
        "X-Notify-Scheduled-For: 2026-09-21T14:33:20Z\r\nX-Notify-Expires: 600\r\n"
        'X-Notify-Idempotency-Key: list 7,\r\n part "a" '
    )
    assert found == Options("file 42/é", Lane.BULK, Language.FR, "none", NOW + 3600, 600, 'list 7, part "a"')


@pytest.mark.parametrize(
    ("value", "reference"),
    [
        ("=?utf-8?q?caf=C3=A9-17?=", "café-17"),
        ("=?UTF-8?B?Y2Fmw6k=?=\r\n =?utf-8?q?_17?=", "café 17"),
        ("=?utf-8?q?caf=C3?=\r\n =?utf-8?q?=A9?= 17", "café 17"),
        ("file\r\n =?iso-8859-1*fr?Q?=E9t=E9?=\r\n\t2026", "file été 2026"),
        ("=?utf-8?q?a=0D=0Ab?=", "a b"),
        ("=?utf-8?q?=20?=", None),
        ("=?utf-8?q?" + "x" * 1000 + "?=", "x" * 1000),
        ("=?what", "=?what"),
    ],
)
def test_a_reference_is_read_from_its_encoded_words(value: str, reference: str | None) -> None:
    assert options(f"X-Notify-Reference: {value}").reference == reference


def test_every_field_may_be_written_in_encoded_words() -> None:
    found = options(
        "X-Notify-Lane: =?utf-8?q?Bulk?=\r\nX-Notify-Language: =?us-ascii?b?ZnI=?=\r\n"
        "X-Notify-Branding: =?utf-8?q?none?=\r\nX-Notify-Expires: =?utf-8?q?600?=\r\n"
        "X-Notify-Scheduled-For: =?utf-8?q?2026-09-21T14=3A33=3A20Z?=\r\n"
        "X-Notify-Idempotency-Key: =?utf-8?q?list?= =?utf-8?q?_7?="
    )
    assert found == Options(None, Lane.BULK, Language.FR, "none", NOW + 3600, 600, "list 7")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2026-09-21T13:33:30", 10),
        ("2026-09-21T09:33:30-04:00", 10),
        ("20260921T133330Z", 10),
        ("2026-09-22", 37600),
    ],
)
def test_scheduled_for_is_iso_8601_in_utc_unless_it_says_otherwise(value: str, seconds: float) -> None:
    assert options(f"X-Notify-Scheduled-For: {value}").scheduled_for == NOW + seconds


def test_scheduled_for_in_the_past_is_now() -> None:
    assert options("X-Notify-Scheduled-For: 2020-01-01").scheduled_for is None


def test_empty_fields_say_nothing() -> None:
    assert options("X-Notify-Lane:\r\nX-Notify-Reference: ") == Options(None, None, None, None, None, None, None)


@pytest.mark.parametrize(
    "field",
    [
        "X-Notify-Lane: express",
        "X-Notify-Language: de",
        "X-Notify-Branding: ../etc",
        "X-Notify-Reference: " + "x" * 1001,
        "X-Notify-Reference: =?utf-8?q?" + "x" * 1001 + "?=",
        "X-Notify-Reference: a" + "=?utf-8?q??= " * 2000 + "b",
        "X-Notify-Idempotency-Key: =?utf-8?q?caf=C3=A9?=",
        "X-Notify-Idempotency-Key: =?utf-8?q?a=00b?=",
        "X-Notify-Expires: soon",
        "X-Notify-Expires: 0",
        "X-Notify-Expires: -5",
        "X-Notify-Expires: 99999999999",
        "X-Notify-Scheduled-For: tomorrow",
        "X-Notify-Scheduled-For: 2026-10-21",
        "X-Notify-Scheduled-For: 9999-12-31T23:59:59-23:59",
        "X-Notify-Lane: bulk\r\nX-Notify-Lane: normal",
        "X-Notify-Idempotency-Key: a\r\nX-Notify-Idempotency-Key: a",
        "X-Notify-Idempotency-Key: " + "x" * 256,
        "X-Notify-Idempotency-Key: a\0",
        "X-Notify-Idempotency-Key: a\x1f",
        "X-Notify-Idempotency-Key: a\tb",
        "X-Notify-Idempotency-Key: é",
        "X-Notify-Idempotency-Key: a\u00a0",
    ],
)
def test_wrong_value_is_refused_with_the_name_of_its_field(field: str) -> None:
    with pytest.raises(Refused) as caught:
        options(field)
    assert caught.value.reply is reply.BAD_OPTION
    assert field.partition(":")[0] in caught.value.line()
