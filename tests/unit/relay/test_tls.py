"""Which certificate a client is shown, and how a renewed one takes its place: real handshakes, without a network."""

import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from structlog.testing import capture_logs

from config.settings import SettingsError
from relay.tls import Certificates, Pair

ECDSA, RSA = trustme.KeyType.ECDSA, trustme.KeyType.RSA
AUTHORITY = trustme.CA(key_type=ECDSA)

Issue = Callable[..., Pair]


@pytest.fixture
def issue(tmp_path: Path) -> Issue:
    """Writes a certificate for names into files of a name; returns them."""

    def made(
        *names: str, file: str = "tls", key_type: trustme.KeyType = ECDSA, ends_at: datetime | None = None
    ) -> Pair:
        found = AUTHORITY.issue_cert(*names, key_type=key_type, not_after=ends_at)
        pair = tmp_path / f"{file}.crt", tmp_path / f"{file}.key"
        pair[0].write_bytes(b"".join(each.bytes() for each in found.cert_chain_pems))
        pair[1].write_bytes(found.private_key_pem.bytes())
        return pair

    return made


class Handshake:
    """One handshake to its end, and two octets from the server, so that its tickets arrive."""

    def __init__(
        self,
        certificates: Certificates,
        name: str | None,
        *,
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        ciphers: str = "DEFAULT",
        context: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
    ) -> None:
        self.context = context or trusting(version, ciphers)
        to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = self.context.wrap_bio(to_client, to_server, server_hostname=name, session=session)
        server = certificates.context.wrap_bio(to_server, to_client, server_side=True)
        for _ in range(3):
            for side in (self.client, server):
                with suppress(ssl.SSLWantReadError):
                    side.do_handshake()
        server.write(b"ok")
        assert self.client.read(2) == b"ok"

    @property
    def names(self) -> list[str]:
        found = self.client.getpeercert()
        assert found
        return [name for _, name in found["subjectAltName"]]


def trusting(version: ssl.TLSVersion, ciphers: str = "DEFAULT") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    AUTHORITY.configure_trust(context)
    context.minimum_version = context.maximum_version = version
    context.set_ciphers(ciphers)
    return context


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("relay.example.ca", "relay.example.ca"),
        ("RELAY.example.ca", "relay.example.ca"),
        ("smtp.example.org", "smtp.example.org"),
        ("a.mail.example.net", "*.mail.example.net"),
        ("a.b.mail.example.net", "relay.example.ca"),
        ("mail.example.net", "relay.example.ca"),
        ("unknown.example.com", "relay.example.ca"),
        (None, "relay.example.ca"),
    ],
)
def test_client_is_shown_the_certificate_of_the_name_it_asks_for_or_the_first(
    issue: Issue, asked: str | None, shown: str
) -> None:
    names = ("relay.example.ca", "smtp.example.org", "*.mail.example.net")
    certificates = Certificates([issue(name, file=str(number)) for number, name in enumerate(names)])

    assert Handshake(certificates, asked).names == [shown]


@pytest.mark.parametrize("order", [(ECDSA, RSA), (RSA, ECDSA)])
def test_each_client_gets_the_algorithm_that_it_can_check(issue: Issue, order: tuple[trustme.KeyType, ...]) -> None:
    pairs = [issue("relay.example.ca", file=each.name, key_type=each) for each in order]
    certificates = Certificates(pairs)
    old = {"version": ssl.TLSVersion.TLSv1_2}

    assert sorted(each.algorithm for each in certificates.all) == ["ECDSA", "RSA"]
    for cipher in ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"):
        found = Handshake(certificates, "relay.example.ca", ciphers=cipher, **old).client.cipher()  # type: ignore[arg-type]
        assert found
        assert found[0] == cipher


@pytest.mark.parametrize("cipher", ["AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "DHE-RSA-AES128-GCM-SHA256"])
def test_without_forward_secrecy_or_authenticated_encryption_there_is_no_session(issue: Issue, cipher: str) -> None:
    certificates = Certificates([issue("relay.example.ca", key_type=RSA)])
    with pytest.raises(ssl.SSLError, match=r"NO_SHARED_CIPHER|HANDSHAKE_FAILURE"):
        Handshake(certificates, None, version=ssl.TLSVersion.TLSv1_2, ciphers=cipher)


def test_oldest_version_is_1_2(issue: Issue) -> None:
    context = Certificates([issue("relay.example.ca")]).context

    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_COMPRESSION


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", ["smtp.example.org", None])
def test_renewal_is_shown_to_new_sessions_and_old_ones_are_resumed(
    issue: Issue, version: ssl.TLSVersion, name: str | None
) -> None:
    """A new name, another algorithm: what was served before is gone."""
    pairs = [issue("relay.example.ca", file="a"), issue("smtp.example.org", file="b")]
    certificates = Certificates(pairs)
    before = Handshake(certificates, name, version=version)
    issue("relay.example.ca", "new.example.ca", file="a", key_type=RSA)
    issue("smtp.example.org", "new.example.org", file="b", key_type=RSA)

    assert certificates.reload()
    after = Handshake(certificates, name, version=version)
    assert len(after.names) == 2
    assert Handshake(certificates, "new.example.org", version=version).names == ["smtp.example.org", "new.example.org"]
    again = Handshake(certificates, name, context=before.context, session=before.client.session)
    assert again.client.session_reused


def test_first_end_is_that_of_the_one_that_ends_first(issue: Issue) -> None:
    soon = datetime(2030, 1, 1, tzinfo=UTC)
    pairs = [issue("relay.example.ca", file="a"), issue("smtp.example.org", file="b", ends_at=soon)]

    assert Certificates(pairs).ends_at() == soon


@pytest.mark.parametrize("content", [b"", b"half of it", None, b"another's key"])
def test_files_that_do_not_fit_are_refused_at_the_start_and_keep_what_is_served_later(
    issue: Issue, content: bytes | None
) -> None:
    pair = issue("relay.example.ca")
    certificates = Certificates([pair])
    if content is None:
        pair[1].unlink()
    elif content == b"another's key":
        pair[1].write_bytes(AUTHORITY.issue_cert("x.example.ca", key_type=ECDSA).private_key_pem.bytes())
    else:
        pair[0].write_bytes(content)

    with capture_logs() as logs:
        assert not certificates.reload()
    assert [line["event"] for line in logs] == ["tls.not_reloaded"]
    assert Handshake(certificates, None).names == ["relay.example.ca"]
    problem = "cannot be read: No such file" if content is None else "no certificate and matching key in "
    with pytest.raises(SettingsError, match=problem):
        Certificates([pair])


def test_key_under_a_passphrase_asks_nobody(issue: Issue) -> None:
    pair = issue("relay.example.ca")
    key = serialization.load_pem_private_key(pair[1].read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"known to nobody")
    pair[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked))
    with pytest.raises(SettingsError):
        Certificates([pair])


def test_renewal_is_read_once_when_its_files_have_come_to_rest(issue: Issue) -> None:
    certificates = Certificates([issue("relay.example.ca")])
    assert not certificates.renewed(False)
    issue("new.example.ca")

    assert not certificates.renewed(False), "it was only just written"
    assert certificates.renewed(False)
    assert not certificates.renewed(False), "there is nothing new"
    assert Handshake(certificates, None).names == ["new.example.ca"]


def test_half_a_renewal_is_told_once_and_tried_again_when_it_is_whole(issue: Issue) -> None:
    pair = issue("relay.example.ca")
    certificates = Certificates([pair])
    old_key = pair[1].read_bytes()
    issue("new.example.ca")
    new_key = pair[1].read_bytes()
    pair[1].write_bytes(old_key)

    with capture_logs() as logs:
        assert not any(certificates.renewed(False) for _ in range(5))
    assert [line["event"] for line in logs] == ["tls.not_reloaded"]
    pair[1].write_bytes(new_key)
    assert [certificates.renewed(False) for _ in range(3)] == [False, True, False]


def test_asked_for_it_is_read_at_once(issue: Issue) -> None:
    certificates = Certificates([issue("relay.example.ca")])
    issue("new.example.ca")

    assert certificates.renewed(True)
    assert not certificates.renewed(False)
    assert not certificates.renewed(False)


def test_link_that_leads_elsewhere_now_is_a_renewal(issue: Issue, tmp_path: Path) -> None:
    """As acme clients and container platforms do it."""
    old, new = issue("relay.example.ca", file="old"), issue("new.example.ca", file="new")
    link = tmp_path / "live.crt", tmp_path / "live.key"
    for here, there in zip(link, old, strict=True):
        here.symlink_to(there)
    certificates = Certificates([link])
    for here, there in zip(link, new, strict=True):
        (tmp_path / "next").symlink_to(there)
        os.replace(tmp_path / "next", here)

    assert [certificates.renewed(False) for _ in range(2)] == [False, True]
    assert Handshake(certificates, None).names == ["new.example.ca"]
