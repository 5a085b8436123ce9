"""Mail libraries that products are written with, set up as docs/clients.md says: every part of a letter arrives."""

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from tests.conftest import skip_or_fail
from tests.harness.clients_page import filled
from tests.harness.letters import File, Letter, Person, check_arrived, letters, write
from tests.harness.mail import address, group_id, read
from tests.harness.programs import each_on_a_port
from tests.harness.relay import Credentials, Relay
from tests.harness.sampled import sampled

TESTS = Path(__file__).parents[1]
SHORT = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")  # for a virtual machine that lives a second
JARS = ("/usr/share/java/jakarta-mail.jar", "/usr/share/java/jakarta-activation.jar")


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder to run a program in, for one key of a relay. Programs trust the one certificate that is named."""

    relay: Relay
    key: Credentials
    folder: Path
    certificate: Path

    def put(self, name: str, *, tls: bool, recipient: str = "") -> str:
        """A snippet of the page, filled in, as a file; its text."""
        text = filled(name, self.relay, self.key, recipient, tls=tls)
        (self.folder / name).write_text(text)
        return text

    def run(self, *command: str, **environment: str) -> str:
        variables = os.environ | {"SSL_CERT_FILE": str(self.certificate)} | environment
        done = subprocess.run(command, cwd=self.folder, env=variables, capture_output=True, timeout=60, check=False)
        heard = (done.stdout + done.stderr).decode(errors="replace")
        assert done.returncode == 0, heard
        return heard


def need(name: str, package: str, *files: str) -> None:
    """Skips, loudly, where a program or a file of a library is missing."""
    if shutil.which(name) is None or not all(map(os.path.exists, files)):
        skip_or_fail(f"NOT TESTED WITH {package}: not installed (Debian: apt-get install {package})")


# -- How each is run: with all letters, or with the test of the page -----------------------------------------------


def in_one_file(bench: Bench, settings: str, program: str, tls: bool, recipient: str) -> str:
    """The settings and what uses them; the name of the file."""
    suffix = Path(settings).suffix
    last = bench.put(program, tls=tls, recipient=recipient) if recipient else (TESTS / "clients" / program).read_text()
    path = bench.folder / f"program{suffix}"
    path.write_text(bench.put(settings, tls=tls) + last)
    return str(path)


def by_phpmailer(bench: Bench, given: list[Letter], tls: bool, recipient: str) -> str:
    need("php", "php-cli libphp-phpmailer", "/usr/share/php/libphp-phpmailer/autoload.php")
    file = in_one_file(bench, "phpmailer.php", "phpmailer-test.php" if recipient else "letters.php", tls, recipient)
    return bench.run("php", "-d", f"openssl.cafile={bench.certificate}", file, str(write(given, bench.folder)))


def by_nodemailer(bench: Bench, given: list[Letter], tls: bool, recipient: str) -> str:
    packages = TESTS / "node/node_modules"
    need("node", "nodejs npm, then: npm ci --prefix tests/node", str(packages / "nodemailer"))
    file = in_one_file(bench, "nodemailer.js", "nodemailer-test.js" if recipient else "letters.js", tls, recipient)
    trusted = {"NODE_PATH": str(packages), "NODE_EXTRA_CA_CERTS": str(bench.certificate)}
    return bench.run("node", file, str(write(given, bench.folder)), **trusted)


def by_net_smtp(bench: Bench, given: list[Letter], tls: bool, recipient: str) -> str:
    need("perl", "libauthen-sasl-perl libio-socket-ssl-perl", "/usr/share/perl5/Authen/SASL.pm")
    file = in_one_file(bench, "net-smtp.pl", "net-smtp-test.pl" if recipient else "letters.pl", tls, recipient)
    return bench.run("perl", file, *as_files(given, bench.folder))


def by_ruby_mail(bench: Bench, given: list[Letter], tls: bool, recipient: str) -> str:
    need("ruby", "ruby-mail", "/usr/share/rubygems-integration/all/gems")
    file = in_one_file(bench, "mail.rb", "mail-test.rb" if recipient else "letters.rb", tls, recipient)
    return bench.run("ruby", file, str(write(given, bench.folder)))


def by_django(bench: Bench, given: list[Letter], tls: bool, recipient: str) -> str:
    bench.put("settings.py", tls=tls)
    here = {"PYTHONPATH": str(bench.folder), "DJANGO_SETTINGS_MODULE": "settings"}
    if recipient:
        line = bench.put("django.sh", tls=tls, recipient=recipient)
        return bench.run("sh", "-c", line.replace("python manage.py", f"{sys.executable} -m django"), **here)
    return bench.run(sys.executable, str(TESTS / "clients/letters.py"), str(write(given, bench.folder)), **here)


def by_wordpress(bench: Bench, given: list[Letter], tls: bool, recipient: str) -> str:
    need("php", "php-cli libphp-phpmailer", "/usr/share/php/libphp-phpmailer/autoload.php")
    bench.put("relay-plugin.php", tls=tls)
    line = bench.put("wordpress.sh", tls=tls, recipient=recipient)
    with_hooks = f"php -d openssl.cafile={bench.certificate} {TESTS / 'clients/wordpress.php'}"
    return bench.run("sh", "-c", line.replace("wp eval", with_hooks))


def by_smtplib(bench: Bench, given: list[Letter], tls: bool, recipient: str) -> str:
    file = in_one_file(bench, "send.py", "send-test.py" if recipient else "send.py", tls, recipient)
    return bench.run(sys.executable, file, *as_files(given, bench.folder))


def by_jakarta_mail(bench: Bench, given: list[Letter], tls: bool, recipient: str) -> str:
    need("javac", "default-jdk-headless libjakarta-mail-java", *JARS)
    store = trust_store(bench)
    bench.put("Relay.java", tls=tls)
    if recipient:
        bench.put("SendTest.java", tls=tls, recipient=recipient)
    else:
        shutil.copy(TESTS / "clients/Letters.java", bench.folder)
    program = "SendTest" if recipient else "Letters"
    bench.run("javac", *(f"-J{each}" for each in SHORT), "-cp", ":".join(JARS), "Relay.java", f"{program}.java")
    trusted = (f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit")
    return bench.run(
        "java", *SHORT, "-cp", ":".join((".", *JARS)), *trusted, program, str(as_lines(given, bench.folder))
    )


def as_files(given: list[Letter], folder: Path) -> list[str]:
    """Each letter as a file: its recipients, and where it is."""
    arguments = []
    for number, letter in enumerate(given):
        path = folder / f"{number}.eml"
        path.write_bytes(letter.message().as_bytes())
        arguments += [",".join(letter.recipients), str(path)]
    return arguments


def trust_store(bench: Bench) -> Path:
    """What keytool would make of the certificate, without one more virtual machine."""
    certificate = x509.load_pem_x509_certificate(bench.certificate.read_bytes())
    path = bench.folder / "trusted.p12"
    trusted = pkcs12.PKCS12Certificate(certificate, b"relay")
    path.write_bytes(pkcs12.serialize_java_truststore([trusted], BestAvailableEncryption(b"changeit")))
    return path


def as_lines(given: list[Letter], folder: Path) -> Path:
    """The letters for a program that reads no JSON: one a line, its fields by tabs, each word in base64."""

    def word(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    def people(persons: tuple[Person, ...]) -> str:
        return ",".join(f"{word(person.name)}:{word(person.address)}" for person in persons)

    def files(named: tuple[File, ...]) -> str:
        return ",".join(":".join(map(word, (each.path, each.name, each.type, each.cid))) for each in named)

    lines = [
        [
            *map(people, ((each.author,), each.to, each.cc, each.bcc)),
            *map(word, (each.subject, each.text, each.html)),
            *map(files, (each.inline, each.attachments)),
        ]
        for each in given
    ]
    path = folder / "letters.tsv"
    path.write_text("".join("\t".join(fields) + "\n" for fields in lines))
    return path


def as_sent_by(library: str, letter: Letter) -> Letter:
    """Version 2.7 of mail doubles a dot that stands alone before Net::SMTP does so: two of them are what it sends."""
    return replace(letter, text=letter.text.replace("\n.\n", "\n..\n")) if library == "Ruby mail" else letter


Send = Callable[[Bench, list[Letter], bool, str], str]
LIBRARIES: dict[str, Send] = {
    "PHPMailer": by_phpmailer,
    "nodemailer": by_nodemailer,
    "Net::SMTP": by_net_smtp,
    "Ruby mail": by_ruby_mail,
    "Django": by_django,
    "Jakarta Mail": by_jakarta_mail,
    "smtplib": by_smtplib,
}
WITH_A_PAGE = LIBRARIES | {"WordPress": by_wordpress}
EACH_ON_A_PORT = each_on_a_port(WITH_A_PAGE)
TELLS_THE_REPLY = {"PHPMailer", "nodemailer", "Net::SMTP", "smtplib"}


@pytest.fixture
def bench(relay: Relay, author_key: Credentials, tmp_path: Path) -> Iterator[Bench]:
    yield Bench(relay, author_key, tmp_path, relay.folder / "var/tls.crt")
    for path in tmp_path.glob("record.bin"):
        path.unlink()


@pytest.mark.parametrize("library", sampled(list(LIBRARIES), lambda at: at % 6 == 0))
def test_every_part_of_every_letter_arrives(bench: Bench, library: str) -> None:
    given = letters(bench.folder)
    LIBRARIES[library](bench, given, False, "")
    for letter in given:
        check_arrived(bench.relay, bench.key, as_sent_by(library, letter))


@pytest.mark.parametrize(("library", "tls"), EACH_ON_A_PORT)
def test_settings_and_test_line_of_the_page_work(bench: Bench, library: str, tls: bool) -> None:
    recipient = address()
    heard = WITH_A_PAGE[library](bench, [], tls, recipient)
    assert library not in TELLS_THE_REPLY or group_id(heard)
    message = read(bench.relay.wait_for_mail(recipient)[1])
    assert message["Reply-To"].addresses[0].addr_spec == "clerk@city.example"


@pytest.mark.parametrize(("library", "tls"), EACH_ON_A_PORT)
def test_nothing_is_sent_to_a_relay_whose_certificate_is_not_trusted(bench: Bench, library: str, tls: bool) -> None:
    other = bench.folder / "other.pem"
    trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.write_to_path(other)
    recipient = address()
    with pytest.raises(AssertionError, match=r"(?i)certif|PKIX|could not connect"):
        WITH_A_PAGE[library](replace(bench, certificate=other), [], tls, recipient)
    assert bench.relay.mail_to(recipient) == []


@pytest.mark.parametrize("tls", [False, True], ids=["starttls", "tls"])
@pytest.mark.parametrize("program", ["swaks", "curl"])
def test_line_of_the_page_works(bench: Bench, program: str, tls: bool) -> None:
    need(program, program)
    recipient = address()
    line = bench.put(f"{program}.sh", tls=tls, recipient=recipient)
    trust = {"swaks": f"swaks --tls-ca-path {bench.certificate}", "curl": f"curl --cacert {bench.certificate}"}
    bench.run("sh", "-ec", line.replace(f"{program} ", f"{trust[program]} "))
    bench.relay.wait_for_mail(recipient)
