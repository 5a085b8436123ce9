"""What every provider promises: hand one message over, and tell exactly what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from messages.message import Message
from messages.status import Status

Begun = Callable[[], None]


def nothing() -> None: ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider has taken the message. `status` is SENDING unless the provider knows the end already."""

    provider_id: str
    status: Status = Status.SENDING


class SendError(Exception):
    """Why a message was not (or perhaps not) taken. `reason` is a short code for logs and history, never free text."""

    def __init__(self, reason: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class Throttled(SendError):  # noqa: N818
    """Certainly not sent, and no fault of the message: too fast, quota used up, account paused.

    Costs no attempt. The worker pauses (for `retry_after_seconds`, at most a minute), then tries with one message.
    """


class TooFast(Throttled):
    """More at once than may leave: of a text's origination identity, alone; of all mail."""


class QuotaSpent(Throttled):
    """All left that may leave in a day."""


class TenantHeld(Throttled):
    """The provider sends nothing of this service's alone: its mail is held, all other goes on."""


class Held(Throttled):
    """The provider sends nothing of ours until somebody mends it: an alert, and each minute a try whether it does."""


class Deferred(SendError):  # noqa: N818
    """Certainly not sent; worth another attempt later."""


class Failed(SendError):  # noqa: N818
    """Certainly not sent, and no later attempt can change that: the message ends with `status`."""

    def __init__(self, reason: str, *, status: Status = Status.TECHNICAL_FAILURE) -> None:
        super().__init__(reason)
        self.status = status


class Unknown(SendError):  # noqa: N818
    """Perhaps sent: the call went out and no answer came back (or a 5xx did). Never retried at once."""


class Provider(Protocol):
    """Takes messages to the world. One instance per process."""

    name: str
    idempotent: bool  # sending one message twice has the effect of sending it once
    paced: bool  # each message leaves from an origination identity , at the pace of that one

    async def send(
        self,
        message: Message,
        content: bytes,
        attempt_id: UUID,
        origin: str | None = None,
        begun: Begun = nothing,
    ) -> Receipt:
        """Hands over `content` (final octets; an email's are signed) for `message.recipient`.

        It leaves from `origin`, a number or a pool of them, where the provider is paced. One that is not idempotent
        calls `begun` just before anything can reach it: who dies before that has not sent the message.

        Raises Throttled, Deferred, Failed or Unknown; anything else is a bug and counts as Unknown.
        """
        ...

    def message_id(self, provider_id: str) -> str | None:
        """The Message-ID that the recipient of a message sees; None where that is the message's own."""
        ...

    async def greet(self) -> None:
        """Makes what the first message would wait for: credentials, a connection. What the provider says is ignored."""
        ...

    async def close(self) -> None: ...
