"""Texts that came in, as a service lists them: by hand, and by the published Python client."""

import asyncio
from uuid import uuid4

import pytest
from notifications_python_client import NotificationsAPIClient
from sqlalchemy import Connection

from delivery.store.base import InboundText
from delivery.store.inbound import Receiving
from relay.http import received
from tests.harness.http_door import Door

OURS, READER = "+16135550150", "+16135550100"
PATH = "/v2/received-text-messages"


async def came(door: Door, *texts: str, owner: str = "live") -> list[InboundText]:
    """To the number that a service has for itself."""
    service = door.service.id if owner == "live" else uuid4()

    def owners(_: Connection, numbers: object) -> dict[str, object]:
        return {OURS: service}

    receiving = Receiving(door.database, door.keyring, owners)  # type: ignore[arg-type]
    kept = []
    for place, text in enumerate(texts):
        kept += await receiving.take([InboundText(str(uuid4()), READER, OURS, text, None)], door.clock() + place)
    return kept


async def test_there_is_nothing_at_first_and_the_page_says_which_it_is(door: Door) -> None:
    answer = await door.get(PATH)
    assert (answer.status, answer.body["received_text_messages"]) == (200, [])
    assert list(answer.body["links"]) == ["current"]
    assert answer.body["links"]["current"].endswith(PATH)


async def test_a_text_has_the_fields_of_the_contract(door: Door) -> None:
    (kept,) = await came(door, "Merci ! 🙂")
    await came(door, "for somebody else", owner="other")

    answer = await door.get(PATH, name="test")

    (text,) = answer.body["received_text_messages"]
    assert text == {
        "id": str(kept.id),
        "created_at": text["created_at"],
        "service_id": str(door.service.id),
        "notify_number": OURS,
        "user_number": READER,
        "content": "Merci ! 🙂",
    }
    assert text["created_at"].endswith("Z")
    assert answer.body["links"]["next"].endswith(f"{PATH}?older_than={kept.id}")


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("?older_than=x", 400, "older_than is not a valid UUID"),
        ("?page=2", 400, "Additional properties are not allowed (page was unexpected)"),
    ],
)
async def test_what_is_asked_wrongly_is_told(door: Door, query: str, status: int, said: str) -> None:
    answer = await door.get(PATH + query)
    assert (answer.status, answer.errors) == (status, [("ValidationError", said)])


async def test_nobody_reads_them_without_a_key(door: Door) -> None:
    assert (await door.ask("GET", PATH)).status == 401


async def test_the_published_clients_iterator_ends(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(received, "PAGE", 3)
    await came(door, *map(str, range(8)))
    client = NotificationsAPIClient(door.issued["normal"].api_key, base_url=door.url)

    listed = await asyncio.to_thread(lambda: list(client.get_received_texts_iterator()))

    assert [each["content"] for each in listed] == list("76543210")
    page = await asyncio.to_thread(client.get_received_texts, older_than=listed[-1]["id"])
    assert page["received_text_messages"] == []
