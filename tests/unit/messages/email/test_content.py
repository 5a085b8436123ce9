import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages import reply
from messages.email import mime
from messages.email.content import MAX_HEADER_BYTES, Edit, HeaderSection, compose, legible, splice
from messages.reply import Refused


def test_fields_are_found_in_any_case_unfolded_and_stripped():
    header = HeaderSection.parse(b"Subject: one\r\n two \r\nsubject: three\r\n\r\nbody\r\n")
    assert header.first("SUBJECT") == "one two"
    assert header.all("Subject") == ["one two", "three"]
    assert header.first("To") is None
    assert header.data[header.end :] == b"body\r\n"


def test_raw_octets_are_read_as_utf8_else_latin1():
    header = HeaderSection.parse("A: é\r\n".encode() + "B: é\r\n\r\n".encode("latin-1"))
    assert (header.first("a"), header.first("b")) == ("é", "é")


def test_white_space_before_the_colon_makes_no_other_field():
    assert HeaderSection.parse(b"Bcc \t: x@example.ca\r\n\r\n").first("bcc") == "x@example.ca"


def test_garbage_line_leaves_the_fields_below_it_in_the_header_section():
    header = HeaderSection.parse(b"To: a\r\ngarbage\r\nBcc: b\r\n\r\nbody\r\n")
    assert header.first("bcc") == "b"
    assert header.data[header.end :] == b"body\r\n"


def test_header_section_of_too_many_fields_is_refused():
    HeaderSection.parse(b"X:\r\n" * 10_000 + b"\r\n")
    with pytest.raises(Refused) as caught:
        HeaderSection.parse(b"X:\r\n" * 10_002 + b"\r\n")
    assert "10000 fields" in caught.value.line()


def test_garbage_behind_the_last_field_starts_the_body():
    header = HeaderSection.parse(b"To: a\r\nHello,\r\n\r\nmore\r\n")
    assert header.data[header.end :] == b"Hello,\r\n\r\nmore\r\n"
    assert not header.separated


@pytest.mark.parametrize("line_end", [b"\r", b"\n", b"\r\r\n"])
def test_field_cannot_hide_behind_a_bare_cr_or_lf(line_end):
    header = HeaderSection.parse(b"Subject: x" + line_end + b"Bcc: y\r\n\r\nbody\r\n")
    assert header.first("bcc") == "y"


@pytest.mark.parametrize("content", [b"", b"\r\n", b"\r\nFrom: a@example.ca\r\n", b"hello\r\n", b": x\r\n\r\n"])
def test_message_without_a_field_is_refused(content):
    with pytest.raises(Refused) as refused:
        HeaderSection.parse(content)
    assert refused.value.reply is reply.NO_HEADER_SECTION


def test_header_section_over_the_limit_is_refused():
    with pytest.raises(Refused):
        HeaderSection.parse(b"a: b\r\n" * (MAX_HEADER_BYTES // 6 + 2))


@pytest.mark.parametrize(
    ("content", "separated"),
    [
        (b"To: a\r\n\r\nbody\r\n", b"To: a\r\n\r\nbody\r\n"),
        (b"To: a\r\nbody\r\n", b"To: a\r\n\r\nbody\r\n"),
        (b"To: a\r\n", b"To: a\r\n\r\n"),
        (b"To: a", b"To: a\r\n\r\n"),
        (b"To: a\r\n\rFrom: b\r\n", b"To: a\r\n\r\nFrom: b\r\n"),
        (b"To: a\rbody\r\n", b"To: a\r\r\n\r\nbody\r\n"),
    ],
)
def test_separate_puts_the_missing_empty_line_in(content, separated):
    assert splice(content, legible(HeaderSection.parse(content))) == separated


def test_splice_touches_only_what_edits_name():
    assert splice(b"abcdef", [Edit(4, 5, b"X"), Edit(0, 0, b"1"), Edit(0, 0, b"2"), Edit(1, 3, b"")]) == b"12adXf"


edits_on = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.binary(max_size=4)), max_size=8)


def placed(steps: list[tuple[int, int, bytes]], length: int) -> list[Edit]:
    """Edits from gaps and lengths, so that they neither overlap nor leave the data."""
    edits, at = [], 0
    for gap, size, new in steps:
        start = min(at + gap, length)
        at = min(start + size, length)
        edits.append(Edit(start, at, new))
    return edits


@given(data=st.binary(max_size=20), first=edits_on, second=edits_on)
def test_composed_edits_do_both_rounds_at_once_and_touch_nothing_more(data, first, second):
    first = placed(first, len(data))
    between = splice(data, first)
    second = placed(second, len(between))
    composed = compose(first, second, between)
    assert splice(data, composed) == splice(between, second)
    touched = sum(edit.end - edit.start for edit in composed)
    assert touched <= sum(edit.end - edit.start for edit in first + second)


def test_overlapping_edits_are_a_bug():
    with pytest.raises(AssertionError):
        splice(b"abcdef", [Edit(0, 3, b""), Edit(2, 4, b"")])


def bodies(content: bytes) -> list[bytes]:
    root = mime.parse(content)
    return [content[part.body : part.end] for part in root.children]


def multipart(body: bytes, boundary: bytes = b"b") -> bytes:
    return b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n" + body


def test_line_break_before_a_delimiter_belongs_to_it():
    assert bodies(multipart(b"preamble\r\n--b\r\n\r\none\r\n\r\n--b\r\n\r\ntwo\r\n--b--\r\nend\r\n")) == [
        b"one\r\n",
        b"two",
    ]


def test_delimiters_are_compared_whole():
    content = multipart(b"--b\r\n\r\none\r\n--bb\r\n--b-\r\nx --b\r\n--b \t\r\n\r\ntwo\r\n--b--\r\n")
    assert bodies(content) == [b"one\r\n--bb\r\n--b-\r\nx --b", b"two"]


def test_missing_closing_delimiter_ends_the_part_at_the_end():
    assert bodies(multipart(b"--b\r\n\r\none\r\n")) == [b"one\r\n"]


def test_nothing_counts_behind_the_closing_delimiter():
    assert bodies(multipart(b"--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n")) == [b"one"]


def test_neighbouring_delimiters_hold_an_empty_part():
    assert bodies(multipart(b"--b\r\n--b\r\n\r\none\r\n--b--\r\n")) == [b"", b"one"]


@pytest.mark.parametrize("boundary", [b'"a b"', b'"a\\b"', b"a'b", b"*=us-ascii''a%3Db"])
def test_boundary_is_read_as_written(boundary):
    plain = {b'"a b"': b"a b", b'"a\\b"': b"ab", b"a'b": b"a'b"}.get(boundary, b"a=b")
    field = b"boundary" + boundary if boundary.startswith(b"*") else b"boundary=" + boundary
    content = b"Content-Type: multipart/mixed; " + field + b"\r\n\r\n--" + plain + b"\r\n\r\none\r\n"
    assert bodies(content) == [b"one\r\n"]


def test_boundary_in_pieces_is_put_together():
    assert mime.parse_parameters("x; boundary*0=a; boundary*1=b")["boundary"] == "ab"


def nested(depth: int) -> bytes:
    return b"".join(multipart(b"--%d\r\n" % i, b"%d" % i) for i in range(depth)) + b"\r\ntext\r\n"


def test_fifty_levels_are_read_and_one_more_is_refused():
    mime.parse(nested(50))
    with pytest.raises(Refused) as refused:
        mime.parse(nested(51))
    assert refused.value.reply is reply.TOO_DEEP


@pytest.mark.parametrize(
    ("raw", "kind"),
    [(None, "text/plain"), (b"text", "text/plain"), (b"TEXT/HTML;;x", "text/html"), (b";/", "text/plain")],
)
def test_content_type_never_fails(raw, kind):
    assert str(mime.ContentType.parse(raw)) == kind


def leaf(body: bytes, encoding: bytes) -> mime.Part:
    return mime.parse(b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body)


@pytest.mark.parametrize(
    ("body", "encoding", "content"),
    [
        (b"a=20=\r\nb\r\n", b"Quoted-Printable", b"a b\r\n"),
        (b"aGVs\r\nbG8=\r\n", b"BASE64", b"hello"),
        (b"aGVsbG8=\r\n-- \r\nlist footer!", b"base64", None),
        (b"aGVsbG8\r\n", b"base64", None),
        (b"x\r\n", b"x-uuencode", None),
        (b"x\r\n", b"8bit", b"x\r\n"),
    ],
)
def test_leaf_is_decoded_where_all_readers_agree(body, encoding, content):
    assert leaf(body, encoding).decode() == content


@pytest.mark.parametrize(
    "content",
    [
        b"plain\r\n",
        "é \r\n trailing \t\r\n.\r\nFrom here\r\n".encode(),
        b"bare\nlf \xe9 and\rcr \r\n",
        b"x" * 1200 + b"\r\n",
        b"nul \0\r\n",
        b"\xe9" * 300,
        b"",
    ],
)
@pytest.mark.parametrize("like", ["7bit", "8bit", "quoted-printable", "base64"])
def test_encoding_comes_back_and_is_safe_for_seven_bits(content, like):
    encoded, encoding = mime.encode(content, like)
    assert leaf(encoded, encoding.encode()).decode() == content
    assert encoding == "7bit" or (like == "base64" or content == b"\xe9" * 300) == (encoding == "base64")
    assert encoded.isascii()
    assert b"\0" not in encoded
    assert encoded.count(b"\r\n") == encoded.count(b"\n") == encoded.count(b"\r")
    assert max(len(line) for line in encoded.split(b"\r\n")) <= 998
