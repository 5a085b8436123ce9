"""The steps that a mail client takes to send, each with what it found."""

import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from enum import StrEnum

from cryptography import x509

from messages.text import Text
from relay.cli.smtp import texts
from relay.cli.smtp.dialogue import STEP_SECONDS, Closed, Dialogue, NotSmtp, Reply, resolve
from relay.cli.smtp.problems import Problem, names, of_certificate, of_handshake, of_reply

_MOST_ADDRESSES = 4


class Kind(StrEnum):
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to try. Without `recipient` nothing is sent. `context` verifies certificates."""

    host: str
    username: str
    password: str
    sender: str
    recipient: str | None
    context: ssl.SSLContext
    seconds: float = STEP_SECONDS  # for one step


@dataclass(frozen=True, slots=True)
class Finding:
    """Of one step: `cure` is what to change where it failed, `tried` is false where it was left out."""

    step: Text
    port: int
    detail: Text | str  # a server's own words are not translated
    cure: Text | None = None
    tried: bool = True


class Trial:
    """One attempt at one port."""

    def __init__(self, wanted: Wanted, port: int, kind: Kind) -> None:
        self._wanted, self.port, self.kind = wanted, port, kind
        self._addresses: list[str] = []
        self._dialogue: Dialogue | None = None
        self._extensions: dict[str, str] = {}
        self._password_sent = False
        self.works = False

    @property
    def is_final(self) -> bool:
        """Whether another port would tell no more: it works, has no address, or the password was refused once."""
        return self.works or not self._addresses or self._password_sent

    def run(self) -> Iterator[Finding]:
        """Each step's finding as soon as it is known; the first problem ends it."""
        try:
            for name, take in self._steps():
                try:
                    yield Finding(Text(name), self.port, take())
                except Problem as problem:
                    yield Finding(Text(name), self.port, problem.detail, problem.cure)
                    return
            self.works = True
            if self._wanted.recipient is None:
                yield Finding(Text(texts.STEP_CONTENT), self.port, Text(texts.NOT_SENT), tried=False)
        finally:
            if self._dialogue is not None:
                self._dialogue.close()

    def _steps(self) -> Iterator[tuple[str, Callable[[], Text | str]]]:
        yield texts.STEP_NAME, self._resolve
        yield texts.STEP_CONNECTION, self._connect
        if self.kind is Kind.IMPLICIT:
            yield texts.STEP_TLS, self._secure
        yield texts.STEP_GREETING, self._greeting
        yield texts.STEP_EXTENSIONS, self._ehlo
        if self.kind is Kind.STARTTLS:
            yield texts.STEP_TLS, self._starttls
            yield texts.STEP_EXTENSIONS, self._ehlo
        yield texts.STEP_LOGIN, self._log_in
        yield texts.STEP_SENDER, self._mail
        if self._wanted.recipient is not None:
            yield texts.STEP_RECIPIENT, self._rcpt
            yield texts.STEP_CONTENT, self._send

    # -- To the server -----------------------------------------------------------------------------------------------
    def _resolve(self) -> Text:
        host, seconds = self._wanted.host, self._wanted.seconds
        try:
            self._addresses = resolve(host, self.port, seconds)[:_MOST_ADDRESSES]
        except TimeoutError:
            detail = Text(texts.NO_ANSWER_OF_NAMES, {"seconds": f"{seconds:g}"})
            raise Problem(detail, Text(texts.NO_ANSWER_OF_NAMES_CURE)) from None
        except (OSError, UnicodeError):  # UnicodeError: a label of no or too many characters
            raise Problem(Text(texts.NO_SUCH_NAME, {"host": host}), Text(texts.NO_SUCH_NAME_CURE)) from None
        return Text(texts.RESOLVED, {"host": host, "addresses": ", ".join(self._addresses)})

    def _connect(self) -> Text:
        started = time.monotonic()
        self._dialogue, address = self._open()
        milliseconds = round((time.monotonic() - started) * 1000)
        return Text(texts.CONNECTED, {"address": address, "port": self.port, "milliseconds": milliseconds})

    def _open(self) -> tuple[Dialogue, str]:
        """A connection to the first address that takes one, and that address."""
        deadline = time.monotonic() + self._wanted.seconds
        failure: OSError = TimeoutError()
        for number, address in enumerate(self._addresses):
            share = (deadline - time.monotonic()) / (len(self._addresses) - number)
            try:
                connection = socket.create_connection((address, self.port), timeout=max(share, 0.1))
            except OSError as error:
                failure = error
            else:
                return Dialogue(connection, self._wanted.seconds), address
        raise self._not_connected(failure) from None

    def _not_connected(self, failure: OSError) -> Problem:
        values = {"port": self.port, "seconds": f"{self._wanted.seconds:g}", "host": self._wanted.host}
        if isinstance(failure, TimeoutError):
            return Problem(Text(texts.NO_ANSWER, values), Text(texts.NO_ANSWER_CURE, values))
        if isinstance(failure, ConnectionRefusedError):
            return Problem(Text(texts.CONNECTION_REFUSED, values), Text(texts.CONNECTION_REFUSED_CURE))
        reason = Text(failure.strerror or type(failure).__name__)
        return Problem(Text(texts.UNREACHABLE, {**values, "reason": reason}), Text(texts.UNREACHABLE_CURE, values))

    # -- What it says ------------------------------------------------------------------------------------------------
    def _hear(self, ask: Callable[[Dialogue], Reply], *codes: int) -> Reply:
        """The reply, one of `codes`. Raises Problem."""
        assert self._dialogue is not None
        try:
            reply = ask(self._dialogue)
        except TimeoutError:
            raise self._silent(texts.SILENT_CURE) from None
        except NotSmtp as error:
            raise Problem(Text(texts.NO_SMTP, {"reply": str(error)}), Text(texts.NO_SMTP_CURE)) from None
        except (Closed, OSError):
            raise Problem(Text(texts.CLOSED), Text(texts.CLOSED_CURE)) from None
        if reply.code not in codes:
            raise of_reply(reply)
        return reply

    def _silent(self, cure: str) -> Problem:
        return Problem(Text(texts.SILENT, {"seconds": f"{self._wanted.seconds:g}"}), Text(cure))

    def _ask(self, command: str | bytes, *codes: int) -> Reply:
        return self._hear(lambda dialogue: dialogue.ask(command), *codes)

    def _greeting(self) -> str:
        try:
            reply = self._hear(Dialogue.reply, 220)
        except Problem as problem:
            if problem.detail.source in (texts.SILENT, texts.CLOSED) and self._begins_with_tls():
                raise Problem(Text(texts.SILENT_IS_TLS), Text(texts.USE_IMPLICIT_CURE)) from None
            raise
        return str(reply)

    def _begins_with_tls(self) -> bool:
        """Whether a new connection takes a TLS handshake at once."""
        if self.kind is Kind.IMPLICIT:
            return False
        try:
            dialogue, _ = self._open()
            try:
                dialogue.secure(_unverified(), self._wanted.host)
            finally:
                dialogue.close()
        except (OSError, Problem):
            return False
        return True

    def _ehlo(self) -> str:
        reply = self._ask(f"EHLO {socket.gethostname() or 'localhost'}", 250)
        words = [line.partition(" ") for line in reply.lines[1:]]
        self._extensions = {name.upper(): rest.upper() for name, _, rest in words}
        return ", ".join(reply.lines[1:]) or "-"

    # -- TLS ---------------------------------------------------------------------------------------------------------
    def _starttls(self) -> Text:
        if "STARTTLS" not in self._extensions:
            raise Problem(Text(texts.NO_STARTTLS), Text(texts.NO_STARTTLS_CURE))
        self._ask("STARTTLS", 220)
        return self._secure()

    def _secure(self) -> Text:
        assert self._dialogue is not None
        try:
            connection = self._dialogue.secure(self._wanted.context, self._wanted.host)
        except ssl.SSLCertVerificationError as error:
            raise of_certificate(error, self._certificate(), self._wanted.host) from None
        except ssl.SSLError as error:
            raise of_handshake(error) from None
        except TimeoutError:
            raise self._silent(texts.USE_STARTTLS_CURE) from None
        except OSError:
            raise Problem(Text(texts.CLOSED), Text(texts.CLOSED_CURE)) from None
        certificate = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"")
        days = (certificate.not_valid_after_utc - datetime.now(UTC)).days
        cipher = connection.cipher()
        values = {"version": connection.version(), "cipher": cipher and cipher[0], "days": days}
        return Text(texts.SECURE, {**values, "names": names(certificate)})

    def _certificate(self) -> x509.Certificate | None:
        """As the server shows it to anybody; nothing is sent to it but what every client says first."""
        try:
            dialogue, _ = self._open()
            try:
                if self.kind is Kind.STARTTLS:
                    for reply in (dialogue.reply(), dialogue.ask("EHLO localhost"), dialogue.ask("STARTTLS")):
                        if not 200 <= reply.code < 300:
                            return None
                shown = dialogue.secure(_unverified(), self._wanted.host).getpeercert(binary_form=True)
            finally:
                dialogue.close()
            return x509.load_der_x509_certificate(shown) if shown else None
        except (OSError, Closed, NotSmtp, Problem, ValueError):
            return None

    # -- Log-in and mail ---------------------------------------------------------------------------------------------
    def _log_in(self) -> Text:
        offered = self._extensions.get("AUTH", "").split()
        username, password = self._wanted.username, self._wanted.password
        plain = _base64(f"\0{username}\0{password}")
        assert self._dialogue is not None
        self._dialogue.hide(plain, _base64(password), password)
        if "PLAIN" in offered:
            self._password_sent = True
            reply = self._ask(f"AUTH PLAIN {plain}", 235)
        elif "LOGIN" in offered:
            self._password_sent = True
            self._ask("AUTH LOGIN", 334)
            self._ask(_base64(username), 334)
            reply = self._ask(_base64(password), 235)
        else:
            raise Problem(Text(texts.NO_AUTH), Text(texts.NO_AUTH_CURE))
        return Text(texts.LOGGED_IN, {"mechanism": "PLAIN" if "PLAIN" in offered else "LOGIN", "reply": reply})

    def _mail(self) -> str:
        addresses = f"{self._wanted.sender}{self._wanted.recipient}"
        reply = self._ask(f"MAIL FROM:<{self._wanted.sender}>{'' if addresses.isascii() else ' SMTPUTF8'}", 250)
        if self._wanted.recipient is None:
            self._ask("RSET", 250)
            self._quit()
        return str(reply)

    def _rcpt(self) -> str:
        return str(self._ask(f"RCPT TO:<{self._wanted.recipient}>", 250, 251))

    def _send(self) -> str:
        self._ask("DATA", 354)
        reply = self._ask(_message(self._wanted) + b".", 250)
        self._quit()
        return str(reply)

    def _quit(self) -> None:
        with suppress(Problem):  # whatever is said to it, everything was tried, and a message is on its way
            self._ask("QUIT", 221)


def _message(wanted: Wanted) -> bytes:
    message = EmailMessage(policy.SMTP.clone(utf8=True))
    message["From"] = wanted.sender
    message["To"] = wanted.recipient
    message["Subject"] = "Test"
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=wanted.sender.rpartition("@")[2])
    message.set_content("notify-relay smtp test\n")
    return message.as_bytes()


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _unverified() -> ssl.SSLContext:
    """To look at a certificate, never to say anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
