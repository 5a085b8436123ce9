"""`smtp test` against servers that fail in every way: what is wrong is found at its step, within its time."""

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import trustme

from messages.text import Text
from relay.cli.smtp import texts
from relay.cli.smtp.steps import Finding, Kind, Trial, Wanted

SECONDS = 1.0  # for a step, of who is not answered
PATIENCE_SECONDS = 30.0  # of who is
EHLO = b"250-broken.example\r\n250-STARTTLS\r\n250 SIZE 1000\r\n"
SECURE_EHLO = b"250-broken.example\r\n250 AUTH PLAIN LOGIN\r\n"


class Wire:
    """The server's end of a connection."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        self.connection = connection
        self._context = context

    def say(self, *pieces: bytes, wait_seconds: float = 0) -> None:
        for piece in pieces:
            self.connection.sendall(piece)
            time.sleep(wait_seconds)

    def hear(self) -> bytes:
        """What was said next, in one piece: our clients speak in turn."""
        return self.connection.recv(65536)

    def answer(self, *replies: bytes) -> None:
        for reply in replies:
            if not self.hear():
                return
            self.say(reply)

    def secure(self) -> None:
        self.connection = self._context.wrap_socket(self.connection, server_side=True)

    def begin(self) -> None:
        """As far as TLS, by STARTTLS."""
        self.say(b"220 broken.example ESMTP\r\n")
        self.answer(EHLO, b"220 go\r\n")
        self.secure()

    def log_in(self) -> None:
        self.begin()
        self.answer(SECURE_EHLO, b"235 2.7.0 in\r\n")


Script = Callable[[Wire], None]
Serve = Callable[..., int]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture
def serve(authority: trustme.CA) -> Iterator[Serve]:
    """Servers that play a script to each connection; gives their port."""
    listeners: list[socket.socket] = []

    def start(script: Script, context: ssl.SSLContext | None = None) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        used = context or certified(authority, "localhost")

        def run() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=play, args=(script, Wire(connection, used)), daemon=True).start()

        threading.Thread(target=run, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def play(script: Script, wire: Wire) -> None:
    try:
        wire.connection.settimeout(60)
        script(wire)
    except OSError:
        pass  # the client has heard enough
    finally:
        wire.connection.close()


def certified(authority: trustme.CA, *names: str, ends: datetime.datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, not_after=ends, key_type=trustme.KeyType.ECDSA).configure_cert(context)
    return context


def wanted(
    authority: trustme.CA | None,
    host: str = "localhost",
    recipient: str | None = "you@example.com",
    seconds: float = PATIENCE_SECONDS,
) -> Wanted:
    context = ssl.create_default_context()
    if authority is not None:
        authority.configure_trust(context)
    return Wanted(host, "user", "secret", "clerk@city.example", recipient, context, seconds)


def source(found: Finding) -> str:
    """The English of what was found."""
    assert isinstance(found.detail, Text)
    return found.detail.source


def last(trial: Trial, seconds: float = PATIENCE_SECONDS) -> Finding:
    """The finding that ended it, in time; whether it worked must fit."""
    started = time.monotonic()
    *before, found = trial.run()
    assert time.monotonic() - started < 4 * seconds + 6
    assert all(finding.cure is None for finding in before)
    assert trial.works == (found.cure is None)
    return found


def silent(wire: Wire) -> None:
    wire.hear()
    time.sleep(20 * SECONDS)


def dribbling(wire: Wire) -> None:
    wire.say(*[b"2"] * 100, wait_seconds=SECONDS / 4)


def endless(wire: Wire) -> None:
    wire.say(*[b"220-and\r\n"] * 200)


def garbage(wire: Wire) -> None:
    wire.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def without_starttls(wire: Wire) -> None:
    wire.say(b"220 broken.example\r\n")
    wire.answer(b"250-broken.example\r\n250 AUTH PLAIN\r\n")


def refusing_starttls(wire: Wire) -> None:
    wire.say(b"220 broken.example\r\n")
    wire.answer(EHLO, b"454 4.7.0 no TLS now\r\n")


def without_auth(wire: Wire) -> None:
    wire.begin()
    wire.answer(b"250-broken.example\r\n250 SIZE 1000\r\n")


def after_login(*replies: bytes) -> Script:
    def script(wire: Wire) -> None:
        wire.log_in()
        wire.answer(*replies)

    return script


def refusing_login(wire: Wire) -> None:
    wire.begin()
    wire.answer(SECURE_EHLO, b"535 5.7.8 no\x1b[31m\r\n")


@pytest.mark.parametrize(
    ("script", "step", "detail", "cure"),
    [
        (silent, texts.STEP_GREETING, texts.SILENT, texts.SILENT_CURE),
        (dribbling, texts.STEP_GREETING, texts.SILENT, texts.SILENT_CURE),
        (endless, texts.STEP_GREETING, texts.NO_SMTP, texts.NO_SMTP_CURE),
        (garbage, texts.STEP_GREETING, texts.NO_SMTP, texts.NO_SMTP_CURE),
        (lambda wire: None, texts.STEP_GREETING, texts.CLOSED, texts.CLOSED_CURE),
        (lambda wire: wire.say(b"421 4.7.0 full\r\n"), texts.STEP_GREETING, texts.REFUSED, texts.CURE_421),
        (lambda wire: wire.say(b"554 5.7.1 go\r\n"), texts.STEP_GREETING, texts.REFUSED, texts.CURE_OTHER),
        (lambda wire: wire.secure(), texts.STEP_GREETING, texts.SILENT_IS_TLS, texts.USE_IMPLICIT_CURE),
        (without_starttls, texts.STEP_TLS, texts.NO_STARTTLS, texts.NO_STARTTLS_CURE),
        (refusing_starttls, texts.STEP_TLS, texts.REFUSED, texts.CURE_454),
        (without_auth, texts.STEP_LOGIN, texts.NO_AUTH, texts.NO_AUTH_CURE),
        (refusing_login, texts.STEP_LOGIN, texts.REFUSED, texts.CURE_535),
        (after_login(b"451 4.7.1 limit\r\n"), texts.STEP_SENDER, texts.REFUSED, texts.CURE_LATER),
        (after_login(b"250 ok\r\n", b"550 5.7.1 no\r\n"), texts.STEP_RECIPIENT, texts.REFUSED, texts.CURE_550),
        (after_login(b"250 ok\r\n", b"452 4.5.3 many\r\n"), texts.STEP_RECIPIENT, texts.REFUSED, texts.CURE_452),
        (
            after_login(b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"552 5.3.4 big\r\n"),
            texts.STEP_CONTENT,
            texts.REFUSED,
            texts.CURE_552,
        ),
    ],
)
def test_what_is_wrong_is_found_at_its_step(
    serve: Serve, authority: trustme.CA, script: Script, step: str, detail: str, cure: str
) -> None:
    seconds = SECONDS if detail in (texts.SILENT, texts.SILENT_IS_TLS) else PATIENCE_SECONDS
    trial = Trial(wanted(authority, seconds=seconds), serve(script), Kind.STARTTLS)
    found = last(trial, seconds)

    assert found.cure is not None
    assert trial.is_final == (step not in (texts.STEP_GREETING, texts.STEP_TLS) and cure != texts.NO_AUTH_CURE)
    assert (found.step.source, source(found), found.cure.source) == (step, detail, cure)
    assert str(found.detail).isprintable()
    assert "secret" not in f"{found.detail} {found.cure}"


@pytest.mark.parametrize("digits", ["\u00b2\u00b2\u00b2", "\u0662\u0662\u0660", "2\u00b20"])
def test_digits_that_are_not_ascii_make_no_reply(serve: Serve, authority: trustme.CA, digits: str) -> None:
    found = last(Trial(wanted(authority), serve(lambda wire: wire.say(f"{digits} hello\r\n".encode())), Kind.STARTTLS))

    assert (found.step.source, source(found)) == (texts.STEP_GREETING, texts.NO_SMTP)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("code", ["500", "again", "334"], ids=["refused", "no SMTP", "asked for more"])
def test_password_that_a_server_says_again_is_not_shown(
    serve: Serve, authority: trustme.CA, mechanism: str, code: str
) -> None:
    def script(wire: Wire) -> None:
        wire.begin()
        wire.answer(f"250-broken.example\r\n250 AUTH {mechanism}\r\n".encode())
        if mechanism == "LOGIN":
            wire.answer(b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n")
        line = wire.hear().strip().decode()
        wire.say(f'{code} 5.5.1 unknown: "{line}" (secret)\r\n'.encode())

    found = last(Trial(wanted(authority), serve(script), Kind.STARTTLS))

    assert found.step.source == texts.STEP_LOGIN
    assert "5.5.1 unknown" in str(found.detail)
    for shown in ("secret", "c2VjcmV0", "AHVzZXIAc2VjcmV0"):
        assert shown not in str(found.detail)


def test_message_that_was_accepted_is_not_called_refused_for_a_server_without_a_goodbye(
    serve: Serve, authority: trustme.CA
) -> None:
    script = after_login(b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"250 2.0.0 taken\r\n")
    found = last(Trial(wanted(authority), serve(script), Kind.STARTTLS))

    assert (found.step.source, found.detail, found.cure) == (texts.STEP_CONTENT, "250 2.0.0 taken", None)


def test_password_is_not_sent_where_the_certificate_is_not_trusted(serve: Serve) -> None:
    heard = []

    def script(wire: Wire) -> None:
        wire.begin()
        heard.append(wire.hear())

    trial = Trial(wanted(None), serve(script), Kind.STARTTLS)

    assert source(last(trial)) == texts.CERTIFICATE_UNKNOWN
    assert not trial.is_final
    assert b"".join(heard) == b""


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    ("names", "ends", "detail", "words"),
    [
        (("other.example",), None, texts.CERTIFICATE_NAMES, "for other.example, not for localhost"),
        (("localhost",), datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC), texts.CERTIFICATE_EXPIRED, "2020-01-02"),
    ],
)
def test_certificate_that_does_not_fit_is_described(
    serve: Serve,
    authority: trustme.CA,
    kind: Kind,
    names: tuple[str, ...],
    ends: datetime.datetime | None,
    detail: str,
    words: str,
) -> None:
    script = Wire.begin if kind is Kind.STARTTLS else Wire.secure
    found = last(Trial(wanted(authority), serve(script, certified(authority, *names, ends=ends)), kind))

    assert (found.step.source, source(found)) == (texts.STEP_TLS, detail)
    assert words in str(found.detail)


def test_starttls_port_is_told_from_one_that_begins_with_tls(serve: Serve, authority: trustme.CA) -> None:
    found = last(Trial(wanted(authority), serve(lambda wire: wire.begin()), Kind.IMPLICIT))

    assert found.cure is not None
    assert (source(found), found.cure.source) == (texts.NOT_TLS, texts.USE_STARTTLS_CURE)


def test_port_that_nobody_listens_on_is_told_from_one_that_does_not_answer(authority: trustme.CA) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert source(last(Trial(wanted(authority), port, Kind.STARTTLS))) == texts.CONNECTION_REFUSED

    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as first, socket.socket() as second:
        for client in (first, second):  # the queue of connections is full: more of them get no answer
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        hurried = wanted(authority, "127.0.0.1", seconds=SECONDS)
        found = last(Trial(hurried, full.getsockname()[1], Kind.STARTTLS), SECONDS)
    assert source(found) == texts.NO_ANSWER


def test_name_without_an_address_is_told(authority: trustme.CA) -> None:
    for host in ("no.such.name.invalid", "a" * 64 + ".example", "..", "two\nlines"):
        found = last(Trial(wanted(authority, host), 587, Kind.STARTTLS))
        assert source(found) in (texts.NO_SUCH_NAME, texts.NO_ANSWER_OF_NAMES)


def test_login_is_used_where_plain_is_not_offered(serve: Serve, authority: trustme.CA) -> None:
    heard = []

    def script(wire: Wire) -> None:
        wire.begin()
        wire.answer(b"250-broken.example\r\n250 AUTH LOGIN\r\n", b"334 VXNlcm5hbWU6\r\n")
        heard.append(wire.hear())
        wire.say(b"334 UGFzc3dvcmQ6\r\n")
        heard.append(wire.hear())
        wire.say(b"235 2.7.0 in\r\n")
        wire.answer(b"250 ok\r\n", b"250 reset\r\n", b"221 bye\r\n")

    found = last(Trial(wanted(authority, recipient=None), serve(script), Kind.STARTTLS))

    assert heard == [b"dXNlcg==\r\n", b"c2VjcmV0\r\n"]
    assert (found.tried, source(found)) == (False, texts.NOT_SENT)
