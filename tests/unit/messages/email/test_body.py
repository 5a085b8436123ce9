import pytest

from messages.email import mime
from messages.email.body import text_of
from messages.reply import Refused
from tests.fidelity.corpus import CORPUS

PLAIN = "Content-Type: text/plain; charset=utf-8\n\nYour file is ready.\n"
HTML = "Content-Type: text/html; charset=utf-8\n\n<p>Your <b>form</b></p>\n"
FILE = "Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nNot this\n"
EMPTY = "Content-Type: text/plain\n\n \n"


def multipart(kind: str, *parts: str) -> str:
    body = "".join(f"--{kind[:3]}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{kind[:3]}"\n\n{body}--{kind[:3]}--\n'


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (PLAIN, "Your file is ready."),
        (HTML, "Your form"),
        ("\nNo header says what it is: caf\u00e9\n", "No header says what it is: café"),
        (multipart("alternative", PLAIN, HTML), "Your file is ready."),
        (multipart("alternative", HTML, PLAIN), "Your file is ready."),
        (multipart("alternative", EMPTY, HTML), "Your form"),
        (multipart("mixed", FILE, multipart("alternative", PLAIN, HTML), FILE), "Your file is ready."),
        (multipart("mixed", EMPTY, PLAIN), "Your file is ready."),
        (multipart("related", HTML, "Content-Type: image/png\n\nx"), "Your form"),
        (multipart("signed", PLAIN, "Content-Type: application/pgp-signature\n\nx"), "Your file is ready."),
        (multipart("report", PLAIN, "Content-Type: message/delivery-status\n\nx"), "Your file is ready."),
        ("Content-Type: text/plain; format=flowed\n\nYour file \nis ready.\n", "Your file is ready."),
        ("Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nWW91ciBmaWxl\n", "Your file"),
        ("Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nd=E9j=E0\n",
         "déjà"),
        ("Content-Type: text/plain; charset=x-nobody\n\ncaf\u00e9\n", "café"),
        (f"{PLAIN}\nOn Mon, Jun 3, 2024 at 2:05 PM Ann wrote:\n> Old\n", "Your file is ready."),
    ],
)  # fmt: skip
def test_words_of_a_mail_are_read(crlf, message, text):
    assert text_of(mime.parse(crlf("MIME-Version: 1.0\n" + message))) == text


@pytest.mark.parametrize(
    "message",
    [
        EMPTY,
        FILE,
        multipart("mixed", FILE),
        multipart("mixed", "Content-Type: message/rfc822\n\nSubject: x\n\nNot this\n"),
        multipart("encrypted", "Content-Type: application/pgp-encrypted\n\nx", PLAIN),
        "Content-Type: application/pkcs7-mime\n\nx",
        "Content-Type: text/calendar\n\nBEGIN:VCALENDAR\n",
        "Content-Type: text/plain\nContent-Transfer-Encoding: x-own\n\nx\n",
        "Content-Type: multipart/mixed\n\nno boundary\n",
        "Content-Type: text/plain\n\n-- \nAnn\n",
    ],
)
def test_mail_without_words_has_no_text(crlf, message):
    assert text_of(mime.parse(crlf("MIME-Version: 1.0\n" + message))) is None


@pytest.mark.skipif(not CORPUS.exists(), reason="NOT TESTED: the corpus of messages is not beside this repository")
def test_odd_messages_have_a_text_or_none(crlf):
    told = 0
    for path in sorted(CORPUS.rglob("*.eml")):
        try:
            root = mime.parse(crlf(path.read_bytes()))
        except Refused:
            continue
        text = text_of(root)
        told += text is not None
        assert text is None or (text == text.strip() and not any(line.startswith(">") for line in text.split("\n")))
    assert told > 400
