import pytest

from tests.fidelity import judge
from tests.fidelity.preparing import SERVICE, arrived, prepared


@pytest.mark.parametrize("encoding", ["", "Content-Transfer-Encoding: 7bit\n"])
@pytest.mark.parametrize(
    "kind", ["text/plain; charset=", "text/plain; format=flowed; charset= ", "text/plain; charset"]
)
def test_empty_charset_at_the_end_of_its_field_becomes_one_and_the_next_field_stays_a_field(kind, encoding):
    content = arrived(f"From: a@example.ca\nMIME-Version: 1.0\nContent-Type: {kind}\n{encoding}\nwords\n".encode())
    sent = prepared(content).content
    assert b"charset=utf-8\r\n" in sent
    assert judge(content, sent, SERVICE).damage == ()
