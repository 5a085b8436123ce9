"""Pictures that travel in a message: HTML and its inline pictures as one multipart/related (RFC 2387, RFC 2392).

Knows nothing of branding.
"""

from collections.abc import Sequence

from messages.picture import Picture

_ANY = "message"  # stands for the message's own part of a Content-ID until there is a message


def url(picture: Picture) -> str:
    """What `src` says of a picture in markup for any message."""
    return f"cid:{picture.name}@{_ANY}"


def within(markup: str, pictures: Sequence[Picture], token: str) -> str:
    """The markup for one message, in which no other Content-ID ends in `token`."""
    for picture in pictures:
        markup = markup.replace(url(picture), f"cid:{picture.name}@{token}")
    return markup


def data_url(picture: Picture) -> str:
    """What `src` says where there is no message, and nothing may be loaded (RFC 2397)."""
    return f"data:{picture.media_type};base64,{''.join(picture.encoded.decode().split())}"


def parts(pictures: Sequence[Picture], token: str) -> list[bytes]:
    """The pictures as body parts, without the line end that belongs to the delimiter behind them."""
    return [_part(picture, token) for picture in pictures]


def related(html: bytes, pictures: Sequence[Picture], boundary: str, token: str) -> tuple[bytes, bytes]:
    """The field and the body of a multipart/related of an HTML part, its fields with it, and its pictures."""
    field = f'Content-Type: multipart/related; type="text/html";\r\n boundary="{boundary}"\r\n'.encode()
    return field, enclose([html, *parts(pictures, token)], boundary)


def enclose(bodies: Sequence[bytes], boundary: str) -> bytes:
    """Body parts between delimiters (RFC 2046 5.1.1)."""
    delimiter = f"--{boundary}".encode()
    return b"".join(delimiter + b"\r\n" + body + b"\r\n" for body in bodies) + delimiter + b"--\r\n"


def _part(picture: Picture, token: str) -> bytes:
    fields = (
        f"Content-Type: {picture.media_type}",
        "Content-Transfer-Encoding: base64",
        f"Content-ID: <{picture.name}@{token}>",
        f'Content-Disposition: inline; filename="{picture.name}"',
    )
    return "\r\n".join((*fields, "", "")).encode() + picture.encoded.removesuffix(b"\r\n")
