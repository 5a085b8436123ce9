"""TLS of the SMTP listeners: which certificate a client is shown, and how a renewed one takes its place.

Each handshake begins in one context that lives as long as the relay. It holds the keys of session tickets, so, made
before the doors are forked, it lets each of them resume what another began. The certificates stand in contexts of their
own, one for each set of names, which the handshake is passed on to; a reload replaces those.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from config.settings import SettingsError
from messages.text import Text

# Forward secrecy and authenticated encryption only. TLS 1.3 has nothing else.
_CIPHERS_OF_TLS_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20"

Pair = tuple[Path, Path]  # a certificate with its chain, and its key
_Stamp = tuple[tuple[int, ...] | None, ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    names: tuple[str, ...]
    algorithm: str  # of its key
    ends_at: datetime


class Certificates:
    """What the listeners serve, and the files it comes from. Raises SettingsError when one cannot be used."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._pairs = pairs
        self._tried = self._seen = _stamp(pairs)
        self._served = _Served(pairs)
        self._log = structlog.get_logger("tls")
        self.context = _context()
        self.context.sni_callback = self._choose  # also called for a client that names no host

    @property
    def all(self) -> Sequence[Certificate]:
        return self._served.certificates

    def ends_at(self) -> datetime:
        """When the first of them ends."""
        return min(each.ends_at for each in self.all)

    def reload(self) -> bool:
        """Reads the files anew; False when one of them cannot be used: then all stays as it was."""
        try:
            self._served = _Served(self._pairs)
        except SettingsError as error:
            self._log.error("tls.not_reloaded", problem=str(error))
            return False
        return True

    def renewed(self, asked: bool) -> bool:
        """Whether new ones were read: because of `asked`, or since the files changed and then were left alone.

        A renewal writes several files; between two looks at which they are the same, it has probably ended.
        """
        found = _stamp(self._pairs)
        at_rest, self._seen = found == self._seen, found
        if not asked and (not at_rest or found == self._tried):
            return False
        self._tried = found
        if not self.reload():
            return False
        self._log.info("tls.reloaded", certificates=len(self.all), ends_at=self.ends_at().isoformat())
        return True

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        connection.context = self._served.of(name)


class _Served:
    """Certificates as they were read at one time."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.certificates: list[Certificate] = []
        self._contexts: list[ssl.SSLContext] = []
        self._by_name: dict[str, ssl.SSLContext] = {}
        of_names: dict[tuple[str, ...], ssl.SSLContext] = {}
        for cert_file, key_file in pairs:
            try:
                certificate = _read(cert_file)
                context = of_names.get(certificate.names) or _context()
                # A second one of another algorithm stands beside the first: each client gets the one it can check.
                context.load_cert_chain(cert_file, key_file, password="")  # empty: or OpenSSL asks a terminal for it
            except (FileNotFoundError, PermissionError) as error:
                raise SettingsError(
                    "NOTIFY_RELAY_TLS__CERT_FILE: {files} cannot be read: {reason}",
                    files=f"{cert_file}, {key_file}",
                    reason=Text(str(error.strerror)),
                ) from None
            except Exception:  # a version, key or extension that is unknown is an error of its own kind
                raise SettingsError(
                    "NOTIFY_RELAY_TLS__CERT_FILE: no certificate and matching key in {files}",
                    files=f"{cert_file}, {key_file}",
                ) from None
            of_names[certificate.names] = context
            self.certificates.append(certificate)
            self._contexts.append(context)
            for name in certificate.names:
                self._by_name.setdefault(name, context)

    def of(self, name: str | None) -> ssl.SSLContext:
        """What a client is shown that asks for this name."""
        name = (name or "").lower()
        wildcard = "*." + name.partition(".")[2]
        return self._by_name.get(name) or self._by_name.get(wildcard) or self._contexts[0]


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS_OF_TLS_1_2)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    return context


def _read(cert_file: Path) -> Certificate:
    """The first certificate of a PEM file. Raises OSError, ValueError."""
    found = x509.load_pem_x509_certificate(cert_file.read_bytes())
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        dns = tuple(sorted({name.lower() for name in names.get_values_for_type(x509.DNSName)}))
    except x509.ExtensionNotFound:
        dns = ()
    algorithm = "RSA" if isinstance(found.public_key(), rsa.RSAPublicKey) else "ECDSA"
    return Certificate(dns, algorithm, found.not_valid_after_utc)


def _stamp(pairs: Sequence[Pair]) -> _Stamp:
    """Differs when a file was written, replaced, or given other rights."""
    return tuple(_stamp_of(file) for pair in pairs for file in pair)


def _stamp_of(file: Path) -> tuple[int, ...] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
