"""Whether the provider sends to an address at all. Asked of it, and nothing is changed there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from config.settings import Settings
from delivery.providers.base import SendError

# Why the provider sends nothing to an address, if so. Raises a SendError.
Suppressed = Callable[[str], Awaitable[str | None]]


@asynccontextmanager
async def asked(settings: Settings) -> AsyncIterator[Suppressed]:
    """The provider; one without a list sends to everybody."""
    if not settings.email.traits.suppresses:
        yield _never
        return
    from delivery.providers import suppression
    from delivery.providers.aws import open_client

    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(open_client("sesv2", settings.aws, 1))
        except SendError as error:
            yield partial(_unknown, error)
        else:
            yield partial(suppression.reason, client)


async def _never(address: str) -> str | None:
    return None


async def _unknown(error: SendError, address: str) -> str | None:
    raise error
