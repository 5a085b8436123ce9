"""What one session tells to those who look on while its product is set up (auth/watches.py).

Of an address the domain, of a client the network, of a reply its name and its numbers: nobody's person, and no secret.
"""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID, uuid4

from auth.watches import Step, Watch
from messages.message import Channel
from messages.recipient import Recipient
from messages.reply import Refused
from messages.text import Text
from relay.logins import network

RECIPIENTS_TOLD = 5  # of a message


class Watches(Protocol):
    """What the door needs of auth.watches."""

    def of(self, username: str) -> Watch | None: ...

    def note(
        self, watch: Watch, session: UUID, number: int, step: Step, said: Mapping[str, Any], ago: float
    ) -> None: ...


class Witness:
    def __init__(self, watches: Watches, watch: Watch) -> None:
        self.watch = watch
        self._watches = watches
        self._session = uuid4()
        self._number = 0

    def tell(self, step: Step, *, ago: float = 0.0, **said: Any) -> None:
        """`ago`: seconds that passed since."""
        self._number += 1
        self._watches.note(self.watch, self._session, self._number, step, said, ago)

    def connected(self, client_ip: str, listener: str, cipher: tuple[str, str, int] | None, *, ago: float) -> None:
        """What was before it was known whose session it is."""
        self.tell(Step.CONNECTED, ago=ago, network=network(client_ip), listener=listener)
        name, version = ("", "") if cipher is None else cipher[:2]
        self.tell(Step.TLS, version=version, cipher=name)

    def sender(self, reverse_path: str | None) -> None:
        self.tell(Step.SENDER, domain=(reverse_path or "").rpartition("@")[2])

    def recipient(self, number: int, recipient: Recipient) -> None:
        """Of many, the first ones."""
        if number <= RECIPIENTS_TOLD:
            is_email = recipient.channel is Channel.EMAIL
            self.tell(Step.RECIPIENT, domain=str(recipient).rpartition("@")[2] if is_email else "")

    def refused(self, refused: Refused) -> None:
        self.tell(Step.REFUSED, reply=refused.reply.slug, values=_impersonal(refused.values_))


def _impersonal(values: Mapping[str, object]) -> dict[str, object]:
    """Those that are numbers, and words of ours."""
    ours = {name: each.source for name, each in values.items() if isinstance(each, Text) and not each.values}
    return ours | {name: each for name, each in values.items() if isinstance(each, int)}
