from tests.fidelity import judge
from tests.fidelity.preparing import SERVICE, prepared
from tests.fidelity.reading import read

CONTENT = b'From: a@example.ca\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; x="; charset=big5"\r\n\r\nwords\r\n'


def test_text_that_becomes_utf_8_says_so_in_a_parameter_of_its_own():
    sent = prepared(CONTENT).content
    assert judge(CONTENT, sent, SERVICE).damage == ()
    assert read(sent).children[0].parameters == {"x": "; charset=big5", "charset": "utf-8"}
