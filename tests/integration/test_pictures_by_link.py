"""The pictures that mail shows by link, as mail readers ask for them; and whose branding a message may have."""

import time
from typing import Any
from uuid import UUID, uuid4

import pytest

from auth import services
from auth.services import Limits
from delivery.exit.rendering import Renderer, RenderingError
from delivery.library import brandings
from delivery.library.brandings import Brandings
from delivery.library.letterheads import Letterheads
from delivery.library.templates import Templates
from messages.email.compose import Recipe
from messages.picture import Picture
from messages.variant import BrandType, Variant
from tests.fakes.pictures import jpeg
from tests.harness.http_door import ARTWORK, Door
from tests.harness.sampled import sampled

LOGO = Picture.parse(jpeg(300, 100))


async def create(door: Door, service_id: UUID | None, **fields: Any) -> Variant:
    fields = {"name": "Parks", "brand_type": BrandType.CUSTOM_LOGO, "logo": LOGO} | fields
    async with door.database.write() as connection:
        return await brandings.create(connection, service_id, time.time(), **fields)


async def use(door: Door, branding: object) -> None:
    async with door.database.write() as connection:
        await services.update(connection, Limits(), door.service.id, branding=str(branding))
    door.clock.ahead_seconds += 10


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_artwork_and_logos_are_shown_to_everybody_for_ever(door: Door, method: str) -> None:
    await create(door, door.service.id)
    for picture in (LOGO, *Letterheads(ARTWORK).pictures.values()):
        answer = await door.ask(method, f"/branding/{picture.name}")
        assert (answer.status, answer.headers["Content-Type"]) == (200, picture.media_type)
        assert answer.body == (picture.octets if method == "GET" else b"")
        assert int(answer.headers["Content-Length"]) == len(picture.octets)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert {"Vary", "Content-Language"}.isdisjoint(answer.headers)


NAMES = [
    *("0" * 32 + ".png", "", "header.html.j2", "..%2Fsettings.py", "../settings.py", "%2e%2e/x.png", "wordmark.png"),
    *("0" * 32 + ".svg", "0" * 32 + ".png%00", "0" * 33 + ".png", "0" * 31 + "G.png", "0" * 32 + ".png%0a"),
]


@pytest.mark.parametrize("name", sampled(NAMES, lambda at: at % 3 == 0))
async def test_nothing_else_is_reachable(door: Door, name: str) -> None:
    answer = await door.ask("GET", f"/branding/{name}")
    assert answer.status == 404
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await door.ask("POST", f"/branding/{LOGO.name}")).status == 405


async def test_service_may_use_its_own_branding_and_shared_ones_and_no_other(door: Door) -> None:
    own, shared = await create(door, door.service.id), await create(door, None)
    others = await create(door, uuid4())
    for branding, status in ((own.id, 201), (shared.id, 201), ("fip_french", 201), (others.id, 400), ("gone", 400)):
        await use(door, branding)
        answer = await door.send()
        assert answer.status == status, branding
        if status == 400:
            assert "X-Notify-Branding cannot be used: the service has no such branding" in answer.errors[0][1]


async def test_archived_branding_is_refused_and_what_was_accepted_keeps_its_version(door: Door) -> None:
    made = await create(door, door.service.id)
    assert isinstance(made.id, UUID)
    await use(door, made.id)
    sent = await door.send()
    await use(door, "default")
    async with door.database.write() as connection:
        await brandings.update(connection, made.id, time.time(), name="Trails", alt_text_en="Trails")
        await brandings.archive(connection, made.id)
    history = await door.store.searching.history(UUID(sent.body["id"]))
    assert history is not None
    message = history.message
    content = (await door.store.contents.load({message.content_id}))[message.content_id]
    assert (Recipe.from_json(content).branding, Recipe.from_json(content).branding_version) == (str(made.id), 1)
    templates = Templates(door.database, door.clock)
    built = await Renderer(templates, Brandings(database=door.database, now=door.clock)).render(message, content)
    assert b'alt="Parks"' in built
    assert b"Trails" not in built
    with pytest.raises(RenderingError, match="branding_gone"):
        await Renderer(templates, Brandings()).render(message, content)
    await use(door, made.id)
    assert (await door.send()).status == 400
