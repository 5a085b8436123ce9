"""Mail programs that people use, at both listeners: what they send arrives signed, branded, in the service's name."""

import asyncio
import shutil
import smtplib
import ssl
import subprocess
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

import aiosmtplib
import pytest
import trustme

from tests.conftest import skip_or_fail
from tests.harness.mail import address, attempts, connect, email, group_id, is_signed, read, send, trusting
from tests.harness.relay import Credentials, Relay

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
        client: smtplib.SMTP = smtplib.SMTP_SSL("127.0.0.1", relay.tls_port, context=context, timeout=10)
    else:
        client = smtplib.SMTP("127.0.0.1", relay.port, timeout=10)
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
            timeout=10,
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
    done = subprocess.run([program, *arguments], input=content, capture_output=True, timeout=30, check=False)
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


@pytest.mark.parametrize("tls", [False, True], ids=["starttls", "tls"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_letter_arrives_whole_from_every_program(relay: Relay, key: Credentials, program: str, tls: bool) -> None:
    recipients = [address(), address("hidden")]
    heard = PROGRAMS[program](relay, key, tls, letter(recipients).as_bytes(), recipients, None)
    assert group_id(heard, 2)
    for recipient in recipients:
        envelope, octets = relay.wait_for_mail(recipient)
        assert set(envelope) == {"id", "reverse_path", "rcpt_to", "service_id", "key_type", "tags"}
        assert (envelope["reverse_path"], envelope["service_id"]) == ("clerk@city.example", key.service_id)
        assert envelope["key_type"] == "normal"
        assert envelope["tags"].keys() == {"message_id", "attempt_id"}  # type: ignore[attr-defined]
        assert is_signed(octets, relay.records)
        check_letter(read(octets), recipients)


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


def test_plain_text_gets_an_html_twin(relay: Relay, key: Credentials) -> None:
    recipient = address()
    send(relay, key, recipient)
    message = read(relay.wait_for_mail(recipient)[1])
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_html_alone_stays_html(relay: Relay, key: Credentials) -> None:
    recipient = address()
    content = email()
    content.set_content("<p>Hello</p>", subtype="html")
    send(relay, key, recipient, content=content.as_bytes())
    message = read(relay.wait_for_mail(recipient)[1])
    assert message.get_content_type() == "text/html"
    assert "Sent by Passports" in message.get_content()


def test_eight_bit_content_arrives_as_it_was_meant(relay: Relay, key: Credentials) -> None:
    recipient = address()
    content = "From: a@city.example\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    content += f"Content-Transfer-Encoding: 8bit\r\n\r\n{FRENCH}\r\n"
    send(relay, key, recipient, content=content.encode())
    octets = relay.wait_for_mail(recipient)[1]
    body = read(octets).get_body(("plain",))
    assert body is not None
    assert FRENCH in body.get_content()
    assert is_signed(octets, relay.records)


def test_each_of_a_hundred_recipients_gets_one_message_of_their_own(relay: Relay, key: Credentials) -> None:
    recipients = [address(str(number)) for number in range(100)]
    group = send(relay, key, *recipients)
    relay.wait_for_status(group, "delivered")
    sent = {envelope["rcpt_to"][0] for envelope, _ in relay.outbox()}  # type: ignore[index]
    assert set(recipients) <= sent


def test_history_of_a_group_and_of_one_message(relay: Relay, key: Credentials) -> None:
    recipients = [address(), address()]
    group = send(relay, key, *recipients)
    histories = relay.wait_for_status(group, "delivered")
    assert {history["recipient"] for history in histories} == set(recipients)
    assert all(history["group_id"] == group for history in histories)
    one = relay.json("message", "show", str(histories[0]["id"]))
    assert one == histories[0]
    (attempt,) = attempts(one)
    assert (attempt["provider"], attempt["outcome"], attempt["number"]) == ("outbox", "relayed", 1)
    for_people = relay.run("message", "show", group).stdout
    assert for_people.count("delivered") == 2
    assert recipients[0] in for_people


def test_null_reverse_path_is_kept(relay: Relay, key: Credentials) -> None:
    recipient = address()
    with connect(relay, key) as client:
        assert client.submit([recipient], sender="").startswith("250 ")
    assert relay.wait_for_mail(recipient)[0]["reverse_path"] == ""


@pytest.mark.parametrize("sender", ["root@web01", "ilo.@host.example", "svc@srv_app01.corp.example.com"])
def test_a_reverse_path_that_is_no_address_of_mail_loses_no_mail(relay: Relay, key: Credentials, sender: str) -> None:
    recipient = address()
    with connect(relay, key) as client:
        assert client.submit([recipient], sender=sender).startswith("250 ")
    assert relay.wait_for_mail(recipient)[0]["reverse_path"] == sender


def test_full_api_key_and_address_form_log_in_too(relay: Relay, key: Credentials) -> None:
    with connect(relay) as client:
        assert client.login(f"{key.username}@notification.example.ca", key.api_key)[0] == 235


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Relay, Credentials, Path]]:
    """A relay with a certificate that clients can verify."""
    folder = tmp_path_factory.mktemp("certified")
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    issued = authority.issue_cert("127.0.0.1", "localhost", key_type=trustme.KeyType.ECDSA)
    issued.private_key_pem.write_to_path(folder / "relay.key")
    issued.cert_chain_pems[0].write_to_path(folder / "relay.crt")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    files = {"TLS__CERT_FILE": folder / "relay.crt", "TLS__KEY_FILE": folder / "relay.key"}
    relay = Relay(folder, PROCESSES=1, **files).start()
    yield relay, relay.create_key(), folder / "ca.pem"
    relay.end()


@pytest.mark.parametrize("tls", [False, True], ids=["starttls", "tls"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_program_that_verifies_certificates_sends(
    certified: tuple[Relay, Credentials, Path], program: str, tls: bool
) -> None:
    relay, key, ca = certified
    recipient = address()
    content = email(To=recipient).as_bytes()
    assert group_id(PROGRAMS[program](relay, key, tls, content, [recipient], ca))


def test_certificate_by_nobody_known_is_noticed(relay: Relay, key: Credentials) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        smtplib.SMTP_SSL("127.0.0.1", relay.tls_port, context=ssl.create_default_context(), timeout=5)
