"""The code that confirms a reply-to address, in a letter to it: in both languages, who reads it is not known."""

from auth.principal import Service
from auth.reply_tos import ReplyToAddress
from config.words import Words
from messages.message import Language
from messages.text import Text
from relay.notices.contact import Contacts, Letter
from relay.notices.letters import as_text

# Codes for one service: each goes to whomever it names, who may be removed and added again.
PACE = (20, 3600)

_SUBJECT = Text("{code} is the code to confirm this address")
_OF_SOMEBODY = Text(
    "{who} wants answers to messages of {service} to come to this address. The code to confirm that is\n\n"
    "{code}\n\nIt is good for 30 minutes. Give it to {who} alone. If you do not know them, ignore this message: "
    "no answer will come here."
)
_OF_A_PROGRAM = Text(
    "{service} wants answers to its messages to come to this address. The code to confirm that is\n\n"
    "{code}\n\nIt is good for 30 minutes. Give it to the people of {service} alone. If you do not know them, ignore "
    "this message: no answer will come here."
)


async def write(
    contacts: Contacts, words: Words, service: Service, made: ReplyToAddress, code: str, now: float, who: str = ""
) -> None:
    """`who` asked for it, where that was a person. Raises as Contacts."""

    def letter(spoken: Language) -> Letter:
        translate = words.translator(spoken)
        values = {"who": as_text(who), "service": as_text(service.name_in(spoken)), "code": code}
        body = _OF_SOMEBODY if who else _OF_A_PROGRAM
        return Letter(Text(_SUBJECT.source, values).render(translate), Text(body.source, values).render(translate))

    both = {spoken: letter(spoken) for spoken in (Language.EN, Language.FR)}
    await contacts.write(made.address, f"reply-to {made.id} {now}", both)
