"""The signature examples of the chapter on callbacks, each run on a call that a receiver was really given."""

import asyncio
import base64
import hmac
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config.database import Database
from config.keyring import Keyring
from messages.status import Status
from tests.conftest import skip_or_fail
from tests.fakes.receiver import Receiver, Told
from tests.harness.callbacks import CallbackDesk
from tests.harness.migrated import migrated
from tests.harness.sampled import sampled
from tests.harness.store import Store

PAGES = ("callbacks.en.md", "callbacks.fr.md")
CHAPTERS = Path(__file__).parents[2] / "relay/http/pages/chapters"

PYTHON = """
import sys
print(is_ours(*sys.argv[1:4], open(sys.argv[4], "rb").read()))
"""
NODE = """
const [secret, timestamp, signature, file] = process.argv.slice(2);
console.log(isOurs(secret, timestamp, signature, require("node:fs").readFileSync(file)));
"""
PHP = """
var_export(is_ours($argv[1], $argv[2], $argv[3], file_get_contents($argv[4])));
"""
JAVA = """
class Main {
    public static void main(String[] given) throws Exception {
        byte[] body = java.nio.file.Files.readAllBytes(java.nio.file.Path.of(given[3]));
        System.out.println(Callback.isOurs(given[0], given[1], given[2], body));
    }
}
"""


def example(language: str, page: str = "callbacks.en.md") -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", (CHAPTERS / page).read_text(), re.DOTALL)
    return str(code)


def java(code: str) -> str:
    imports, rest = code.split("\n\n", 1)
    return f"{imports}\n{JAVA}\n{rest}"  # of one file the first class is run


LANGUAGES: dict[str, tuple[str, str, Callable[[str], str]]] = {
    "python": (sys.executable, "check.py", lambda code: code + PYTHON),
    "js": ("node", "check.js", lambda code: code + NODE),
    "php": ("php", "check.php", lambda code: "<?php\n" + code + PHP),
    "java": ("java", "Main.java", java),
}


async def a_call(database: Database, keyring: Keyring) -> tuple[str, Told]:
    desk = CallbackDesk(database, keyring, Store(database, keyring))
    async with Receiver() as receiver:
        sent = await desk.message(None, reference="dossier é")
        secret = await desk.listen(sent.service_id, receiver.url)
        await desk.settle(sent, Status.DELIVERED)
        async with desk.sender():
            (told,) = await receiver.wait(1)
    return base64.b64encode(secret).decode(), told


@pytest.mark.parametrize("language", sampled([*LANGUAGES], lambda at: at < 3))  # the last compiles for seconds
async def test_example_takes_our_call_and_no_other(
    sqlite_url: str, keyring: Keyring, tmp_path: Path, language: str
) -> None:
    program, name, complete = LANGUAGES[language]
    if shutil.which(program) is None:
        skip_or_fail(f"NOT TESTED: no {program} here")
        return
    database = await migrated(sqlite_url)
    secret, told = await a_call(database, keyring)
    await database.close()
    code, body, other = tmp_path / name, tmp_path / "body", tmp_path / "other"
    code.write_text(complete(example(language)))
    body.write_bytes(told.body)
    other.write_bytes(told.body + b" ")
    timestamp, signature = told.headers["X-Notify-Timestamp"], told.headers["X-Notify-Signature"]
    old = str(int(timestamp) - 400)
    was = hmac.digest(base64.b64decode(secret), old.encode() + b"." + told.body, "sha256").hex()

    async def says(*given: str | Path) -> bool:
        run = await asyncio.to_thread(subprocess.run, [program, code, *given], capture_output=True, timeout=60)
        assert run.returncode == 0, run.stderr.decode()
        return run.stdout.decode().strip().lower() == "true"

    assert await says(secret, timestamp, signature, body)
    assert not await says(secret, timestamp, signature, other)
    assert not await says(secret, timestamp, signature[:-1], body)
    assert not await says(secret, old, f"v1={was}", body)


def test_both_pages_have_the_same_code_and_a_vector_that_holds() -> None:
    for language in (*LANGUAGES, "csharp"):
        assert example(language, PAGES[0]) == example(language, PAGES[1])
    for page in PAGES:
        rows = re.findall(r"^\| [^|]+ \| `([^`]+)` \|$", (CHAPTERS / page).read_text(), re.MULTILINE)
        secret, timestamp, body, signature = rows[-4:]
        signed = f"{timestamp}.{body}".encode()
        assert signature == "v1=" + hmac.digest(base64.b64decode(secret), signed, "sha256").hex()


def test_example_that_is_not_run_does_what_the_others_do() -> None:
    """No .NET here: what the vector needs is in it, in this order."""
    code = example("csharp")
    steps = ('timestamp + "."', ".. body", '"v1="', "HMACSHA256.HashData", "FromBase64String(secret), signed")
    places = [code.index(step) for step in (*steps, "ToLowerInvariant", "FixedTimeEquals", "< 300")]
    assert places == sorted(places)
