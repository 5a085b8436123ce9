"""Every signature is checked with dkimpy, an implementation that shares no code with ours."""

import base64
import hashlib
import re
import time

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from messages.email.dkim import SIGNED_FIELDS, SigningKey, SigningKeyError, generate, public_record, sign
from tests.harness.sampled import examples

NOW = 1_700_000_000
PEM = generate()
KEY = SigningKey.from_pem("notification.example.ca", "nr1", PEM)
HEADER = b"From: A <a@notification.example.ca>\r\nTo: b@example.org\r\nSubject: Hello\r\n"


def verifies(message: bytes) -> bool:
    asked: list[bytes] = []

    def record(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return KEY.record.encode()

    result = bool(dkim.verify(message, dnsfunc=record))
    assert not asked or asked == [b"nr1._domainkey.notification.example.ca."]
    return result


def signed(content: bytes) -> bytes:
    return sign(content, KEY, NOW) + content


def tags(field: bytes) -> dict[str, str]:
    text = re.sub(r"\s+", "", field.decode().partition(":")[2])
    return dict(part.split("=", 1) for part in text.split(";"))


def body_hash(body: bytes) -> bytes:
    return base64.b64decode(tags(sign(HEADER + b"\r\n" + body, KEY, NOW))["bh"])


# -- Any message ---------------------------------------------------------------------------------------------------
NAMES = st.sampled_from(
    [name.decode() for name in SIGNED_FIELDS] + ["X-Odd", "Received", "Date", "Message-ID", "Sender", "Bcc"]
)
# Vertical tab and form feed are left out: dkimpy takes them for blanks, which RFC 6376 2.8 does not.
VALUES = st.lists(
    st.sampled_from(
        [b" ", b"\t", b"  ", b"\r\n ", b"\r\n\t\t", b":", b";", b"b=", b"word", b"\xe9\xff", b"=?utf-8?q?x?="]
    ),
    max_size=12,
).map(b"".join)
FIELDS = st.lists(st.tuples(NAMES.map(str.title) | NAMES | NAMES.map(str.upper), VALUES), max_size=12)
LINES = st.lists(
    st.lists(
        st.sampled_from([b"word", b" ", b"  ", b"\t", b" \t ", b".", b"\xc3\xa9", b"\x00", b"=20"]), max_size=6
    ).map(b"".join),
    max_size=12,
)


@settings(max_examples=examples(300))
@given(fields=FIELDS, lines=LINES, blank_lines=st.integers(0, 5))
def test_signature_over_any_shape_verifies(
    fields: list[tuple[str, bytes]], lines: list[bytes], blank_lines: int
) -> None:
    header = b"".join(name.encode() + b":" + value + b"\r\n" for name, value in [("From", b" a@b.ca"), *fields])
    body = b"".join(line + b"\r\n" for line in lines) + b"\r\n" * blank_lines
    assert verifies(signed(header + b"\r\n" + body))


@pytest.mark.parametrize(
    "content",
    [
        HEADER + b"\r\n",
        HEADER,
        HEADER + b"\r\n" + b"\r\n" * 5000,
        HEADER + b"\r\n" + b" \t\r\n" * 3,
        HEADER + b"\r\nlast" + b"\r\n" * 4097,
        HEADER + b"\r\n" + b"x" * 100_000 + b"\r\n",
        b"From: a@b.ca\r\nFrom: c@d.ca\r\nSubject: one\r\nSubject: two\r\n\r\nbody\r\n",
        b"from:a@b.ca\r\nsubject:\r\n\r\nbody\r\n",
        b"From: a@b.ca\r\nSubject: " + b"\xe9t\xe9 " * 50 + b"\r\n\r\nbody\r\n",
        b"Subject: nobody\r\n\r\nbody\r\n",
    ],
    ids=[
        "empty body",
        "no body at all",
        "blank lines only",
        "blanks only",
        "many blank lines at the end",
        "one long line",
        "fields twice",
        "no blank after colon",
        "not ASCII",
        "no From",
    ],
)
def test_signature_over_odd_content_verifies(content: bytes) -> None:
    assert verifies(signed(content))


# -- Canonical form (RFC 6376 3.4) ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        (b"", b""),
        (b"\r\n", b""),
        (b" \t\r\n\r\n", b""),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),  # RFC 6376 3.4.5
        (b"a\tb\r\n", b"a b\r\n"),
        (b"a\r\n\r\nb\r\n", b"a\r\n\r\nb\r\n"),
        (b"a   \t   \r\n", b"a\r\n"),
        (b"\x0ba\x0c\r\n", b"\x0ba\x0c\r\n"),
    ],
)
def test_body_is_hashed_in_relaxed_form(body: bytes, canonical: bytes) -> None:
    assert body_hash(body) == hashlib.sha256(canonical).digest()


def test_blanks_before_the_colon_do_not_hide_a_field() -> None:
    field = sign(b"From : a@b.ca\r\nSubject\t: x\r\n\r\nbody\r\n", KEY, NOW)
    names = tags(field)["h"].split(":")
    assert (names.count("from"), names.count("subject"), names.count("cc")) == (2, 2, 1)


@pytest.mark.parametrize(
    "body",
    [b" " * 4_000_000 + b"\r\n", b"\r\n" * 2_000_000, b" \r\n" * 1_000_000, (b" " * 50_000 + b"x") * 40 + b"\r\n"],
)
def test_hostile_bodies_take_no_longer_than_plain_ones(body: bytes) -> None:
    started = time.process_time()
    sign(HEADER + b"\r\n" + body, KEY, NOW)
    assert time.process_time() - started < 1


# -- What is covered, and what may change --------------------------------------------------------------------------
FULL = b"".join(name.title() + b": value of " + name + b"\r\n" for name in SIGNED_FIELDS) + b"\r\nbody\r\n"


@pytest.mark.parametrize("name", SIGNED_FIELDS)
def test_changing_a_covered_field_breaks_the_signature(name: bytes) -> None:
    message = signed(FULL)
    assert verifies(message)
    assert not verifies(message.replace(b"value of " + name + b"\r\n", b"another value\r\n"))


@pytest.mark.parametrize("name", [name for name, once_more in SIGNED_FIELDS.items() if once_more])
def test_adding_a_second_visible_field_breaks_the_signature(name: bytes) -> None:
    assert not verifies(signed(FULL).replace(b"Auto-Submitted:", name + b": second\r\nAuto-Submitted:"))


@pytest.mark.parametrize("name", [name for name, absent_too in SIGNED_FIELDS.items() if absent_too and name != b"to"])
@pytest.mark.parametrize("below", [False, True])
def test_adding_a_field_that_was_absent_breaks_the_signature(name: bytes, below: bool) -> None:
    message = signed(b"From: a@b.ca\r\n\r\nbody\r\n")
    assert verifies(message)
    added = name + b": added\r\n"
    assert not verifies(message.replace(b"\r\n\r\nbody", b"\r\n" + added + b"\r\nbody") if below else added + message)


@pytest.mark.parametrize("name", [b"To", b"MIME-Version"])
def test_adding_a_field_that_hops_put_in_breaks_nothing(name: bytes) -> None:
    assert verifies(name + b": added\r\n" + signed(b"From: a@b.ca\r\n\r\nbody\r\n"))


@pytest.mark.parametrize(
    "name", [b"Message-ID", b"Date", b"Return-Path", b"Feedback-ID", b"X-SES-Outgoing", b"Received"]
)
def test_fields_that_ses_changes_are_free(name: bytes) -> None:
    without = signed(FULL)
    with_field = without.replace(b"Auto-Submitted:", name + b": old\r\nAuto-Submitted:")
    assert verifies(with_field)
    assert tags(sign(name + b": old\r\n" + FULL, KEY, NOW))["h"] == tags(sign(FULL, KEY, NOW))["h"]


def test_changing_the_body_breaks_the_signature() -> None:
    assert not verifies(signed(FULL).replace(b"\r\nbody", b"\r\nbodies"))


def test_field_is_folded_and_dated_and_has_neither_length_nor_expiry() -> None:
    field = sign(FULL, KEY, NOW + 0.9)
    assert field.startswith(b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;")
    assert field.endswith(b"\r\n")
    assert all(len(line) <= 78 for line in field.split(b"\r\n"))
    found = tags(field)
    assert set(found) == {"v", "a", "c", "d", "s", "t", "h", "bh", "b"}
    assert (found["d"], found["s"], found["t"]) == ("notification.example.ca", "nr1", str(NOW))


# -- Keys ----------------------------------------------------------------------------------------------------------
def test_generated_key_is_pkcs8_rsa_2048_and_its_record_names_the_public_half() -> None:
    assert PEM.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert KEY.private.key_size == 2048
    assert re.fullmatch(r"v=DKIM1; k=rsa; p=[A-Za-z0-9+/]{392}", KEY.record)
    assert KEY.record == public_record(PEM)


def test_key_with_windows_line_ends_is_read() -> None:
    key = SigningKey.from_pem("example.ca", "s", PEM.replace(b"\n", b"\r\n"))
    assert key.record == KEY.record


def _pem(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"not a key",
        PEM[:200],
        _pem(ec.generate_private_key(ec.SECP256R1())),
        _pem(rsa.generate_private_key(65537, 1024)),
        _pem(KEY.private, password=b"secret"),
    ],
    ids=["empty", "text", "cut off", "elliptic curve", "1024 bits", "encrypted"],
)
def test_unusable_key_is_refused_without_showing_it(pem: bytes) -> None:
    with pytest.raises(SigningKeyError) as caught:
        SigningKey.from_pem("example.ca", "s", pem)
    assert "PRIVATE" not in str(caught.value)
