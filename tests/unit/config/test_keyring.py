import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.keyring import Keyring, KeyringError

OLD, NEW = Keyring.generate(), Keyring.generate()
ROW = b"row 1"


@given(st.binary(max_size=1000))
def test_value_opens_for_its_row(plain: bytes) -> None:
    cipher = Keyring.parse(OLD).cipher("content")

    assert cipher.decrypt(cipher.encrypt(plain, ROW), ROW) == plain


def test_equal_values_are_encrypted_differently() -> None:
    cipher = Keyring.parse(OLD).cipher("content")

    assert cipher.encrypt(b"same", ROW) != cipher.encrypt(b"same", ROW)


def test_value_moved_to_another_row_does_not_open() -> None:
    cipher = Keyring.parse(OLD).cipher("content")

    with pytest.raises(KeyringError, match="another row"):
        cipher.decrypt(cipher.encrypt(b"x", ROW), b"row 2")


def test_value_of_another_purpose_does_not_open() -> None:
    keyring = Keyring.parse(OLD)

    with pytest.raises(KeyringError, match="not configured"):
        keyring.cipher("recipient").decrypt(keyring.cipher("content").encrypt(b"x", ROW), ROW)


@pytest.mark.parametrize("place", [0, 4, 16, -1])
def test_damaged_value_does_not_open(place: int) -> None:
    cipher = Keyring.parse(OLD).cipher("content")
    value = bytearray(cipher.encrypt(b"some text", ROW))
    value[place] ^= 1

    with pytest.raises(KeyringError):
        cipher.decrypt(bytes(value), ROW)


@pytest.mark.parametrize("length", range(17))
def test_value_that_was_cut_does_not_open(length: int) -> None:
    cipher = Keyring.parse(OLD).cipher("content")

    with pytest.raises(KeyringError):
        cipher.decrypt(cipher.encrypt(b"some text", ROW)[:length], ROW)


def test_during_a_rotation_the_first_root_writes_and_all_read() -> None:
    before = Keyring.parse(OLD).cipher("content").encrypt(b"x", ROW)
    both = Keyring.parse(f"{NEW}, {OLD}").cipher("content")
    after = both.encrypt(b"x", ROW)

    assert both.decrypt(before, ROW) == both.decrypt(after, ROW) == b"x"
    assert (before.startswith(both.id), after.startswith(both.id)) == (False, True)
    assert Keyring.parse(NEW).cipher("content").decrypt(after, ROW) == b"x"
    with pytest.raises(KeyringError, match="not configured"):
        Keyring.parse(NEW).cipher("content").decrypt(before, ROW)


def test_hashes_differ_by_root_and_purpose_and_are_all_looked_up_during_a_rotation() -> None:
    old, new = Keyring.parse(OLD), Keyring.parse(NEW)
    both = Keyring.parse(f"{NEW},{OLD}").hasher("recipient")

    assert old.hasher("recipient").hash("you@example.com") != new.hasher("recipient").hash("you@example.com")
    assert old.hasher("recipient").hash("you@example.com") != old.hasher("guest").hash("you@example.com")
    assert both.hash("x") == new.hasher("recipient").hash("x")
    assert both.candidates("x") == (new.hasher("recipient").hash("x"), old.hasher("recipient").hash("x"))


def test_cipher_and_hasher_of_one_purpose_use_different_keys() -> None:
    keyring = Keyring.parse(OLD)

    assert keyring.cipher("guest").id != keyring.hasher("guest").hash("x")[:4]


@pytest.mark.parametrize(
    "text",
    ["", ",", "short", "!" * 44, base64.b64encode(bytes(31)).decode(), pytest.param(f"{OLD},", id="comma at the end")],
)
def test_unusable_root_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(KeyringError) as refused:
        Keyring.parse(text)

    assert str(refused.value) == "a root secret is base64 of 32 octets"


def test_generated_roots_differ_and_have_full_length() -> None:
    assert OLD != NEW
    assert len(base64.b64decode(OLD, validate=True)) == 32
