"""Whatever AWS tells, by one queue or topic: which reader a notification is for shows in its shape. Pure."""

from delivery.feedback import inbound, mail, ses, texts
from delivery.feedback.base import child, read_object, string
from delivery.store.base import Event, InboundMail, InboundText

Told = Event | InboundText | InboundMail

# Published as plain text when an event destination is made.
_GREETING = "Successfully validated SNS topic"
_BRIDGED = "detail-type"  # EventBridge's envelope


def read(text: str) -> tuple[Told, ...]:
    """What one notification tells, nothing where it is of no use to us. Raises Unreadable, nothing else."""
    if text.startswith(_GREETING):
        return ()
    told = read_object(text)
    if _BRIDGED in told:
        told = child(told, "detail")
    if inbound.MARK in told:
        return (inbound.read(told),)
    if told.get("notificationType") == mail.RECEIVED:
        return (mail.read(told),)
    if (string(told, "eventType") or "").startswith(texts.PREFIX):
        return texts.events(told)
    return ses.events(told)
