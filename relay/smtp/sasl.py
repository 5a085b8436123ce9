"""The AUTH dialogue (RFC 4954): PLAIN (RFC 4616) and LOGIN. Turns what the client says into user name and secret.

Knows neither keys nor sessions; whether the two are good is the verifier's to say.
"""

import binascii
from collections.abc import Awaitable, Callable

from messages import reply
from messages.reply import Refused
from messages.text import Text

Ask = Callable[[str], Awaitable[bytes]]  # sends a challenge, gives the client's next line


async def credentials(argument: str, ask: Ask) -> tuple[str, str]:
    """User name and secret. Raises Refused when the client cancels or does not keep to the mechanism."""
    mechanism, _, initial = argument.partition(" ")
    match mechanism.upper():
        case "PLAIN":
            return _plain(await _response(initial, "", ask))
        case "LOGIN":
            username = await _response(initial, "Username:", ask)
            secret = await _response("", "Password:", ask)
            return _text(username), _text(secret)
        case "":
            raise Refused(reply.BAD_COMMAND, usage=Text("AUTH PLAIN or AUTH LOGIN"))
        case _:
            raise Refused(reply.MECHANISM_UNKNOWN)


async def _response(initial: str, challenge: str, ask: Ask) -> bytes:
    if initial == "=":  # RFC 4954 4: an initial response of no bytes
        return b""
    line = initial.encode() if initial else await ask(challenge)
    if line == b"*":
        raise Refused(reply.AUTH_CANCELLED)
    try:
        return binascii.a2b_base64(line.strip(b" "), strict_mode=True)
    except binascii.Error:
        raise Refused(reply.AUTH_NOT_BASE64) from None


def _plain(response: bytes) -> tuple[str, str]:
    authorisation, *rest = response.split(b"\0")
    if len(rest) != 2:
        raise Refused(reply.AUTH_NOT_BASE64)
    username, secret = rest
    if authorisation not in (b"", username):  # nobody acts for somebody else here
        raise Refused(reply.CREDENTIALS_INVALID)
    return _text(username), _text(secret)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Refused(reply.CREDENTIALS_INVALID) from None
