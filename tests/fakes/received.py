"""What Amazon SES tells of mail that it received by a rule with a Stop action and a topic, in its own shape. Pure."""

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from tests.fakes.events import ACCOUNT, stamp
from tests.fakes.sigv4 import REGION

SUBJECT = "About my passport 31"
_VERDICTS = ("spam", "virus", "spf", "dkim", "dmarc")


def tell(
    source: str | None, *recipients: str, fields: Mapping[str, str] | None = None, cut: bool = False, **verdicts: str
) -> str:
    """`fields` are more of its header fields, or others; `verdicts` those that did not pass."""
    to, at = ", ".join(recipients), stamp(time.time())
    header = {
        "Return-Path": f"<{source or ''}>",
        "Received": f"from mail.example.org by inbound-smtp.{REGION}.amazonaws.com; Mon, 30 Nov 2026 12:00:00 +0000",
        "From": f"Zoe <{source}>",
        "To": to,
        "Subject": SUBJECT,
        "Message-ID": f"<{secrets.token_hex(8)}@example.org>",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
    } | dict(fields or {})
    receipt: dict[str, Any] = {
        "timestamp": at,
        "processingTimeMillis": 222,
        "recipients": list(recipients),
        **{f"{each}Verdict": {"status": verdicts.get(each, "PASS")} for each in _VERDICTS},
        "action": {"type": "Stop", "topicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:ses-events"},
    }
    mail = {
        "timestamp": at,
        "source": source,
        "messageId": secrets.token_hex(14),
        "destination": list(recipients),
        "headersTruncated": cut,
        "headers": [{"name": name, "value": value} for name, value in header.items()],
        "commonHeaders": {"returnPath": source, "from": [header["From"]], "to": [to], "subject": SUBJECT},
    }
    return json.dumps({"notificationType": "Received", "receipt": receipt, "mail": mail})
