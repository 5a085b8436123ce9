"""What each failure says to whoever set a client up: what was found, and what to change."""

import ssl
from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from messages.text import Text
from relay.cli.smtp import texts
from relay.cli.smtp.dialogue import Reply

_NAMES_SHOWN = 5
_EXPIRED, _EARLY, _SELF_MADE, _OTHER_NAME, _OTHER_ADDRESS = 10, 9, 18, 62, 64  # X509_V_ERR_* of OpenSSL
_UNKNOWN = frozenset({19, 20, 21})
_CURES = {
    421: texts.CURE_421,
    452: texts.CURE_452,
    454: texts.CURE_454,
    530: texts.CURE_530,
    535: texts.CURE_535,
    538: texts.CURE_538,
    550: texts.CURE_550,
    552: texts.CURE_552,
    553: texts.CURE_550,
}


class Problem(Exception):  # noqa: N818 - what a step found
    """Ends a trial."""

    def __init__(self, detail: Text, cure: Text) -> None:
        super().__init__(str(detail))
        self.detail = detail
        self.cure = cure


def of_reply(reply: Reply) -> Problem:
    """A reply that says no, or not now."""
    cure = _CURES.get(reply.code, texts.CURE_LATER if 400 <= reply.code < 500 else texts.CURE_OTHER)
    return Problem(Text(texts.REFUSED, {"reply": reply}), Text(cure))


def of_handshake(error: ssl.SSLError) -> Problem:
    """A handshake that ended before a certificate was looked at."""
    reason = error.reason or ""
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNEXPECTED_MESSAGE"):
        return Problem(Text(texts.NOT_TLS), Text(texts.USE_STARTTLS_CURE))
    if reason in ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"):
        return Problem(Text(texts.OLD_TLS), Text(texts.OLD_TLS_CURE))
    return Problem(Text(texts.TLS_FAILED, {"reason": reason or type(error).__name__}), Text(texts.TLS_FAILED_CURE))


def of_certificate(error: ssl.SSLCertVerificationError, certificate: x509.Certificate | None, host: str) -> Problem:
    """A certificate that was not accepted, where it could be seen."""
    detail, cure = texts.CERTIFICATE_OTHER, texts.CERTIFICATE_OTHER_CURE
    values: dict[str, object] = {"reason": error.verify_message, "host": host}
    if certificate is not None:
        detail, cure = _of_certificate(error.verify_code, certificate)
        values |= {
            "names": names(certificate),
            "issuer": _issuer(certificate),
            "begins": f"{certificate.not_valid_before_utc:%Y-%m-%d}",
            "ends": f"{certificate.not_valid_after_utc:%Y-%m-%d}",
            "now": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        }
    return Problem(Text(detail, values), Text(cure, values))


def _of_certificate(code: int, certificate: x509.Certificate) -> tuple[str, str]:
    now = datetime.now(UTC)
    # OpenSSL names the first fault that it meets; a clock that is wrong explains the others.
    if code == _EXPIRED or certificate.not_valid_after_utc < now:
        return texts.CERTIFICATE_EXPIRED, texts.CERTIFICATE_EXPIRED_CURE
    if code == _EARLY or certificate.not_valid_before_utc > now:
        return texts.CERTIFICATE_EARLY, texts.CERTIFICATE_EARLY_CURE
    if code in (_OTHER_NAME, _OTHER_ADDRESS):
        return texts.CERTIFICATE_NAMES, texts.CERTIFICATE_NAMES_CURE
    if code == _SELF_MADE:
        return texts.CERTIFICATE_SELF_MADE, texts.CERTIFICATE_SELF_MADE_CURE
    if code in _UNKNOWN:
        return texts.CERTIFICATE_UNKNOWN, texts.CERTIFICATE_UNKNOWN_CURE
    return texts.CERTIFICATE_OTHER, texts.CERTIFICATE_OTHER_CURE


def names(certificate: x509.Certificate) -> str:
    """The names that clients compare; whoever runs the server chose them, so not all, and printable only."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return "-"
    found = [*extension.get_values_for_type(x509.DNSName)]
    found += [str(each) for each in extension.get_values_for_type(x509.IPAddress)]
    return _printable(", ".join(found[:_NAMES_SHOWN])) or "-"


def _issuer(certificate: x509.Certificate) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in certificate.issuer.get_attributes_for_oid(kind):
            return _printable(str(attribute.value))
    return "-"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text)[:200]
