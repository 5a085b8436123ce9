import pytest

from messages.email.mailboxes import parse_mailboxes


@pytest.mark.parametrize("name", ["x " * 9_000, '"' + "x " * 9_000 + '" '], ids=["plain", "quoted"])
def test_an_entry_that_is_too_long_names_nobody_however_it_is_written(name: str) -> None:
    assert parse_mailboxes(f"{name}<a@example.org>") == []
    assert [str(each.address) for each in parse_mailboxes(f"{name[:100].strip(chr(34))}<a@example.org>")] == [
        "a@example.org"
    ]
