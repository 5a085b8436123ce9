import email
import email.policy

import pytest

from tests.fidelity.preparing import prepared


@pytest.mark.parametrize("fields", ["", "From: a@x.example\r\n"])
@pytest.mark.parametrize("folded", [" , evil@bank.example", "\t<evil@bank.example>", " x\r\n , evil@bank.example"])
def test_what_goes_on_with_the_separator_goes_with_it(folded: str, fields: str) -> None:
    content = f"From x\r\n{folded}\r\n{fields}To: a@b.example\r\nSubject: x\r\n\r\nhi\r\n".encode()
    sent = prepared(content).content

    assert b"evil" not in sent
    message = email.message_from_bytes(sent, policy=email.policy.default)
    assert [each.addr_spec for each in message["From"].addresses] == ["sante@notification.example.ca"]
