import base64
import email
import re
from dataclasses import replace
from html import unescape

import pytest

from delivery.library.brandings import Brandings
from messages.email import charset, html
from messages.email.branding import Reason
from messages.email.pipeline import prepare
from messages.message import Language
from messages.variant import BUILT_IN

HEADER, FOOTER = "Gouvernement du Québec-test", "Envoyé par le relais"


def send(content: str | bytes, preparation, crlf):
    return prepare(crlf(content), preparation)


def parts(content: bytes):
    return [part for part in email.message_from_bytes(content).walk() if not part.is_multipart()]


def text(part) -> str:
    return part.get_payload(decode=True).decode(part.get_content_charset("ascii"))


def test_html_gets_header_and_footer_inside_its_body(preparation, crlf):
    document = '<!DOCTYPE html><html><head><style>p{}</style></head><body class="a>b">\n<p>Hi</p></body></html>'
    done = send(f"Content-Type: text/html\n\n{document}", preparation, crlf).content
    found = parts(done)[0].get_payload(decode=True).decode("ascii")
    assert found.startswith('<!DOCTYPE html><html><head><style>p{}</style></head><body class="a>b">\r\n<table')
    assert found.rstrip().endswith("</table>\r\n</body></html>")
    assert "Qu&#233;bec-test" in found
    assert found.count("<p>Hi</p>") == 1


def test_html_gets_characters_that_every_charset_carries(preparation, crlf):
    content = b"Content-Type: text/html; charset=iso-8859-1\n\n" + "<p>é</p>".encode("latin-1")
    part = parts(send(content, preparation, crlf).content)[0]
    assert part["Content-Transfer-Encoding"] == "quoted-printable"
    assert "<p>é</p>" in text(part)
    assert "Gouvernement du Qu&#233;bec-test" in text(part)


def test_plain_text_gets_a_footer_and_an_html_twin(preparation, crlf):
    content = "Subject: s\n\nHello <you> & see https://x.example/?a=1&b=2.\n\n  indented\tend\nlast\n"
    done = send(content, preparation, crlf)
    message = email.message_from_bytes(done.content)
    assert (message.get_content_type(), message["MIME-Version"]) == ("multipart/alternative", "1.0")
    plain, twin = parts(done.content)
    assert text(plain).startswith(content.partition("\n\n")[2].replace("\n", "\r\n"))
    assert FOOTER in text(plain)
    assert '<p dir="auto">Hello &lt;you&gt; &amp; see ' in text(twin)
    assert '<a href="https://x.example/?a=1&amp;b=2">https://x.example/?a=1&amp;b=2</a>.</p>' in text(twin)
    indented = re.search(r'<p dir="auto">([^<]*)<br>\r\nlast</p>', text(twin))
    assert indented
    assert unescape(indented[1]).replace("\xa0", " ") == "  indented\tend".expandtabs(8)
    assert text(twin).index(HEADER) < text(twin).index("Hello") < text(twin).index(FOOTER)


def test_flowed_text_keeps_its_parameters_and_is_joined_in_the_twin(preparation, crlf):
    fields = "Content-Type: text/plain; charset=us-ascii;\n format=flowed; delsp=yes"
    content = f"{fields}\n\nlong li \nne\n> quo \n> te\n-- \nsig\n"
    plain, twin = parts(send(content, preparation, crlf).content)
    assert plain["Content-Type"].split() == ["text/plain;", "charset=utf-8;", "format=flowed;", "delsp=yes"]
    assert "long line<br>\r\n&gt; quote<br>\r\n-- <br>\r\nsig" in text(twin)


def test_plain_leaf_of_a_mixed_message_becomes_an_alternative_inside(preparation, crlf):
    content = (
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: text/plain; name=a.txt\n\nfile\n"
        "--b\nContent-Disposition: attachment\n\nfile 2\n--b--\n"
    )
    message = email.message_from_bytes(send(content, preparation, crlf).content)
    kinds = [part.get_content_type() for part in message.get_payload()]
    assert kinds == ["multipart/alternative", "text/plain", "text/plain"]
    assert [part.get_payload() for part in message.get_payload()[1:]] == ["file", "file 2"]


def test_alternative_with_a_calendar_gets_the_twin_beside_its_text(preparation, crlf):
    content = (
        "Content-Type: multipart/alternative; boundary=b\n\n--b\n\ntext\n"
        "--b\nContent-Type: text/calendar\n\nBEGIN:VCALENDAR\n--b--\n"
    )
    message = email.message_from_bytes(send(content, preparation, crlf).content)
    assert [part.get_content_type() for part in message.get_payload()] == ["text/plain", "text/html", "text/calendar"]


def test_root_of_a_related_is_the_one_that_start_names(preparation, crlf):
    content = (
        'Content-Type: multipart/related; boundary=b; start="<r@x>"\n\n--b\nContent-Type: text/html\n\n<p>other</p>\n'
        "--b\nContent-Type: text/html\nContent-ID: <r@x>\n\n<p>root</p>\n--b--\n"
    )
    other, root = parts(send(content, preparation, crlf).content)
    assert (text(other), "<table" in text(root)) == ("<p>other</p>", True)


def test_plain_root_of_a_related_gets_the_footer_and_keeps_its_place(preparation, crlf):
    content = "Content-Type: multipart/related; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: image/png\n\nx\n--b--\n"
    plain, image = parts(send(content, preparation, crlf).content)
    assert FOOTER in text(plain)
    assert image.get_payload() == "x"


SEALED = {
    Reason.SIGNED: "Content-Type: multipart/signed; boundary=b\n\n--b\n\ntext\n--b\n\nsignature\n--b--\n",
    Reason.ENCRYPTED: "Content-Type: application/pkcs7-mime; name=smime.p7m\n\nMIIB\n",
    Reason.INLINE_PGP: "Subject: s\n\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx\n",
    Reason.NO_TEXT: "Content-Type: application/pdf\n\nx\n",
    Reason.STRUCTURE: "Content-Type: multipart/mixed; boundary=b\n\nno delimiter\n",
    Reason.DAMAGED_ENCODING: "Content-Transfer-Encoding: base64\n\n!!!\n",
    Reason.VERSIONS: "Content-Type: multipart/alternative; boundary=b\n" + "\n--b\n\nx\n" * 21,
    Reason.CHARSET: "Content-Type: text/html; charset=hz-gb-2312\n\n<p>\n",
}


@pytest.mark.parametrize("reason", Reason)
def test_content_that_may_not_change_stays_as_it_is(reason, preparation, crlf):
    done = send(SEALED[reason], preparation, crlf)
    assert (done.branded, done.not_branded_because) == (False, reason)
    assert done.content.endswith(crlf(SEALED[reason].partition("\n\n")[2]))


@pytest.mark.parametrize("kind", ["signed", "encrypted"])
def test_sealed_part_of_a_mixed_message_stays_as_it_is(kind, preparation, crlf):
    body = f"--b\nContent-Type: multipart/{kind}; boundary=c\n\n--c\n\ntext\n--c--\n--b\n\nlist footer\n--b--\n"
    done = send(f"Content-Type: multipart/mixed; boundary=b\n\n{body}", preparation, crlf)
    assert done.not_branded_because == kind
    assert done.content.endswith(crlf(body))


def test_reasons_are_all_said_in_a_sentence():
    assert set(SEALED) == set(Reason)
    assert all(re.fullmatch(r"[A-Z].{20,}\.", reason.sentence) for reason in Reason)


def test_report_carries_its_footer_in_the_part_for_people_only(preparation, crlf):
    rest = "--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; x@y.ca\n--b\n\nmore text\n--b--\n"
    content = f"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nIt failed.\n{rest}"
    done = send(content, preparation, crlf)
    assert done.branded
    assert done.content.endswith(crlf(rest))
    assert FOOTER in text(parts(done.content)[0])
    kinds = [part.get_content_type() for part in email.message_from_bytes(done.content).get_payload()]
    assert kinds == ["text/plain", "message/delivery-status", "text/plain"]


def test_report_whose_first_part_is_for_machines_stays_as_it_is(preparation, crlf):
    body = "--b\nContent-Type: message/delivery-status\n\nx: y\n--b\n\ntext\n--b--\n"
    done = send(f"Content-Type: multipart/report; boundary=b\n\n{body}", preparation, crlf)
    assert done.not_branded_because == Reason.NO_TEXT


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize(
    ("charset_name", "codec", "mark"),
    [("utf-16", "utf-16-le", b"\xff\xfe"), ("utf-16", "utf-16-be", b"\xfe\xff"), ("utf-16le", "utf-16-le", b""),
     ("UTF-16BE", "utf-16-be", b""), ("utf-32", "utf-32-le", b"\xff\xfe\0\0")],
)  # fmt: skip
def test_text_of_utf_16_becomes_utf_8_and_reads_the_same(kind, charset_name, codec, mark, preparation, crlf):
    octets = mark + "<p>\u20ac \u65e5\u672c</p>\r\n".encode(codec)
    fields = f"Content-Type: text/{kind}; charset={charset_name}\nContent-Transfer-Encoding: base64\n\n"
    done = send(fields.encode() + base64.encodebytes(octets), preparation, crlf)
    for part in parts(done.content):
        assert (part.get_content_charset(), "\u20ac" in text(part), FOOTER in unescape(text(part))) == (
            "utf-8",
            True,
            True,
        )
    assert text(parts(done.content)[0]).count("<p>\u20ac \u65e5\u672c</p>\r\n") == 1


def test_pgp_in_utf_16_is_seen(preparation, crlf):
    armour = "-----BEGIN PGP SIGNED MESSAGE-----\r\n".encode("utf-16")
    fields = b"Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: base64\n\n"
    assert send(fields + base64.encodebytes(armour), preparation, crlf).not_branded_because == Reason.INLINE_PGP


@pytest.mark.parametrize("octets", [b"<\0p\0>\0", b"\xff\xfe<\0p\0>"], ids=["no order", "half a character"])
def test_uncertain_utf_16_stays_as_it_is(octets, preparation, crlf):
    fields = b"Content-Type: text/html; charset=utf-16\nContent-Transfer-Encoding: base64\n\n"
    assert send(fields + base64.encodebytes(octets), preparation, crlf).not_branded_because == Reason.CHARSET


def test_forwarded_message_is_never_entered(preparation, crlf):
    inner = "Content-Type: message/rfc822\n\nFrom: x@example.ca\nBcc: kept\nContent-Type: text/html\n\n<p>inner</p>\n"
    done = send(f"Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n{inner}--b--\n", preparation, crlf)
    assert crlf(inner) in done.content


@pytest.mark.parametrize(
    ("parameter", "octets", "codec"),
    [
        ("; charset=utf-8", "é".encode(), "utf-8"),
        ("; charset=iso-8859-1", b"\xe9", "iso-8859-1"),
        ("; charset=koi8-r", "я".encode("koi8-r"), "utf-8"),
        ("; charset=iso-2022-jp", "テスト".encode("iso-2022-jp"), "utf-8"),
        ("; charset=us-ascii", b"abc", "utf-8"),
        ("", b"abc", "utf-8"),
    ],
)
def test_footer_is_readable_in_the_charset_or_the_text_becomes_utf8(parameter, octets, codec, preparation, crlf):
    content = f"Content-Type: text/plain{parameter}\n\n".encode() + octets + b"\n"
    plain, twin = parts(send(content, preparation, crlf).content)
    declared = parameter.partition("=")[2] or "ascii"
    assert plain.get_content_charset() == codec
    assert text(plain).startswith(octets.decode(declared))
    assert FOOTER in text(plain)
    assert octets.decode(declared) in text(twin)


@pytest.mark.parametrize(
    ("parameter", "octets"),
    [("; charset=x-none", b"\xe9"), ("; charset=utf-8", b"\xe9"), ("", b"\xe9"), ("; charset=iso-8859-1", b"\x93")],
)
def test_text_whose_charset_is_uncertain_keeps_its_octets_and_its_label(parameter, octets, preparation, crlf):
    plain, twin = parts(send(f"Content-Type: text/plain{parameter}\n\n".encode() + octets, preparation, crlf).content)
    assert plain.get_payload(decode=True).startswith(octets + b"\r\n")
    assert b"Envoye par le relais" in plain.get_payload(decode=True)
    assert b'<p dir="auto">' + octets + b"</p>" in twin.get_payload(decode=True)
    assert b"<meta charset" not in twin.get_payload(decode=True)
    assert plain.get_content_charset() == twin.get_content_charset() == (parameter.partition("=")[2] or None)


def test_unlabelled_japanese_is_back_in_ascii_before_the_footer_and_gets_no_twin(preparation, crlf):
    shifted = b"\x1b$B%F%9%H"
    (plain,) = parts(send(b"Subject: s\n\n" + shifted, preparation, crlf).content)
    assert plain.get_payload(decode=True).startswith(shifted + b"\r\n\x1b(B\r\n____")


def test_insertion_into_shifted_html_goes_back_to_the_former_set():
    before = b"<p>" + b"\x1b$B%F"
    assert charset.insertion(before + b"%9", len(before), "é") == b"\x1b(B&#233;\x1b$B"


def test_base64_text_stays_base64_and_its_line_ends_stay(preparation, crlf):
    content = "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\nPHA+YQpiPC9wPgo=\n"
    (part,) = parts(send(content, preparation, crlf).content)
    assert part["Content-Transfer-Encoding"] == "base64"
    assert b"<p>a\nb</p>\n" in part.get_payload(decode=True)
    assert b"\r" not in part.get_payload(decode=True)


def test_text_with_a_file_in_it_gets_no_twin(preparation, crlf):
    (plain,) = parts(send("Subject: s\n\nhi\nbegin 644 a.txt\n#0V%T\n`\nend\n", preparation, crlf).content)
    assert FOOTER in text(plain)


def test_boundary_of_ours_never_occurs_in_the_message(preparation, crlf):
    boundary = f"=_{preparation.group_id.hex}"
    done = send(f"Subject: s\n\n--{boundary}--\n--{boundary}_1\n", preparation, crlf)
    assert len(parts(done.content)) == 2
    assert f"--{boundary}--" in text(parts(done.content)[0])


def test_checksum_of_changed_content_goes_away(preparation, crlf):
    assert b"Content-MD5" not in send("Content-MD5: Q2hlY2s=\n\ntext\n", preparation, crlf).content


def test_without_a_branding_nothing_is_inserted(unbranded, crlf):
    done = send("Subject: s\n\ntext\n", unbranded, crlf)
    assert (done.branded, done.not_branded_because) == (False, None)
    assert done.content.endswith(b"\r\n\r\ntext\r\n")


@pytest.mark.parametrize(
    ("document", "marked"),
    [
        ("<p>a</p>", "[<p>a</p>]"),
        ("<html><p>a</p></html>", "<html>[<p>a</p>]</html>"),
        ("<html><head></head>a</html>", "<html><head></head>[a]</html>"),
        ("<!doctype html><p>a", "<!doctype html>[<p>a]"),
        ("<BODY>a</BODY>", "<BODY>[a]</BODY>"),
        ("<body><!-- </body> -->a</body>", "<body>[<!-- </body> -->a]</body>"),
        ("<!-- <body> --><body>a", "<!-- <body> --><body>[a]"),
        ("<!--[if mso]><body><![endif]--><body>a", "<!--[if mso]><body><![endif]--><body>[a]"),
        ("<script>'<body>'</script><body>a</body>", "<script>'<body>'</script><body>[a]</body>"),
        ("<style>/*<body>*/</style><body>a", "<style>/*<body>*/</style><body>[a]"),
        ("<title><body></title><body>a", "<title><body></title><body>[a]"),
        ('<body><img alt="</body>">a</body>', '<body>[<img alt="</body>">a]</body>'),
        ("<body title='>'>a</body>b</body>c", "<body title='>'>[a</body>b]</body>c"),
        ("<body>a<body>b</body>", "<body>[a<body>b]</body>"),
        ("<body>a<!-- never closed </body>", "<body>[a]<!-- never closed </body>"),
        ("<body>a<script>never closed </body>", "<body>[a]<script>never closed </body>"),
        ("<!--><body>a</body>", "<!--><body>[a]</body>"),
        ("a < b <body", "[a < b <body]"),
        ("<bodyguard>a</bodyguard>", "[<bodyguard>a</bodyguard>]"),
        ("</body><body>a", "</body><body>[a]"),
        ("<plaintext></body>", "[]<plaintext></body>"),
        ("", "[]"),
    ],
)
def test_places_are_found_in_any_document(document, marked):
    octets = document.encode()
    top, bottom = html.places(octets)
    assert (octets[:top] + b"[" + octets[top:bottom] + b"]" + octets[bottom:]).decode() == marked


def test_default_variant_speaks_the_languages_of_the_message():
    brandings = Brandings()
    english, french, both = (brandings.get("default", "Santé & <Co>", language) for language in Language)
    for value in (english, both):
        assert "Government of Canada</span> /</span> <span" in value.footer_html
        assert "\r\nGovernment of Canada / Gouvernement du Canada\r\n" in value.footer_text
    assert "Gouvernement du Canada</span> /</span> <span" in french.footer_html
    assert "\r\nGouvernement du Canada / Government of Canada\r\n" in french.footer_text
    assert "Santé &amp; &lt;Co&gt;" in english.header_html
    assert "Santé &amp; &lt;Co&gt;" in english.footer_html
    assert "Sent by Santé & <Co>" in english.footer_text
    assert "Envoyé" in both.footer_text
    assert "Sent by" in both.footer_text


def test_built_in_variants_are_named_and_unknown_ones_are_an_error():
    brandings = Brandings()
    assert set(BUILT_IN) == {"default", "fip_english", "fip_french", "none"}
    assert not brandings.get("none", "x", Language.EN)
    assert brandings.get("default", "x", Language.EN) is brandings.get("default", "x", Language.EN)
    with pytest.raises(KeyError):
        brandings.get("other", "x", Language.EN)


def test_default_variant_is_laid_out_for_readers_of_the_screen():
    value = Brandings().get("default", "x" * 128, Language.BOTH)
    assert value.header_html.count("<table") == value.header_html.count('role="presentation"') == 3
    assert {'lang="en"', 'lang="fr"'} <= set(re.findall(r'lang="\w\w"', value.footer_html))
    lines = "\r\n".join((value.header_html, value.footer_html, value.footer_text)).split("\r\n")
    assert max(len(line) for line in lines) <= 900
    assert not any(line.startswith("-- ") for line in lines)


def test_service_name_cannot_add_lines(preparation, crlf):
    value = Brandings().get("default", "a\r\n-- \r\nb", Language.EN)
    done = send("Subject: s\n\ntext\n", replace(preparation, branding=value), crlf)
    assert "Sent by a -- b" in text(parts(done.content)[0])


def test_columns_made_of_blanks_or_tabs_stand_in_a_fixed_width_face(preparation, crlf):
    content = "Subject: s\n\nDisks are filling up.  See below.\n\nName      Used\n/dev/sda   91 %\n\na\tb\nlonger\tc\n"
    twin = text(parts(send(content, preparation, crlf).content)[1])
    found = re.findall(r'<p dir="auto"( style="[^"]*monospace[^"]*")?>(.*?)</p>', twin, re.DOTALL)
    assert [bool(style) for style, _ in found] == [False, True, True]
    lines = unescape(found[2][1]).replace("\xa0", " ").split("<br>\r\n")
    assert lines == ["a       b", "longer  c"]


@pytest.mark.parametrize(
    "content",
    [
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n\n\n--b\n"
        "Content-Type: text/html\n\n<p>seen</p>\n--b--\n",
        'Content-Type: text/html; name="mail.html"\n\n<p>seen</p>\n',
        "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n"
        "Content-Disposition: attachment; filename=a.html\n\nfile\n--b\n"
        "Content-Type: text/html\n\n<p>seen</p>\n--b--\n",
    ],
    ids=["behind an empty text", "with a file name", "behind an attached part"],
)
def test_header_and_footer_stand_around_what_people_see(content, preparation, crlf):
    (letter,) = [text(part) for part in parts(send(content, preparation, crlf).content) if "seen" in text(part)]
    assert unescape(letter).index(HEADER) < letter.index("<p>seen</p>") < unescape(letter).index(FOOTER)


def leaf(kind, content, more=""):
    return f"Content-Type: text/{kind}{more}\n\n{content}\n"


def multipart(sub, *children):
    boundary = f"{sub}{len(children)}"
    body = "".join(f"--{boundary}\n{child}" for child in children)
    return f"Content-Type: multipart/{sub}; boundary={boundary}\n\n{body}--{boundary}--\n"


PDF = "Content-Type: application/pdf\n\n%PDF\n"
TEXT, ONE, TWO, THREE = leaf("plain", "seen"), *(leaf("html", f"<p>seen {number}</p>") for number in range(1, 4))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (multipart("mixed", TEXT, ONE), ["plain below", "html above", "html below"]),
        (multipart("mixed", ONE, PDF, TWO), ["html above", "html below"]),
        (multipart("mixed", ONE, PDF, TWO, PDF, THREE), ["html above", "html", "html below"]),
        (
            multipart("alternative", TEXT, multipart("mixed", ONE, PDF, TWO)),
            ["plain below", "html above", "html below"],
        ),
        (multipart("mixed", leaf("plain", ""), ONE, PDF, TWO), ["html above", "html below"]),
        (multipart("mixed", ONE, leaf("plain", "seen by subscribers of a list")), ["html above below", "plain"]),
        (multipart("mixed", ONE, leaf("html", "seen", "; name=report.html")), ["html above below", "html"]),
        (multipart("mixed", multipart("alternative", TEXT, ONE), TWO), ["plain below", "html above below", "html"]),
    ],
    ids=["text and HTML", "Apple Mail", "three", "in an alternative", "empty text", "list", "file", "alternatives"],
)
def test_what_is_read_one_after_the_other_has_one_header_and_one_footer(content, expected, preparation, crlf):
    found = []
    for part in parts(send(content, preparation, crlf).content):
        if part.get_content_maintype() == "text" and "seen" in (words := unescape(text(part))):
            below = any(each in words[words.index("seen") :] for each in (FOOTER, "________"))
            marks = [" above"] * (HEADER in words[: words.index("seen")]) + [" below"] * below
            found.append("".join((part.get_content_subtype(), *marks)))
    assert found == expected
