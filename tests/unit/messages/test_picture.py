import base64

import pytest

from messages.picture import MAX_OCTETS, Picture, PictureError
from tests.fakes.pictures import gif, jpeg, png


@pytest.mark.parametrize(
    ("octets", "media_type", "extension"),
    [
        (png(300, 100), "image/png", ".png"),
        (gif(300, 100), "image/gif", ".gif"),
        (jpeg(300, 100), "image/jpeg", ".jpg"),
    ],
)
def test_picture_is_known_by_its_octets(octets, media_type, extension):
    picture = Picture.parse(octets)
    assert (picture.media_type, picture.width, picture.height) == (media_type, 300, 100)
    assert picture.name.endswith(extension)
    assert len(picture.name) == 36
    assert base64.b64decode(picture.encoded) == octets
    assert b"\n" not in picture.encoded.replace(b"\r\n", b"")


def test_other_octets_have_another_name():
    assert Picture.parse(png(2, 2)).name != Picture.parse(png(2, 3)).name


@pytest.mark.parametrize(
    "octets",
    [b"", b'<svg xmlns="http://www.w3.org/2000/svg"/>', b"\x89PNG\r\n\x1a\n", png(9, 9)[:20], b"\xff\xd8\xff",
     jpeg(9, 9)[:24], b"\xff\xd8\xff\xe0\0\0" * 9, b"\xff\xd8" + b"\xff" * 99, b"BM" + b"\0" * 60, b"GIF89a\1"],
)  # fmt: skip
def test_what_is_none_is_refused(octets):
    with pytest.raises(PictureError, match="a PNG, JPEG or GIF file"):
        Picture.parse(octets)


@pytest.mark.parametrize("octets", [gif(0, 9), gif(9, 0), gif(4001, 9), jpeg(9, 65535)])
def test_sizes_are_bounded(octets):
    with pytest.raises(PictureError, match="1 to 4000 pixels"):
        Picture.parse(octets)


def test_octets_are_bounded():
    assert Picture.parse(gif(1, 1).ljust(MAX_OCTETS, b"\0"))
    with pytest.raises(PictureError, match="at most 102400 octets"):
        Picture.parse(gif(1, 1).ljust(MAX_OCTETS + 1, b"\0"))


@pytest.mark.parametrize(("size", "shown"), [((572, 110), (286, 55)), ((1000, 10), (286, 3)), ((10, 1000), (1, 55))])
def test_picture_fills_its_room_undistorted(size, shown):
    assert Picture.parse(gif(*size)).fitted(286, 55) == shown
