"""The second opinion reads header sections more strictly than mail is written: not readable to it is not invalid."""

import pytest

from tests.integration.conftest import CONTENT, Works, works  # noqa: F401 - the fixture


@pytest.mark.parametrize("odd", [b"Subject : Test", b"no field at all\r\nSubject: Test"])
async def test_an_odd_header_section_goes_out_when_its_signature_is_looked_at(works: Works, odd: bytes) -> None:  # noqa: F811
    message = await works.put(content=CONTENT.replace(b"Subject: Test", odd))
    async with works.worker(verify_one_in=1):
        await works.wait(message, "sending", "technical-failure")
    assert works.aws.requests == 1
