"""Letters of the relay itself to the contact of a service: in both languages, by the one way in.

They leave from the relay's own service, which people hold, brand and look at as any other. What a letter says is not
known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from auth.services import OWN_ID, OWN_TEMPLATE_ID
from messages.address import Address
from messages.envelope import Envelope
from messages.message import Door, Language, Personalised, Submission
from messages.reply import KEY_REVOKED, Refused
from relay.notices.acting import TRACE, Acting


@dataclass(frozen=True, slots=True)
class Letter:
    """In one language; the body is Markdown."""

    subject: str
    body: str


class Contacts:
    """Whom the relay writes to. One per process."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    async def write(self, to: str, name: str, letters: Mapping[Language, Letter]) -> UUID:
        """Stores the letter in the order of its languages; the id of its message, which is on disk.

        Of one `name` there is one letter. Raises Refused, and what else `accept` raises.
        """
        message_id = await self._acting.send(OWN_ID, name, _submission(to, letters))
        if message_id is None:
            raise Refused(KEY_REVOKED)
        return message_id


def _submission(to: str, letters: Mapping[Language, Letter]) -> Submission:
    bodies = (f"[[{language}]]\n{letter.body}\n[[/{language}]]" for language, letter in letters.items())
    values = {
        "subject": " / ".join(letter.subject for letter in letters.values()),
        "body": "\n\n---\n\n".join(bodies),
    }
    return Submission(
        envelope=Envelope(None, (Address.parse(to),)),
        content=Personalised(OWN_TEMPLATE_ID, values),
        trace=TRACE,
        door=Door.RELAY,
        language=Language.BOTH,
    )
