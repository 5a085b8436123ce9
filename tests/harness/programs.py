"""Mail programs that people use, each as a function that sends a message, and a letter to send with them."""

import asyncio
import shutil
import smtplib
import ssl
import subprocess
from collections.abc import Callable, Iterable
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import aiosmtplib

from tests.conftest import skip_or_fail
from tests.harness.mail import email, trusting
from tests.harness.relay import Credentials, Relay
from tests.harness.sampled import sampled

ATTACHMENT = bytes(range(256)) * 300
FRENCH = "Votre dossier a été reçu à Québec — merci ✓"
Send = Callable[[Relay, Credentials, bool, bytes, list[str], Path | None], str]


def letter(recipients: list[str]) -> EmailMessage:
    """Plain text, HTML, beyond ASCII, an attachment, and a Bcc field that nobody may see."""
    message = email(f"Dossier nº 7 — {FRENCH}", FRENCH + "\n", To=recipients[0], Bcc=recipients[1])
    message.add_alternative(f"<html><body><p>{FRENCH}</p></body></html>", subtype="html")
    message.add_attachment(ATTACHMENT, maintype="application", subtype="octet-stream", filename="relevé.bin")
    return message


# -- The programs: each sends the message and returns what it heard ------------------------------------------------


def by_smtplib(
    relay: Relay, key: Credentials, tls: bool, content: bytes, recipients: list[str], ca: Path | None
) -> str:
    context = ssl.create_default_context(cafile=ca) if ca else trusting()
    if tls:
        client: smtplib.SMTP = smtplib.SMTP_SSL("127.0.0.1", relay.tls_port, context=context, timeout=60)
    else:
        client = smtplib.SMTP("127.0.0.1", relay.port, timeout=60)
        client.starttls(context=context)
    with client:
        client.login(key.username, key.password)
        client.mail("clerk@city.example")
        for recipient in recipients:
            client.rcpt(recipient)
        code, text = client.data(content)
    return f"{code} {text.decode()}"


def by_aiosmtplib(
    relay: Relay, key: Credentials, tls: bool, content: bytes, recipients: list[str], ca: Path | None
) -> str:
    async def run() -> str:
        async with aiosmtplib.SMTP(
            hostname="127.0.0.1",
            port=relay.tls_port if tls else relay.port,
            use_tls=tls,
            start_tls=not tls,
            validate_certs=ca is not None,
            cert_bundle=str(ca) if ca else None,
            username=key.username,
            password=key.password,
            timeout=60,
        ) as client:
            return f"250 {(await client.sendmail('clerk@city.example', recipients, content))[1]}"

    return asyncio.run(run())


def by_curl(relay: Relay, key: Credentials, tls: bool, content: bytes, recipients: list[str], ca: Path | None) -> str:
    url = f"smtps://127.0.0.1:{relay.tls_port}" if tls else f"smtp://127.0.0.1:{relay.port}"
    to = [part for recipient in recipients for part in ("--mail-rcpt", recipient)]
    trust = ["--cacert", str(ca)] if ca else ["-k"]
    options = ["-sv", "--ssl-reqd", *trust, "-u", f"{key.username}:{key.password}"]
    return run(relay, "curl", *options, url, "--mail-from", "clerk@city.example", *to, "-T", "-", content=content)


def by_swaks(relay: Relay, key: Credentials, tls: bool, content: bytes, recipients: list[str], ca: Path | None) -> str:
    file = relay.folder / f"{recipients[0]}.eml"
    file.write_bytes(content)
    where = ["--tlsc", "--port", str(relay.tls_port)] if tls else ["-tls", "--port", str(relay.port)]
    trust = ["--tls-verify", "--tls-ca-path", str(ca)] if ca else []
    login = ["--auth", "LOGIN", "-au", key.username, "-ap", key.password]
    to = ["--from", "clerk@city.example", "--to", ",".join(recipients), "--data", f"@{file}"]
    return run(relay, "swaks", "--server", "127.0.0.1", *where, *trust, *login, *to)


def by_msmtp(relay: Relay, key: Credentials, tls: bool, content: bytes, recipients: list[str], ca: Path | None) -> str:
    lines = {
        "host": "127.0.0.1",
        "port": relay.tls_port if tls else relay.port,
        "tls": "on",
        "tls_starttls": "off" if tls else "on",
        **({"tls_trust_file": ca} if ca else {"tls_certcheck": "off"}),
        "auth": "plain",
        "user": key.username,
        "password": key.password,
        "from": "clerk@city.example",
        "remove_bcc_headers": "off",
    }
    settings = relay.folder / f"{recipients[0]}.msmtprc"
    settings.write_text("account default\n" + "".join(f"{name} {value}\n" for name, value in lines.items()))
    settings.chmod(0o600)
    return run(relay, "msmtp", "--debug", "-C", str(settings), *recipients, content=content.replace(b"\r\n", b"\n"))


def run(relay: Relay, program: str, *arguments: str, content: bytes = b"") -> str:
    if shutil.which(program) is None:
        skip_or_fail(f"NOT TESTED WITH {program}: not installed (Debian: apt-get install {program})")
    done = subprocess.run([program, *arguments], input=content, capture_output=True, timeout=60, check=False)
    heard = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == 0, heard
    return heard


PROGRAMS: dict[str, Send] = {
    "smtplib": by_smtplib,
    "aiosmtplib": by_aiosmtplib,
    "curl": by_curl,
    "swaks": by_swaks,
    "msmtp": by_msmtp,
}


def each_on_a_port(programs: Iterable[str]) -> list[Any]:
    """With STARTTLS, and with TLS from the first octet; every third is the sample."""
    return sampled([(program, tls) for program in programs for tls in (False, True)], lambda at: at % 3 == 0)


EACH_ON_A_PORT = each_on_a_port(PROGRAMS)


def check_letter(message: EmailMessage, recipients: list[str]) -> None:
    name, sender = parseaddr(message["From"])
    assert name == "Passports"
    assert sender.startswith("passports-")
    assert sender.endswith("@notification.example.ca")
    assert message["Subject"] == f"Dossier nº 7 — {FRENCH}"
    assert message["Bcc"] is None
    assert recipients[1] not in message.as_string()
    assert message["To"] == recipients[0]
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert FRENCH in plain.get_content()
    assert "Sent by Passports\nthrough the government's mail relay" in plain.get_content().replace("\r\n", "\n")
    assert FRENCH in html.get_content()
    assert ">Passports<" in html.get_content()
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "relevé.bin"
    assert attachment.get_payload(decode=True) == ATTACHMENT
