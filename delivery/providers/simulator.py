"""The provider of test keys: sends nothing, and knows the end at once, by the recipient."""

from uuid import UUID

from delivery.providers.base import Begun, Receipt, nothing
from messages.message import Message
from messages.status import Status

# Recipients with an outcome of their own, as GC Notify and GOV.UK Notify have them; every other one is delivered.
OUTCOMES = {
    "temp-fail@simulator.notify": Status.TEMPORARY_FAILURE,
    "perm-fail@simulator.notify": Status.PERMANENT_FAILURE,
    "+15149301633": Status.TEMPORARY_FAILURE,
    "+15149301632": Status.PERMANENT_FAILURE,
    "+447700900003": Status.TEMPORARY_FAILURE,
    "+447700900002": Status.PERMANENT_FAILURE,
}


class SimulatorProvider:
    """Gives each message its final status. Never raises."""

    name = "simulator"
    idempotent = True  # the outcome follows from the recipient alone
    paced = False

    async def send(
        self,
        message: Message,
        content: bytes,
        attempt_id: UUID,
        origin: str | None = None,
        begun: Begun = nothing,
    ) -> Receipt:
        status = OUTCOMES.get(message.recipient.key, Status.DELIVERED)
        return Receipt(provider_id=str(message.id), status=status)

    def message_id(self, provider_id: str) -> str | None:
        return None

    async def greet(self) -> None:
        pass

    async def close(self) -> None:
        pass
