"""Why a service sends nothing more to somebody, since when and until when, in words.

Its own entries alone: what others wrote to that person, and what became of it, is no business of the service.
"""

from collections.abc import Mapping

from delivery.store.suppressing import Entry
from delivery.store.suppressions import Reason
from messages.recipient import Recipient
from messages.text import Text
from relay.actions import suppressions
from relay.actions.timeline import Clock
from relay.site.visits import Visit

_SINCE: Mapping[Reason, Text] = {
    Reason.BOUNCE: Text("Since {since}: mail came back"),
    Reason.COMPLAINT: Text("Since {since}: mail was reported as spam"),
    Reason.OPT_OUT: Text("Since {since}: they answered STOP"),
    Reason.BY_HAND: Text("Since {since}: the service asked for it"),
}
_UNTIL = Text("{begun}. It ends by itself on {until}.")
_FOR_EVER = Text("{begun}. It does not end by itself.")


async def said(visit: Visit, recipient: Recipient, clock: Clock) -> list[Text]:
    """A sentence for each entry in force, oldest first."""
    async with visit.reading() as t:
        found = await suppressions.about(t, recipient.key, visit.the_service.id)
    return [_sentence(each, clock) for each in found]


def _sentence(entry: Entry, clock: Clock) -> Text:
    begun = Text(_SINCE[entry.reason].source, {"since": clock(entry.since)})
    if entry.until is None:
        return Text(_FOR_EVER.source, {"begun": begun})
    return Text(_UNTIL.source, {"begun": begun, "until": clock(entry.until)})
