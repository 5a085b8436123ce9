"""Dialogues with the SMTP door, one guarantee each, as files in smtp/. A new case is a new file.

A line is one step; the first lines, beginning with #, say what is guaranteed.
    LISTEN starttls|tls|devices  which listener (default tls); SET name value: a setting of the door, where {normal}
                             stands for that key's user name
    PACE seconds octets      how slowly content may arrive: the grace, then octets a second
    WHOLE                    what is sent in one step arrives together, and not octet by octet
    C: text                  the client sends a line; R: text sends just these bytes, written as a Python literal
    S: text                  the server's next line begins with text; S~ regex: matches it wholly
    S* text                  the rest of a reply of several lines, up to one that begins with text
    LOGIN key                greeting, EHLO, AUTH (normal, team, test, trial; french and both of a French service);
                             TLS: the client starts TLS
    CLOSE / CLOSED           the client goes away / the server has closed
    TAKEN n / CONTENT text   so many submissions were accepted / the last one's content, a Python literal
    STORED text              the message as it is stored to be sent has this text, a Python literal
    REFERENCE text           the last message's
    TRACE word               how the last one was received, as in Received
    METRIC name label=x n    a metric of the door has this value
    WAIT seconds             the client says nothing
{plain}, {username} and {password} stand for the normal key's credentials in base64.
"""

import ast
import asyncio
import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.smtp.intake import PACE, Pace
from tests.harness.sampled import in_turn, sampled
from tests.harness.smtp_door import LOOPS, Client, Door, plain, run_on, running_door

SEGMENTS = 400  # of what is sent octet by octet, the last so many
DIALOGUES = sorted((Path(__file__).parent / "smtp").glob("*.txt"))


def steps(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, rest


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def literal(text: str) -> bytes:
    value = ast.literal_eval(f"b'''{text}'''")
    assert isinstance(value, bytes)
    return value


async def server_says(client: Client, expected: str, regex: bool) -> None:
    async with asyncio.timeout(60):
        line = await client.reader.readline()
    said = line.decode().removesuffix("\r\n")
    assert line.endswith(b"\r\n"), f"{said!r} where {expected!r} was expected"
    assert re.fullmatch(expected, said) if regex else said.startswith(expected), f"{said!r} is not {expected!r}"


async def send(client: Client, data: bytes, octets: bool) -> None:
    if not octets:
        client.send(data)
        return
    for octet in data[:-SEGMENTS], *(data[-SEGMENTS:][at : at + 1] for at in range(min(len(data), SEGMENTS))):
        client.send(octet)
        await asyncio.sleep(0)  # to the socket, which holds nothing back; the door shares the loop


async def step(client: Client, word: str, rest: str, octets: bool) -> None:
    door = client.door
    match word:
        case "C:":
            username, password = door.login()
            values = {"plain": plain(username, password), "username": encoded(username), "password": encoded(password)}
            await send(client, re.sub(r"\{(\w+)\}", lambda m: values[m[1]], rest).encode() + b"\r\n", octets)
        case "R:":
            await send(client, literal(rest), octets)
        case "S:" | "S~":
            await server_says(client, rest, word == "S~")
        case "S*":
            assert (await client.reply())[-1].startswith(rest)
        case "WAIT":
            await asyncio.sleep(float(rest))
        case "LOGIN":
            await client.log_in(rest)
        case "TLS":
            await client.start_tls()
        case "CLOSE":
            await client.close()
            await asyncio.sleep(0.05)
        case "CLOSED":
            assert await client.reply() == []
        case "TAKEN":
            assert len(door.gate.submissions) == int(rest)
        case "CONTENT":
            assert door.gate.submissions[-1].content == literal(rest)
        case "STORED":
            assert literal(rest) in list(door.kept.contents.values())[-1]
        case "REFERENCE":
            assert door.gate.accepted[-1].messages[0].reference == rest
        case "TRACE":
            assert door.gate.submissions[-1].trace.protocol == rest
        case "METRIC":
            name, *labels, value = rest.split(" ")
            assert door.metric(name, **dict(label.split("=") for label in labels)) == float(value)
        case _:
            raise AssertionError(f"no such step: {word}")


async def play(folder: Path, dialogue: Path, octets: bool) -> None:
    all_steps = list(steps(dialogue.read_text("utf-8")))
    assert dialogue.read_text("utf-8").startswith("# "), "say what is guaranteed"
    settings = dict(rest.split(" ", 1) for word, rest in all_steps if word == "SET")
    listens = [rest for word, rest in all_steps if word == "LISTEN"]
    paces = [Pace(*map(float, rest.split(" "))) for word, rest in all_steps if word == "PACE"]
    async with running_door(folder, pace=(paces or [PACE])[0], **settings) as door:
        client = await connected(door, (listens or ["tls"])[0])
        for number, (word, rest) in enumerate(all_steps, 1):
            if word not in ("SET", "LISTEN", "PACE", "WHOLE"):
                try:
                    await step(client, word, rest, octets and ("WHOLE", "") not in all_steps)
                except Exception as error:
                    error.add_note(f"{dialogue.name}, step {number}: {word} {rest}")
                    raise
        await client.close()


async def connected(door: Door, listens: str) -> Client:
    ports = {"starttls": door.port, "tls": door.tls_port, "devices": door.devices_port}
    return await Client.connect(door, tls=listens == "tls", port=ports[listens])


WAYS = [*((loop, False) for loop in LOOPS), ("uvloop", True)]
CASES = [(dialogue, *way) for dialogue in DIALOGUES for way in WAYS]


@pytest.mark.parametrize(
    ("dialogue", "loop", "octets"),
    sampled(CASES, in_turn(len(WAYS))),
    ids=lambda value: value.stem if isinstance(value, Path) else str(value),
)
def test_dialogue_goes_as_written(dialogue: Path, loop: str, octets: bool, tmp_path: Path) -> None:
    """Whole lines, and octet by octet."""
    run_on(loop, play(tmp_path, dialogue, octets))
