"""Pictures that travel with a message, spliced in: HTML and its pictures in one multipart/related."""

import base64
import email
import re
from dataclasses import replace
from pathlib import Path

import pytest

from delivery.library.letterheads import Letterheads
from messages.email import mime
from messages.email.pipeline import prepare
from messages.message import Language
from messages.reply import Refused
from messages.variant import BUILT_IN

ROOT = Path(__file__).parents[4]
FOLDER, CORPUS = ROOT / "tests/data/messages", ROOT.parent / "shared/corpus"
ARTWORK = ROOT / "tests/data/branding/artwork"
HEADS = Letterheads(ARTWORK, base_url=None)
CARRIED = HEADS.render(BUILT_IN["default"], "Santé", Language.EN)
START = 'Content-Type: multipart/related; boundary=b; start="<r@x>"\n\n'
REPORTED = "Content-Type: message/delivery-status\n\nx: y\n"
CALENDAR = "Content-Type: text/calendar\n\nX\n"
HTML = "Content-Type: text/html; charset=utf-8\n\n<p>Hi é</p>\n"
PNG = "Content-Type: image/png\nContent-ID: <own@x>\nContent-Transfer-Encoding: base64\n\nQUJD\n"
ALTERNATIVE = f"Content-Type: multipart/alternative; boundary=a\n\n--a\n\ntext\n--a\n{HTML}--a--\n"

MESSAGES = {
    "HTML alone": (HTML, "related(html png png)"),
    "child of an alternative": (ALTERNATIVE, "alternative(plain related(html png png))"),
    "root of a related": (
        f"Content-Type: multipart/related; boundary=b\n\n--b\n{HTML}--b\n{PNG}--b--\n",
        "related(html png png png)",
    ),
    "root that start names": (
        f'{START}--b\n{PNG}--b\nContent-ID: <r@x>\n{HTML}--b--\n',
        "related(png html png png)",
    ),
    "alternative as the root of a related": (
        f"Content-Type: multipart/related; boundary=b\n\n--b\n{ALTERNATIVE}--b\n{PNG}--b--\n",
        "related(alternative(plain html) png png png)",
    ),
    "text alone": ("Subject: s\n\ntext\n", "alternative(plain related(html png png))"),
    "text in a mixed": (
        f"Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n{PNG}--b--\n",
        "mixed(alternative(plain related(html png png)) png)",
    ),
    "text and a calendar": (
        "Content-Type: multipart/alternative; boundary=b\n\n--b\n\ntext\n--b\n" f"{CALENDAR}--b--\n",
        "alternative(plain related(html png png) calendar)",
    ),
    "text as the root of a related": (
        f"Content-Type: multipart/related; boundary=b\n\n--b\n\ntext\n--b\n{PNG}--b--\n",
        "related(plain png)",
    ),
    "HTML before and behind a file": (
        f"Content-Type: multipart/mixed; boundary=a\n\n--a\n{HTML}--a\n{CALENDAR}--a\n{HTML}--a--\n",
        "mixed(related(html png) calendar related(html png))",
    ),
    "two HTML alternatives": (
        f"Content-Type: multipart/alternative; boundary=a\n\n--a\n{HTML}--a\n{HTML}--a--\n",
        "alternative(related(html png png) related(html png png))",
    ),
    "never closed": (
        f"Content-Type: multipart/related; boundary=b\n\n--b\n{HTML}",
        "related(html png png)",
    ),
    "report": (
        "Content-Type: multipart/report; boundary=b\n\n--b\n\ntext\n--b\n" f"{REPORTED}--b--\n",
        "report(plain delivery-status(plain))",
    ),
}  # fmt: skip


def shape(part) -> str:
    inner = f"({' '.join(map(shape, part.get_payload()))})" if part.is_multipart() else ""
    return part.get_content_subtype() + inner


def cids(message) -> list[str]:
    return [part["Content-ID"] for part in message.walk() if part.get_content_maintype() == "image"]


@pytest.mark.parametrize("name", MESSAGES)
def test_html_and_its_pictures_stand_in_one_related(name, preparation, crlf):
    content, expected = MESSAGES[name]
    done = prepare(crlf(content), replace(preparation, branding=CARRIED)).content
    message = email.message_from_bytes(done)
    assert shape(message) == expected
    defects = [type(defect).__name__ for part in message.walk() for defect in part.defects]
    assert defects == ["CloseBoundaryNotFoundDefect"] * (name == "never closed")
    assert done.endswith(b"\r\n")
    for html in (part for part in message.walk() if part.get_content_type() == "text/html"):
        document = html.get_payload(decode=True).decode()
        shown = re.findall(r'src="cid:([^"]+)"', document)
        assert len(shown) == (1 if name == "HTML before and behind a file" else 2)
        assert {f"<{each}>" for each in shown} <= set(cids(message))
        assert "<p" in document
    ours = [part for part in message.walk() if (part["Content-Disposition"] or "").startswith("inline")]
    assert {part.get_payload(decode=True) for part in ours} <= {picture.octets for picture in CARRIED.images}


def test_picture_parts_carry_their_octets_and_ids_of_this_message_only(preparation, crlf):
    first = email.message_from_bytes(prepare(crlf(HTML), replace(preparation, branding=CARRIED)).content)
    assert first.get_param("type") == "text/html"
    forwarded = prepare(crlf(first.as_string()), replace(preparation, branding=CARRIED)).content
    found = cids(email.message_from_bytes(forwarded))
    assert len(found) == len(set(found)) == 4
    one = first.get_payload()[1]
    assert (one["Content-Transfer-Encoding"], one.get_filename()) == ("base64", CARRIED.images[0].name)
    assert base64.b64decode(one.get_payload()) == CARRIED.images[0].octets


def test_what_stands_around_the_html_keeps_its_octets(preparation, crlf):
    content = crlf(
        f"Subject: s\nContent-Type: multipart/related; boundary=b\n\npreamble\n--b\n{HTML}--b\n{PNG}--b--\nend\n"
    )
    done = prepare(content, replace(preparation, branding=CARRIED)).content
    assert b"\r\n\r\npreamble\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n" in done
    assert done.endswith(crlf(f"--b\n{PNG}--b--\nend\n"))


def test_without_pictures_the_structure_stays(preparation, crlf):
    plain = HEADS.render(BUILT_IN["none"], "s", Language.EN)
    assert not plain
    linked = Letterheads().render(BUILT_IN["default"], "s", Language.EN)
    assert shape(
        email.message_from_bytes(prepare(crlf(ALTERNATIVE), replace(preparation, branding=linked)).content)
    ) == ("alternative(plain html)")


def leaves(part):
    """Content-ID, type and content of each part that has none within."""
    if part.children:
        return [leaf for child in part.children for leaf in leaves(child)]
    octets = part.decode()
    octets = part.header.data[part.body : part.end] if octets is None else octets
    return [(part.value("content-id") or b"", str(part.type), octets.rstrip())]


def test_every_message_is_the_same_but_for_its_pictures_whether_they_are_links_or_parts(preparation, crlf):
    """With links, tests/fidelity has looked at what else there is."""
    linked = Letterheads(ARTWORK).render(BUILT_IN["default"], "Santé", Language.EN)
    paths = [*FOLDER.glob("*.eml"), *(CORPUS.rglob("*.eml") if CORPUS.is_dir() else ())]
    token = preparation.group_id.hex.encode()
    different = []
    for path in paths:
        content, made = crlf(path.read_bytes()), []
        try:
            for branding in (linked, CARRIED):
                made.append(prepare(content, replace(preparation, branding=branding)))
        except Refused:
            continue
        assert made[0].not_branded_because == made[1].not_branded_because
        links, parts = (leaves(mime.parse(each.content)) for each in made)
        cid = re.compile(rb"cid:(\w+\.png)@" + token)
        parts = [
            (name, kind, cid.sub(rb"http://127.0.0.1:8080/branding/\1", octets))
            for name, kind, octets in parts
            if token not in name
        ]
        if links != parts:
            different.append(path.name)
    assert different == []
    assert len(paths) > 15
