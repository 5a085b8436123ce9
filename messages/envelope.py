"""The envelope (RFC 5321 2.3.1): who a message goes to, whatever its header section says.

Knows nothing of content.
"""

from dataclasses import dataclass

from messages.recipient import Channel, Recipient


@dataclass(frozen=True, slots=True)
class Envelope:
    """`recipients` are in the client's order. `reverse_path` is None for the null reverse-path, else what the client
    wrote: it never leaves (SES has a return path of its own), so it need not be an address."""

    reverse_path: str | None
    recipients: tuple[Recipient, ...]

    def split(self) -> tuple["Envelope", ...]:
        """One envelope each: a recipient named twice gets one message."""
        unique: dict[str, Recipient] = {}
        for recipient in self.recipients:
            unique.setdefault(recipient.key, recipient)
        return tuple(Envelope(self.reverse_path, (recipient,)) for recipient in unique.values())

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Those of the recipients, each once, in their order."""
        return tuple(dict.fromkeys(recipient.channel for recipient in self.recipients))
