"""Certificates of the running relay: renewed without a restart, resumed by every process, several at once."""

import json
import os
import re
import signal
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from tests.harness.mail import address, connect, group_id
from tests.harness.proc import descriptors
from tests.harness.relay import Relay
from tests.harness.sampled import sampled
from tests.harness.waiting import wait_until

Make = Callable[..., Relay]
AUTHORITY = trustme.CA(key_type=trustme.KeyType.ECDSA)
ENDS_AT = datetime(2040, 1, 1, tzinfo=UTC)


def issue(folder: Path, *names: str, ends_at: datetime | None = None, rsa: bool = False, file: str = "tls") -> None:
    key_type = trustme.KeyType.RSA if rsa else trustme.KeyType.ECDSA
    made = AUTHORITY.issue_cert(*names, key_type=key_type, not_after=ends_at)
    (folder / f"{file}.key").write_bytes(made.private_key_pem.bytes())
    (folder / f"{file}.crt").write_bytes(made.cert_chain_pems[0].bytes())


@pytest.fixture
def relay(make_relay: Make, tmp_path: Path) -> Relay:
    """Two doors with a certificate of old.example.ca, in tls.crt and tls.key."""
    issue(tmp_path, "old.example.ca")
    files = {"TLS__CERT_FILE": tmp_path / "tls.crt", "TLS__KEY_FILE": tmp_path / "tls.key"}
    return make_relay(PROCESSES=2, **files).start()


def trusting(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.minimum_version = context.maximum_version = version
    AUTHORITY.configure_trust(context)
    return context


class Visit:
    """One connection to the TLS port: which door served it, what it was shown, and whether a session was resumed."""

    def __init__(self, relay: Relay, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> None:
        plain = socket.create_connection(("127.0.0.1", relay.tls_port), timeout=60)
        with context.wrap_socket(plain, server_hostname="old.example.ca", session=session) as client:
            assert client.recv(100).startswith(b"220 ")  # a ticket of TLS 1.3 comes before it
            shown = client.getpeercert()
            assert shown
            self.names = [name for _, name in shown["subjectAltName"]]
            self.resumed = client.session_reused
            self.session = client.session
            self.door = serving(relay, client.getsockname()[1])


def serving(relay: Relay, client_port: int) -> int:
    """The process that has the other end of a connection."""
    ours = f"0100007F:{relay.tls_port:04X} 0100007F:{client_port:04X} 01 "
    lines = Path("/proc/net/tcp").read_text().splitlines()
    (inode,) = {line.split()[9] for line in lines if ours in line}  # read while it changes, it may say a line twice
    link = f"socket:[{inode}]"
    for pid in relay.children():
        if link in descriptors(pid):
            return pid
    raise AssertionError("nobody has it")


def visit_another(relay: Relay, context: ssl.SSLContext, first: Visit) -> Visit:
    """The same client, until it comes to another door than before."""
    for _ in range(100):
        found = Visit(relay, context, first.session)
        if found.door != first.door:
            return found
    raise AssertionError("always the same door")


def ends(relay: Relay) -> float:
    found = re.search(r"^relay_certificate_expires_at (\S+)$", relay.get("/metrics")[1], re.MULTILINE)
    assert found
    return float(found[1])


@pytest.mark.parametrize("version", sampled([ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], lambda at: at == 1))
def test_session_of_one_door_is_resumed_by_another_and_after_a_renewal(
    relay: Relay, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    context = trusting(version)
    first = Visit(relay, context)
    assert not first.resumed
    assert visit_another(relay, context, first).resumed

    os.kill(first.door, signal.SIGKILL)
    wait_until(lambda: len([name for name in relay.children().values() if name.startswith("smtp-")]) == 2)
    assert visit_another(relay, context, first).resumed

    issue(tmp_path, "new.example.ca")
    assert relay.process
    relay.process.send_signal(signal.SIGHUP)
    wait_until(lambda: {*Visit(relay, trusting(version)).names} == {"new.example.ca"})
    assert visit_another(relay, context, first).resumed


def test_renewal_reaches_every_door_and_the_metric_and_drops_nobody(relay: Relay, tmp_path: Path) -> None:
    key = relay.create_key()
    with connect(relay, key) as client:
        issue(tmp_path, "new.example.ca", ends_at=ENDS_AT, rsa=True)
        assert relay.process
        relay.process.send_signal(signal.SIGHUP)
        wait_until(lambda: ends(relay) == ENDS_AT.timestamp())
        context = trusting()
        first = Visit(relay, context)
        assert first.names == visit_another(relay, context, first).names == ["new.example.ca"]
        assert group_id(client.submit([address()]))
    os.kill(first.door, signal.SIGKILL)  # it may have been that client's, too
    wait_until(lambda: Visit(relay, trusting()).door not in (0, first.door))
    assert visit_another(relay, context, first).names == ["new.example.ca"]
    assert [line["certificates"] for line in relay.log_lines("tls.reloaded")] == [1]
    died = [line["process"] for line in relay.log_lines("process.died")]
    assert len(died) == 1, "the one that we killed; workers and others do not mind SIGHUP"


def test_files_that_change_are_noticed_and_half_a_renewal_changes_nothing(relay: Relay, tmp_path: Path) -> None:
    issue(tmp_path, "new.example.ca", file="next")
    os.replace(tmp_path / "next.crt", tmp_path / "tls.crt")
    wait_until(lambda: bool(relay.log_lines("tls.not_reloaded")))
    assert Visit(relay, trusting()).names == ["old.example.ca"]
    os.replace(tmp_path / "next.key", tmp_path / "tls.key")
    wait_until(lambda: Visit(relay, trusting()).names == ["new.example.ca"])
    assert len(relay.log_lines("tls.not_reloaded")) == 1


def test_client_is_shown_what_it_asks_for_and_check_tells_of_each(make_relay: Make, tmp_path: Path) -> None:
    files = ("ecdsa", "rsa", "other")
    issue(tmp_path, "old.example.ca", file="ecdsa")
    issue(tmp_path, "old.example.ca", file="rsa", rsa=True)
    issue(tmp_path, "other.example.org", file="other", ends_at=ENDS_AT)
    relay = make_relay(
        TLS__CERT_FILE=", ".join(str(tmp_path / f"{file}.crt") for file in files),
        TLS__KEY_FILE=", ".join(str(tmp_path / f"{file}.key") for file in files),
    ).start()
    for name in ("old.example.ca", "other.example.org"):
        context = trusting()
        context.check_hostname = True
        plain = socket.create_connection(("127.0.0.1", relay.tls_port), timeout=60)
        with context.wrap_socket(plain, server_hostname=name) as client:
            assert client.recv(100).startswith(b"220 ")
    assert ends(relay) == ENDS_AT.timestamp()

    checks = json.loads(relay.run("check", "--json", check=False).stdout)["checks"]
    details = [check["detail"] for check in checks if check["part"] == "TLS"]
    assert [detail.partition(":")[0] for detail in details] == [
        "old.example.ca (ECDSA)",
        "old.example.ca (RSA)",
        "other.example.org (ECDSA)",
    ]
    assert "2040-01-01" in details[2]


def test_host_name_that_is_none_leaves_no_trace(relay: Relay) -> None:
    """Python would print it, with a traceback, from where nobody can catch it."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting().wrap_bio(to_client, to_server, server_hostname="name.example.ca")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    hello = to_server.read().replace(b"name.example.ca", b"\xff\xfeme.example.ca")
    with socket.create_connection(("127.0.0.1", relay.tls_port), timeout=60) as raw:
        raw.sendall(hello)
        while raw.recv(100):
            pass
    assert Visit(relay, trusting()).names == ["old.example.ca"]
    assert all(line.startswith("{") for line in relay.log.read_text().splitlines())
    assert not relay.log_lines("library.message")
