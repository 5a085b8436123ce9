"""The self-made certificate."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from relay import self_signed
from relay.tls import Certificates


def test_it_is_made_once_and_kept(tmp_path: Path) -> None:
    first = [path.read_bytes() for path in self_signed.ensure(tmp_path, "relay.example.ca")]
    second = [path.read_bytes() for path in self_signed.ensure(tmp_path, "relay.example.ca")]

    assert first == second


def test_it_names_the_host_and_localhost_and_tls_can_use_it(tmp_path: Path) -> None:
    crt, key = self_signed.ensure(tmp_path, "relay.example.ca")

    names = x509.load_pem_x509_certificate(crt.read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert set(names.value.get_values_for_type(x509.DNSName)) == {"localhost", "relay.example.ca"}
    assert Certificates([(crt, key)]).ends_at() > datetime.now(UTC) + timedelta(days=300)


def test_half_of_one_is_made_anew(tmp_path: Path) -> None:
    crt, _ = self_signed.ensure(tmp_path, "relay.example.ca")
    crt.write_bytes(crt.read_bytes()[:100])

    assert Certificates([self_signed.ensure(tmp_path, "relay.example.ca")]).all


def test_its_key_is_for_our_eyes_only(tmp_path: Path) -> None:
    _, key = self_signed.ensure(tmp_path, "relay.example.ca")

    assert key.stat().st_mode & 0o077 == 0


def test_a_host_name_of_any_length_fits(tmp_path: Path) -> None:
    crt, key = self_signed.ensure(tmp_path, "relay." * 20 + "example.ca")

    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(crt, key)
