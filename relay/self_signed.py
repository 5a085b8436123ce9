"""A self-made certificate, so that a relay on a bench can speak TLS from its first minute."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from relay import private

_VALID = timedelta(days=365)
_RENEW_BEFORE = timedelta(days=30)
_SIGNS_HANDSHAKES = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def ensure(directory: Path, hostname: str) -> tuple[Path, Path]:
    """Paths of a certificate for `hostname` and localhost, and of its key, made anew when missing or soon over."""
    certificate, key = directory / "tls.crt", directory / "tls.key"
    if key.exists() and _ends_at(certificate) - datetime.now(UTC) > _RENEW_BEFORE:
        return certificate, key
    secret = ec.generate_private_key(ec.SECP256R1())
    private.write(key, _pem(secret))
    private.write(certificate, _self_signed(secret, hostname).public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _ends_at(certificate: Path) -> datetime:
    """Long ago when there is none, or half of one."""
    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return datetime.min.replace(tzinfo=UTC)


def _pem(secret: ec.EllipticCurvePrivateKey) -> bytes:
    return secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _self_signed(secret: ec.EllipticCurvePrivateKey, hostname: str) -> x509.Certificate:
    # A common name has 64 characters at most; clients look at the alternative names.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname[:64])])
    names: list[x509.GeneralName] = [x509.DNSName(each) for each in sorted({hostname, "localhost"})]
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName([*names, x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        # Who trusts it trusts this host; as a CA it could speak for every name.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_SIGNS_HANDSHAKES, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(secret.public_key()), critical=False)
        .sign(secret, hashes.SHA256())
    )
