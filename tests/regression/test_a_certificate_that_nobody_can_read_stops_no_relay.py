"""A renewal that the certificate library cannot make sense of is refused as any other damaged file is."""

import ssl
from pathlib import Path

import pytest
import trustme

from relay.tls import Certificates

CURVE = bytes.fromhex("06082a8648ce3d030107")  # the object identifier of P-256
VERSION = bytes.fromhex("a003020102")  # X.509 version 3


@pytest.mark.parametrize(("octets", "damaged"), [(CURVE, CURVE[:-1] + b"\x7f"), (VERSION, VERSION[:-1] + b"\x07")])
def test_odd_certificate_is_refused_and_the_old_one_served_on(octets: bytes, damaged: bytes, tmp_path: Path) -> None:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    issued = authority.issue_cert("mail.example.ca", key_type=trustme.KeyType.ECDSA)
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    certificate.write_bytes(issued.cert_chain_pems[0].bytes())
    key.write_bytes(issued.private_key_pem.bytes())
    certificates = Certificates([(certificate, key)])
    served = certificates.all

    der = ssl.PEM_cert_to_DER_cert(certificate.read_text())
    assert octets in der
    certificate.write_text(ssl.DER_cert_to_PEM_cert(der.replace(octets, damaged)))
    assert certificates.renewed(asked=True) is False
    assert certificates.all == served
