from uuid import UUID

import pytest

from messages.message import parse_id

TEXT = "018f3b6a-0000-7000-8000-0123456789AB"


def test_an_id_is_read_in_any_case() -> None:
    assert parse_id(TEXT) == parse_id(TEXT.lower()) == UUID(TEXT)


@pytest.mark.parametrize(
    "other", ["", "x" + TEXT, TEXT + "\n", TEXT.replace("-", ""), f"{{{TEXT}}}", f"urn:uuid:{TEXT}", 7, None, [TEXT]]
)
def test_other_ways_to_write_one_are_none(other: object) -> None:
    assert parse_id(other) is None
