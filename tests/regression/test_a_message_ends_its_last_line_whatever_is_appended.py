from tests.fidelity import judge
from tests.fidelity.preparing import prepared, seal, verdicts

UNCLOSED = (
    b"From: a@example.ca\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
)


def test_html_appended_to_an_unclosed_alternative_ends_its_last_line():
    sent = prepared(UNCLOSED).content
    assert sent.endswith(b"\r\n")
    assert judge(UNCLOSED, sent, "Santé publique").damage == ()
    assert set(verdicts([seal(sent)])[0]) == {"pass"}
