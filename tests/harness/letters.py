"""Five letters that every mail program sends, each in its own way of making one, and what must arrive of them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from email import policy
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from pathlib import Path

from tests.harness.mail import address, is_signed, read
from tests.harness.relay import Credentials, Relay

AUTHOR = "clerk@city.example"
MEGABYTES = 5


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    address: str

    @property
    def mailbox(self) -> Mailbox:
        return Mailbox(self.name, addr_spec=self.address)


@dataclass(frozen=True, slots=True)
class File:
    """`path` holds the octets; an inline image has a `cid`, its Content-ID without angle brackets."""

    path: str
    name: str
    type: str
    cid: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    author: Person
    to: tuple[Person, ...]
    subject: str
    text: str
    html: str = ""
    cc: tuple[Person, ...] = ()
    bcc: tuple[Person, ...] = ()
    inline: tuple[File, ...] = ()
    attachments: tuple[File, ...] = ()

    @property
    def recipients(self) -> list[str]:
        return [person.address for person in (*self.to, *self.cc, *self.bcc)]

    def message(self) -> EmailMessage:
        """For programs that are given a whole message."""
        # Python 3.11 spoils a list of names beyond ASCII when it folds it, so it is given no reason to.
        message = EmailMessage(policy.default.clone(max_line_length=900))
        message["From"] = self.author.mailbox
        for field, people in (("To", self.to), ("Cc", self.cc), ("Bcc", self.bcc)):
            if people:
                message[field] = [person.mailbox for person in people]
        message["Subject"] = self.subject
        message.set_content(self.text)
        if self.html:
            message.add_alternative(self.html, subtype="html")
            part = message.get_payload()[1]  # type: ignore[index]
            for file in self.inline:
                part.add_related(  # type: ignore[union-attr]
                    Path(file.path).read_bytes(), *file.type.split("/"), cid=f"<{file.cid}>", filename=file.name
                )
        for file in self.attachments:
            main, sub = file.type.split("/")
            message.add_attachment(Path(file.path).read_bytes(), main, sub, filename=file.name)
        return message


def letters(folder: Path) -> list[Letter]:
    """Plain, beyond ASCII, HTML with an image, 5 MB attached, several recipients; their files are put into `folder`."""
    image, scan = folder / "seal.png", folder / "record.bin"
    image.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40)
    scan.write_bytes(hashlib.shake_256(b"any octets, the same in each run").digest(MEGABYTES * 1024 * 1024))
    clerk = Person("City clerk", AUTHOR)
    return [
        Letter(clerk, (_someone("Reader"),), "Notice", "Hello,\n\nthe office is closed.\n.\n..two dots\nFrom now on\n"),
        Letter(
            Person("Bureau de l'état civil, Québec ✓", AUTHOR),
            (_someone("Zoë Müller-Ångström"), _someone("東京 太郎")),
            "Votre demande a été reçue — nº 7 ✓ 東京, et ce sujet est assez long pour devoir être plié en deux lignes",
            "Réponse à votre demande : « reçue » — 7 €, œuvre, naïve, 東京, 🍁\n\nMerci\n",
        ),
        Letter(
            clerk,
            (_someone("Reader"),),
            "With a seal",
            "The seal is in the other version.\n",
            '<html><body><h1>Sceau</h1><p>Voilà : <img src="cid:seal@city.example" alt="sceau"></p></body></html>',
            inline=(File(str(image), "seal.png", "image/png", "seal@city.example"),),
        ),
        Letter(
            clerk,
            (_someone("Reader"),),
            "With a file",
            "The record is attached.\n",
            attachments=(File(str(scan), "relevé 2026.bin", "application/octet-stream"),),
        ),
        Letter(
            clerk,
            (_someone("First"), _someone("Second, Ltd.")),
            "For several",
            "You are not alone.\n",
            cc=(_someone("Third"),),
            bcc=(_someone("Hidden"), _someone("Hidden too")),
        ),
    ]


def _someone(name: str) -> Person:
    return Person(name, address())


def write(given: Sequence[Letter], folder: Path) -> Path:
    """The letters as JSON, for a program in another language."""
    path = folder / "letters.json"
    path.write_text(json.dumps([asdict(letter) for letter in given], ensure_ascii=False), encoding="utf-8")
    return path


def check_arrived(relay: Relay, key: Credentials, letter: Letter, seconds: float = 60) -> None:
    """Each recipient got one message of their own, and every part of it is what was given."""
    for recipient in letter.recipients:
        envelope, octets = relay.wait_for_mail(recipient, seconds)
        assert envelope["rcpt_to"] == [recipient]
        assert (envelope["reverse_path"], envelope["service_id"]) == (letter.author.address, key.service_id)
        assert is_signed(octets, relay.records)
        _check_head(letter, read(octets))
        _check_parts(letter, read(octets))
        for person in letter.bcc:
            assert person.address.encode() not in octets


def _check_head(letter: Letter, message: EmailMessage) -> None:
    (sender,) = message["From"].addresses
    assert sender.domain == "notification.example.ca"
    assert [each.addr_spec for each in message["Reply-To"].addresses] == [letter.author.address]
    assert message["Subject"].strip() == letter.subject  # a fold may stand in front of it
    assert message["Bcc"] is None
    for field, people in (("To", letter.to), ("Cc", letter.cc)):
        found = message[field].addresses if message[field] else ()
        assert [(each.display_name, each.addr_spec) for each in found] == [(each.name, each.address) for each in people]


def _check_parts(letter: Letter, message: EmailMessage) -> None:
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert letter.text.strip() in plain.get_content().replace("\r\n", "\n")
    if letter.html:
        assert html is not None
        for piece in letter.html.removeprefix("<html><body>").removesuffix("</body></html>").split("\n"):
            assert piece in html.get_content()
    leaves = [part for part in message.walk() if not part.is_multipart() and part not in (plain, html)]
    files = (*letter.inline, *letter.attachments)
    assert [part.get_payload(decode=True) for part in leaves] == [Path(file.path).read_bytes() for file in files]
    assert [part.get_filename() for part in leaves] == [file.name for file in files]
    for part, file in zip(leaves, files, strict=True):
        assert not file.cid or part["Content-ID"] == f"<{file.cid}>"
