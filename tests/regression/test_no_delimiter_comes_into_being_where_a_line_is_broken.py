"""Quoted-printable breaks long lines where it must: what stands behind the break may be a delimiter of the message."""

import pytest

from tests.fidelity import judge
from tests.fidelity.preparing import SERVICE, arrived, prepared

LETTER = """From: a@example.ca
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

{text}--b
--b
Content-Type: application/pdf

file
--b--
"""


@pytest.mark.parametrize("variant", ["default", "none"])
def test_text_that_is_encoded_stays_one_part(variant):
    for length in range(60, 80):
        content = arrived(LETTER.format(text="é" + length * "x").encode())
        sent = prepared(content, variant=variant).content
        assert judge(content, sent, SERVICE if variant == "default" else "").damage == (), length
