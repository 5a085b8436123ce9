"""A second reader, made by others and used in the wild: npm's mailparser. Told by what people see, not by octets."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.fidelity.wording import only_inserted, plain, visible

_UNREAD = re.compile("\ufffd|ï¿½")
_FOLDER = Path(__file__).parents[1] / "node"


def missing() -> str | None:
    """Why it cannot run here."""
    if shutil.which("node") is None:
        return "node is not installed (Debian: apt-get install nodejs npm)"
    if not (_FOLDER / "node_modules/mailparser").is_dir():
        return "mailparser is not installed (npm ci --prefix tests/node)"
    return None


def read(contents: Sequence[bytes]) -> list[dict[str, Any]]:
    """What it reads in each message."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder, f"{number}.eml") for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        given = "".join(f"{path}\n" for path in paths)
        done = subprocess.run(
            ["node", _FOLDER / "read_mail.cjs"], input=given, capture_output=True, text=True, timeout=120, check=True
        )
    return [json.loads(line) for line in done.stdout.splitlines()]


def differences(received: dict[str, Any], sent: dict[str, Any]) -> Iterator[str]:
    """Images that the sent message has and the received one had not are the branding's."""
    if sent["hidden"] or len(sent["from"]) != 1:
        yield f"the sender is {sent['from']}"
    readable = not _UNREAD.search(received["subject"])  # raw octets that are not UTF-8: fields.py says what they mean
    if received["subject"].split() != sent["subject"].split() if readable else _UNREAD.search(sent["subject"]):
        yield "another subject"
    known = {each[2] for each in received["attachments"]}
    if received["attachments"] != [each for each in sent["attachments"] if not each[2] or each[2] in known]:
        yield "other attachments"
    if not only_inserted(plain(received["text"]), plain(sent["text"])):
        yield "another text"
    if received["html"] and not only_inserted(plain(visible(received["html"])), plain(visible(sent["html"]))):
        yield "another HTML text"
