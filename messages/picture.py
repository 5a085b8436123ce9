"""Pictures that mail readers show: PNG, JPEG and GIF, recognised by their own octets and never by a name.

No SVG: most mail readers show none, and it can carry scripts. Knows nothing of who shows them, or where.
"""

import base64
import re
from dataclasses import dataclass, field
from hashlib import sha256

from messages.text import TextError

MAX_OCTETS = 100 * 1024  # each message may carry it
MAX_PIXELS = 4_000  # of width or height

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif"}
_PNG = re.compile(rb"\x89PNG\r\n\x1a\n\0\0\0\rIHDR(.{4})(.{4})", re.DOTALL)
_GIF = re.compile(rb"GIF8[79]a(.{2})(.{2})", re.DOTALL)
# ITU T.81 B.1.1.3: start-of-frame markers, but for DHT, JPG and DAC, which stand among them.
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


class PictureError(TextError):
    """These octets are no picture that can be shown in mail."""


@dataclass(frozen=True, slots=True, repr=False)
class Picture:
    """Octets and what their own header says of them. `encoded` is their base64 (RFC 2045 6.8), made once."""

    octets: bytes
    media_type: str
    width: int
    height: int
    name: str = field(init=False)
    encoded: bytes = field(init=False)

    def __post_init__(self) -> None:
        # Named by its content: what a name stands for never changes, so that caches may keep it for ever.
        name = f"{sha256(self.octets).hexdigest()[:32]}.{_EXTENSIONS[self.media_type]}"
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "encoded", base64.encodebytes(self.octets).replace(b"\n", b"\r\n"))

    @classmethod
    def parse(cls, octets: bytes) -> "Picture":
        """Raises PictureError."""
        if len(octets) > MAX_OCTETS:
            raise PictureError("a picture has at most {limit} octets", limit=MAX_OCTETS)
        found = _recognise(octets)
        if found is None:
            raise PictureError("a picture is a PNG, JPEG or GIF file")
        media_type, width, height = found
        if not (0 < width <= MAX_PIXELS and 0 < height <= MAX_PIXELS):
            raise PictureError("a picture has 1 to {limit} pixels in width and height", limit=MAX_PIXELS)
        return cls(octets, media_type, width, height)

    def fitted(self, width: int, height: int) -> tuple[int, int]:
        """Width and height at which it fills that room without being distorted."""
        scale = min(width / self.width, height / self.height)
        return max(1, round(self.width * scale)), max(1, round(self.height * scale))


def _recognise(octets: bytes) -> tuple[str, int, int] | None:
    """Media type, width and height."""
    if png := _PNG.match(octets):
        return "image/png", int.from_bytes(png[1], "big"), int.from_bytes(png[2], "big")
    if gif := _GIF.match(octets):
        return "image/gif", int.from_bytes(gif[1], "little"), int.from_bytes(gif[2], "little")
    size = _jpeg_size(octets) if octets.startswith(b"\xff\xd8\xff") else None
    return ("image/jpeg", *size) if size else None


def _jpeg_size(octets: bytes) -> tuple[int, int] | None:
    """From the frame header, which stands behind segments that tell their own length."""
    at = 2
    while octets[at : at + 1] == b"\xff" and at + 9 <= len(octets):
        marker = octets[at + 1]
        if marker in _FRAMES:
            return int.from_bytes(octets[at + 7 : at + 9], "big"), int.from_bytes(octets[at + 5 : at + 7], "big")
        at += 1 if marker == 0xFF else 2 + max(2, int.from_bytes(octets[at + 2 : at + 4], "big"))
    return None
