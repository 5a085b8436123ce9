"""Secrets that stand in files of their own: what a service manager or an orchestrator hands over (NAME_FILE)."""

from pathlib import Path

from messages.text import Text, TextError

_MAX_BYTES = 64 * 1024


class SecretFileError(TextError):
    """A file that gives no secret. Never holds what is in it."""


def read(path: Path) -> str:
    """What the file says, without the line feed at its end."""
    try:
        with path.open("rb") as file:
            octets = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise SecretFileError("there is no file {file}", file=path) from None
    except OSError as error:
        reason = Text(error.strerror or type(error).__name__)
        raise SecretFileError("{file} cannot be read: {reason}", file=path, reason=reason) from None
    if len(octets) > _MAX_BYTES:
        raise SecretFileError("{file} is too long for a secret", file=path)
    try:
        text = octets.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretFileError("{file} is not UTF-8", file=path) from None
    if not text:
        raise SecretFileError("{file} is empty", file=path)
    return text
