"""Which provider takes a message: by its channel, and by the type of its key."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from config.providers import EmailProvider
from config.settings import Settings
from delivery.providers.base import Provider
from delivery.providers.outbox import OutboxProvider
from delivery.providers.ses import open_provider
from delivery.providers.simulator import SimulatorProvider
from messages.message import Channel, KeyType

Providers = Mapping[tuple[Channel, KeyType], Provider]


def providers(live: Mapping[Channel, Provider], simulator: Provider) -> Providers:
    """A channel's own provider for what is to reach somebody; what test keys send reaches nobody."""
    return {
        (channel, key_type): simulator if key_type is KeyType.TEST else provider
        for channel, provider in live.items()
        for key_type in KeyType
        if key_type.sends
    }


@asynccontextmanager
async def open_providers(settings: Settings) -> AsyncIterator[Providers]:
    """All that the settings name, for one process; closed when the block ends."""
    async with AsyncExitStack() as stack:

        async def opened(provider: Awaitable[Provider]) -> Provider:
            stack.push_async_callback((found := await provider).close)
            return found

        live = {
            Channel.EMAIL: await opened(_EMAIL[settings.email.provider](settings)),
        }
        yield providers(live, SimulatorProvider())


async def _outbox(settings: Settings) -> Provider:
    return OutboxProvider(settings.outbox.dir)


async def _ses(settings: Settings) -> Provider:
    return await open_provider(settings.aws, settings.delivery.concurrency)


_EMAIL: Mapping[EmailProvider, Callable[[Settings], Awaitable[Provider]]] = {
    EmailProvider.OUTBOX: _outbox,
    EmailProvider.SES: _ses,
}
