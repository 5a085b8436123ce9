"""What people may type for guests, senders, names and domains, and how a password may be written. No database."""

import pytest

from auth import guests, keys, senders, services, verify
from auth.domains import names
from auth.errors import AuthError

SECRET = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Someone@Example.CA", "someone@example.ca"),
        (" someone@example.ca ", "someone@example.ca"),
        ("+1 (613) 555-0100", "+16135550100"),
    ],
)
def test_guest_is_kept_as_it_is_compared(typed: str, kept: str) -> None:
    assert guests.parse(typed) == kept


@pytest.mark.parametrize("typed", ["", "someone", "someone@", "a b@example.ca", "61355501", "+1", "+0123456789"])
def test_what_is_no_address_or_number_is_no_guest(typed: str) -> None:
    with pytest.raises(AuthError):
        guests.parse(typed)


def test_sender_may_be_an_address_or_a_domain() -> None:
    assert senders.parse("Info@Example.ca") == "info@example.ca"
    assert senders.parse("@Example.ca") == "@example.ca"


@pytest.mark.parametrize("typed", ["example.ca", "@", "@localhost", "a@b@"])
def test_what_is_neither_is_no_sender(typed: str) -> None:
    with pytest.raises(AuthError):
        senders.parse(typed)


@pytest.mark.parametrize("typed", ["", "   ", "x" * 101, "a\x00b", "bell\x07"])
def test_name_that_could_break_a_header_field_is_refused(typed: str) -> None:
    with pytest.raises(AuthError):
        services.parse_name(typed)


def test_domain_is_kept_in_ascii_lower_case() -> None:
    assert names.parse_name("Québec.Example.CA.") == "xn--qubec-csa.example.ca"
    with pytest.raises(AuthError):
        names.parse_name("localhost")


@pytest.mark.parametrize(
    "typed",
    [
        SECRET,
        SECRET.upper(),
        SECRET.replace("-", ""),
        f" {SECRET}\n",
        f"gcntfy-my-key-3d844edf-8d35-48ac-975b-e847b4f122b0-{SECRET}",
    ],
)
def test_password_may_be_written_in_every_form_of_the_secret(typed: str) -> None:
    assert verify._parse_password(typed) == SECRET


@pytest.mark.parametrize("typed", ["", "x", SECRET[:-1], SECRET + "0", f"gcntfy-{SECRET}", "x" * 10_000_000])
def test_what_is_no_secret_is_no_password(typed: str) -> None:
    assert verify._parse_password(typed) == ""


@pytest.mark.parametrize("name", ["Permis de conduire: été", "日本", "x" * 100, "---", "A"])
def test_user_name_has_at_most_32_plain_characters_and_is_unique(name: str) -> None:
    names = {keys._username(name, name) for _ in range(50)}
    assert len(names) == 50
    assert all(verify._USERNAME.fullmatch(each) for each in names)
