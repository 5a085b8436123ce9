"""The AUTH dialogue: credentials out of what a client may say."""

import base64

import pytest

from messages import reply
from messages.reply import Refused, Reply
from relay.smtp.sasl import credentials


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def dialogue(argument: str, *lines: str) -> tuple[tuple[str, str], list[str]]:
    """Credentials and the challenges that were sent."""
    challenges: list[str] = []

    async def ask(challenge: str) -> bytes:
        challenges.append(challenge)
        return lines[len(challenges) - 1].encode()

    return await credentials(argument, ask), challenges


@pytest.mark.parametrize(
    ("argument", "lines", "challenges"),
    [
        (f"PLAIN {b64(chr(0) + 'user' + chr(0) + 'sécret')}", (), []),
        (f"plain {b64('user' + chr(0) + 'user' + chr(0) + 'sécret')}", (), []),
        ("PLAIN", (b64(chr(0) + "user" + chr(0) + "sécret"),), [""]),
        ("LOGIN", (b64("user"), b64("sécret")), ["Username:", "Password:"]),
        (f"Login {b64('user')}", (b64("sécret"),), ["Password:"]),
    ],
)
async def test_credentials_are_read(argument: str, lines: tuple[str, ...], challenges: list[str]) -> None:
    assert await dialogue(argument, *lines) == (("user", "sécret"), challenges)


@pytest.mark.parametrize(
    ("argument", "lines", "expected"),
    [
        ("", (), reply.BAD_COMMAND),
        ("XOAUTH2", (), reply.MECHANISM_UNKNOWN),
        ("PLAIN", ("*",), reply.AUTH_CANCELLED),
        ("LOGIN", (b64("user"), "*"), reply.AUTH_CANCELLED),
        ("PLAIN", ("a",), reply.AUTH_NOT_BASE64),
        ("PLAIN ====", (), reply.AUTH_NOT_BASE64),
        (f"PLAIN {b64('user')}", (), reply.AUTH_NOT_BASE64),
        ("PLAIN =", (), reply.AUTH_NOT_BASE64),
        (f"PLAIN {b64('x' + chr(0) + 'user' + chr(0) + 'y')}", (), reply.CREDENTIALS_INVALID),
        ("PLAIN AP8A/w==", (), reply.CREDENTIALS_INVALID),
    ],
)
async def test_what_is_no_credentials_is_refused(argument: str, lines: tuple[str, ...], expected: Reply) -> None:
    with pytest.raises(Refused) as caught:
        await dialogue(argument, *lines)
    assert caught.value.reply is expected
