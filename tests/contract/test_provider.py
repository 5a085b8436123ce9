"""What every provider promises (delivery/providers/base.py), tried on each of them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from config.providers import EmailProvider
from config.settings import Aws
from delivery.providers import ses
from delivery.providers.base import Failed, Provider, SendError, Throttled
from delivery.providers.outbox import OutboxProvider
from delivery.providers.simulator import SimulatorProvider
from messages.status import FINAL, Status
from tests.fakes.aws import CREDENTIALS, FakeAws
from tests.fakes.messages import make_message

CONTENT = b"From: a@notification.example.ca\r\nTo: reader@example.org\r\nSubject: Hi\r\n\r\nHello\r\n"


@pytest.fixture(params=["simulator", "outbox", "ses"])
async def provider(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Provider]:
    if request.param == "simulator":
        yield SimulatorProvider()
    elif request.param == "outbox":
        yield OutboxProvider(tmp_path / "outbox")
    else:
        for name, value in CREDENTIALS.items():
            monkeypatch.setenv(name, value)
        async with FakeAws() as aws:
            provider = await ses.open_provider(Aws(endpoint_url=aws.url), concurrency=4)
            yield provider
            await provider.close()


async def test_send_returns_a_receipt_with_an_id_and_a_status(provider: Provider) -> None:
    receipt = await provider.send(make_message(), CONTENT, uuid4())
    assert receipt.provider_id
    assert receipt.status is Status.SENDING or receipt.status in FINAL


async def test_a_provider_is_as_the_settings_take_it_to_be(provider: Provider, tmp_path: Path) -> None:
    if provider.name == "simulator":
        return  # nobody chooses it: test keys do
    traits = EmailProvider(provider.name).traits
    receipt = await provider.send(make_message(), CONTENT, uuid4())
    assert (receipt.status in FINAL) is traits.delivers_at_once
    assert any(tmp_path.rglob("*.eml")) is traits.writes_files


async def test_two_messages_have_two_provider_ids(provider: Provider) -> None:
    first = await provider.send(make_message(), CONTENT, uuid4())
    second = await provider.send(make_message(), CONTENT, uuid4())
    assert first.provider_id != second.provider_id


async def test_idempotent_provider_takes_one_message_twice_as_once(provider: Provider) -> None:
    message = make_message()
    first = await provider.send(message, CONTENT, uuid4())
    second = await provider.send(message, CONTENT, uuid4())
    assert (first == second) is provider.idempotent


async def test_a_call_is_told_once_before_anything_can_be_taken_twice(provider: Provider) -> None:
    def stop() -> None:
        raise AssertionError

    calls: list[None] = []
    await provider.send(make_message(), CONTENT, uuid4(), begun=lambda: calls.append(None))
    assert len(calls) == 1 or provider.idempotent
    if not provider.idempotent:
        with pytest.raises(SendError):
            await provider.send(make_message(), CONTENT, uuid4(), begun=stop)


async def test_recipient_outside_ascii_is_taken_or_failed_for_good(provider: Provider) -> None:
    message = make_message("élise@example.org")
    if provider.name == "ses":
        with pytest.raises(Failed, match="recipient_not_ascii"):
            await provider.send(message, CONTENT, uuid4())
    else:
        assert (await provider.send(message, CONTENT, uuid4())).provider_id


async def test_provider_has_its_name_and_closes_twice(provider: Provider) -> None:
    assert provider.name in {"simulator", "outbox", "ses"}
    await provider.close()
    await provider.close()


# -- The simulator -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("recipient", "status"),
    [
        ("temp-fail@simulator.notify", Status.TEMPORARY_FAILURE),
        ("perm-fail@simulator.notify", Status.PERMANENT_FAILURE),
        ("Perm-Fail@Simulator.Notify", Status.PERMANENT_FAILURE),
        ("reader@example.org", Status.DELIVERED),
        ("perm-fail@example.org", Status.DELIVERED),
    ],
)
async def test_simulator_decides_by_the_recipient(recipient: str, status: Status) -> None:
    receipt = await SimulatorProvider().send(make_message(recipient), CONTENT, uuid4())
    assert receipt.status is status


# -- The outbox ----------------------------------------------------------------------------------------------------
async def test_outbox_holds_exact_content_and_envelope_and_nothing_else(tmp_path: Path) -> None:
    content = CONTENT + bytes(range(256)) + b"\r\n"
    message, attempt_id = make_message(), uuid4()
    await OutboxProvider(tmp_path).send(message, content, attempt_id)
    assert {path.name for path in tmp_path.iterdir()} == {f"{message.id}.eml", f"{message.id}.json"}
    assert (tmp_path / f"{message.id}.eml").read_bytes() == content
    envelope = json.loads((tmp_path / f"{message.id}.json").read_text())
    assert envelope == {
        "id": str(message.id),
        "reverse_path": "bounces@notification.example.ca",
        "rcpt_to": ["reader@example.org"],
        "service_id": str(message.service_id),
        "key_type": "normal",
        "tags": {"message_id": str(message.id), "attempt_id": str(attempt_id)},
    }


async def test_outbox_files_are_for_their_owner_only(tmp_path: Path) -> None:
    await OutboxProvider(tmp_path / "outbox").send(make_message(), CONTENT, uuid4())
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "outbox").iterdir()} == {0}


async def test_outbox_that_cannot_be_written_holds_mail_back(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file where the directory should be")
    with pytest.raises(Throttled) as caught:
        await OutboxProvider(tmp_path / "outbox").send(make_message(), CONTENT, uuid4())
    assert caught.value.reason == "outbox_not_writable"


async def test_outbox_that_fails_midway_leaves_no_temporary_file(tmp_path: Path) -> None:
    message = make_message()
    (tmp_path / f"{message.id}.json" / "in the way").mkdir(parents=True)
    with pytest.raises(Throttled):
        await OutboxProvider(tmp_path).send(message, CONTENT, uuid4())
    assert not list(tmp_path.glob(".*"))
