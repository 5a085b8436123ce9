"""Whether the provider sends to an address at all. Asked of it, and nothing is changed there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from delivery.providers.base import SendError
from relay.actions.transaction import Transactions

# Why the provider sends nothing to an address, if so. Raises a SendError.
Suppressed = Callable[[str], Awaitable[str | None]]


@asynccontextmanager
async def asked(transactions: Transactions) -> AsyncIterator[Suppressed]:
    """The provider; one without a list sends to everybody."""
    if not transactions.settings.email.traits.suppresses:
        yield never
        return
    from delivery.providers import ses_suppression as suppression

    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(transactions.open_ses())
        except SendError as error:
            yield partial(_unknown, error)
        else:
            yield partial(suppression.reason, client)


async def never(address: str) -> str | None:
    return None


async def _unknown(error: SendError, address: str) -> str | None:
    raise error
