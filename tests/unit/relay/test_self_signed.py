"""The self-made certificate."""

import contextlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

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


def test_it_is_no_certificate_authority_and_serves_who_trusts_it(tmp_path: Path) -> None:
    crt, key = self_signed.ensure(tmp_path, "relay.example.ca")

    extensions = x509.load_pem_x509_certificate(crt.read_bytes()).extensions
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not usage.key_cert_sign
    assert usage.digital_signature
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]

    # OpenSSL's strict rules are what Python 3.13 and newer ask for by default.
    trusting = ssl.create_default_context(cafile=str(crt))
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    shake_hands(Certificates([(crt, key)]).context, trusting, "relay.example.ca")


def test_it_vouches_for_no_other_certificate(tmp_path: Path) -> None:
    crt, key = self_signed.ensure(tmp_path, "relay.example.ca")
    signer = serialization.load_pem_private_key(key.read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    own = x509.load_pem_x509_certificate(crt.read_bytes())
    other, bank = ec.generate_private_key(ec.SECP256R1()), "bank.example.ca"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, bank)])
    made = x509.CertificateBuilder(
        own.subject, name, other.public_key(), 1, own.not_valid_before_utc, own.not_valid_after_utc
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName(bank)]), critical=False)
    chain, secret = tmp_path / "bank.crt", tmp_path / "bank.key"
    chain.write_bytes(made.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + crt.read_bytes())
    secret.write_bytes(self_signed._pem(other))

    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(Certificates([(chain, secret)]).context, ssl.create_default_context(cafile=str(crt)), bank)


def shake_hands(serving: ssl.SSLContext, trusting: ssl.SSLContext, name: str) -> None:
    """A handshake in memory. Raises what the client raises."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(down, up, server_hostname=name)
    server = serving.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (client, server):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    assert client.version() is not None
