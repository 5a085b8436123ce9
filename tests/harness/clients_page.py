"""The code on docs/clients.md, as a reader would use it: copied, and filled in with what a relay and a key have."""

import re
from functools import cache
from pathlib import Path

from tests.harness.relay import Credentials, Relay

DOCS = Path(__file__).parents[2] / "docs"
_SNIPPET = re.compile(r"^<!-- file: (\S+) -->\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OTHERWISE = re.compile(r"^.*\n\s*(?://|#) or: (.*)$", re.MULTILINE)


@cache
def snippets(page: str = "clients.md") -> dict[str, str]:
    """The code by its file name."""
    return dict(_SNIPPET.findall((DOCS / page).read_text()))


def filled(name: str, relay: Relay, key: Credentials, recipient: str, *, tls: bool = False) -> str:
    """A snippet for this relay's STARTTLS port or, with its `or:` lines, for the other one."""
    text = snippets()[name]
    if tls:
        text = _OTHERWISE.sub(r"\1", text)
    values = {
        r"relay\.example\.ca": "localhost",  # a name in the self-made certificate
        r"\b587\b": str(relay.port),
        r"\b465\b": str(relay.tls_port),
        r"\bUSER\b": key.username,
        r"\bPASSWORD\b": key.password,
        r"you(\\?)@example\.com": rf"{recipient.partition('@')[0]}\1@example.org",
    }
    for placeholder, value in values.items():
        text = re.sub(placeholder, value, text)
    return text
