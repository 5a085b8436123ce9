"""Which provider takes which message."""

from pathlib import Path

import pytest

from config.providers import EmailProvider
from config.settings import Email, Outbox, Settings
from delivery.providers.outbox import OutboxProvider
from delivery.providers.simulator import SimulatorProvider
from delivery.providers.table import open_providers, providers
from messages.message import Channel, KeyType
from tests.fakes.aws import CREDENTIALS


@pytest.mark.parametrize("chosen", EmailProvider)
async def test_mail_goes_to_the_provider_of_the_settings_and_tests_to_the_simulator(
    chosen: EmailProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    async with open_providers(Settings(email=Email(provider=chosen), outbox=Outbox(dir=tmp_path))) as found:
        names = {key: provider.name for key, provider in found.items()}
    assert names == {
        (Channel.EMAIL, KeyType.NORMAL): chosen.value,
        (Channel.EMAIL, KeyType.TEAM): chosen.value,
        (Channel.EMAIL, KeyType.TEST): "simulator",
        (Channel.SMS, KeyType.NORMAL): "outbox",
        (Channel.SMS, KeyType.TEAM): "outbox",
        (Channel.SMS, KeyType.TEST): "simulator",
    }


def test_each_channel_has_its_own_and_all_share_the_simulator(tmp_path: Path) -> None:
    mail, texts, simulator = OutboxProvider(tmp_path), OutboxProvider(tmp_path), SimulatorProvider()
    found = providers({Channel.EMAIL: mail, Channel.SMS: texts}, simulator)
    assert found[Channel.SMS, KeyType.TEAM] is texts
    assert found[Channel.EMAIL, KeyType.NORMAL] is mail
    assert found[Channel.SMS, KeyType.TEST] is found[Channel.EMAIL, KeyType.TEST] is simulator
