"""Who has a signed message can send it on as ours; no field of his own may stand in it then.

Judged by dkimpy and Mail::DKIM, on the message as it is signed, which other providers pass on, and as SES delivers it.
"""

import dkim
import pytest

from tests.conftest import skip_or_fail
from tests.fakes import ses
from tests.fidelity import signatures
from tests.fidelity.preparing import NOW, key, prepared, seal

CONTENT = b"From: a@x.example\r\nMessage-ID: <1@x.example>\r\n\r\nhello\r\n"
ADDED = ["Reply-To", "Cc", "Subject", "Sender", "List-Unsubscribe", "List-Unsubscribe-Post", "In-Reply-To"] + [
    f"Content-{each}" for each in ("Disposition", "Language", "Description", "Location", "ID")
]


@pytest.fixture(scope="module")
def sent() -> bytes:
    return seal(prepared(CONTENT, variant="none").content)


def ours(delivered: bytes) -> bool:
    """Whether our signature verifies, below the one that SES puts on top."""
    record = key().record.encode()
    return bool(dkim.DKIM(delivered).verify(idx=1, dnsfunc=lambda *_, **__: record))


@pytest.mark.parametrize("name", ["Content-Type", "Content-Transfer-Encoding", *ADDED])
def test_one_that_is_added_breaks_the_signature(name: str, sent: bytes) -> None:
    added = f"{name}: eve@example.org\r\n".encode()
    delivered = ses.deliver(sent, "1", "ca-central-1", NOW)
    assert ours(delivered)
    assert not ours(delivered.replace(b"From:", added + b"From:", 1))
    if reason := signatures.missing():
        skip_or_fail(reason)
    verdicts = signatures.by_mail_dkim([sent, added + sent], key().record)
    assert verdicts[0] == "pass"
    assert verdicts[1] != "pass"


@pytest.mark.parametrize("name", ["To", "Received", "X-Forwarded", "Thread-Index", "Delivered-To"])
def test_one_that_hops_add_breaks_none(name: str, sent: bytes) -> None:
    assert signatures.by_dkimpy(f"{name}: x\r\n".encode() + sent, key().record) == "pass"
