"""Writing to the operator: kept, mailed to whoever answers, and acknowledged in the writer's language."""

from collections.abc import Mapping

import structlog
from starlette.responses import Response

from auth.people import enquiries
from auth.people.enquiries import Enquiry
from config.words import Words
from messages.address import Address
from messages.message import Language
from messages.reply import Refused
from messages.text import Text
from relay.notices.contact import Letter
from relay.notices.letters import as_text
from relay.site import addresses
from relay.site.forms import Form
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

MAX_CHARACTERS = 2000
_MAX_NAME = 100
_PACE = (5, 600)  # of one address: each is kept, and sends two letters
_RECEIPTS = (3, 86_400)  # to one mailbox, which may be that of somebody who never wrote
_ALL_RECEIPTS = (100, 3600)
REASONS: Mapping[str, Text] = {
    "ask": Text("Ask a question"),
    "problem": Text("Report a problem"),
    "accessibility": Text("Report an accessibility barrier"),
    "live": Text("Ask about going live or about limits"),
    "privacy": Text("Ask about privacy"),
    "other": Text("Something else"),
}
_NO_NAME = Text("Enter your name")
_LONG_NAME = Text("Your name can have {limit} characters", {"limit": _MAX_NAME})
_NO_ADDRESS = Text("Enter your email address")
_NO_REASON = Text("Choose what your message is about")
_NO_WORDS = Text("Enter your message")
_LONG_WORDS = Text("Your message can have {limit} characters", {"limit": MAX_CHARACTERS})

_TO_OPERATOR = Text("{reason}: a message from the contact page ({number})")
_TO_OPERATOR_BODY = Text("{name} wrote from {address}. Answer in {language}.\n\n---\n\n{words}")
_RECEIPT = Text("We got your message")
# Nobody has proved the address: not a word of a stranger's goes there.
_RECEIPT_BODY = Text(
    "Hello,\n\nWe got your message and will answer it within two business days. Its number is {number}.\n\n"
    "If you did not write to us, somebody gave this address by mistake: ignore this message."
)
_SPOKEN = {Language.EN: Text("English"), Language.FR: Text("French")}


async def show(visit: Visit) -> Response:
    return visit.page(
        "public/contact.html",
        title=Text("Contact us"),
        form=visit.filled(reason=visit.request.query_params.get("about", "")),
        reasons=[(name, visit.say(text)) for name, text in REASONS.items()],
        limit=MAX_CHARACTERS,
    )


async def send(visit: Visit) -> Response:
    form = await visit.form()
    if errors := _errors(form):
        return visit.invalid("contact", errors)
    await visit.reach_unknown("contact", *_PACE)
    async with visit.site.database.write() as connection:
        made = await enquiries.add(
            connection,
            visit.site.secret,
            visit.now,
            reason=form["reason"],
            language=visit.language,
            name=form.line("name"),
            address=form.line("email"),
            words=form["message"].strip(),
        )
    return visit.to("contact/sent", copy="sent") if await _tell(visit, made) else visit.to("contact/sent")


async def sent(visit: Visit) -> Response:
    copied = visit.request.query_params.get("copy") == "sent"
    return visit.page("public/sent.html", title=Text("We got your message"), copied=copied)


def _errors(form: Form) -> dict[str, Text]:
    """In the order of the fields."""
    found = {
        "reason": None if form["reason"] in REASONS else _NO_REASON,
        "message": _too_little_or_much(form["message"].strip(), MAX_CHARACTERS, _NO_WORDS, _LONG_WORDS),
        "name": _too_little_or_much(form.line("name"), _MAX_NAME, _NO_NAME, _LONG_NAME),
        "email": _wrong_address(form.line("email")),
    }
    return {name: error for name, error in found.items() if error is not None}


def _too_little_or_much(text: str, limit: int, none: Text, long: Text) -> Text | None:
    if not text:
        return none
    return long if len(text) > limit else None


def _wrong_address(text: str) -> Text | None:
    if not text:
        return _NO_ADDRESS
    return addresses.WRONG if addresses.parse(text) is None else None


async def _tell(visit: Visit, made: Enquiry) -> bool:
    """Whether the letters are on their way. What was written is kept, so nobody is told to write again if not."""
    words, contacts = visit.site.words, visit.site.contacts
    try:
        if (operator := visit.site.settings.site.contact) is not None:
            both = {each: _to_operator(made, each, words) for each in (Language.EN, Language.FR)}
            await contacts.write(operator, f"enquiry {made.id}", both)
        if not await _may_have_a_receipt(visit, made.address):
            return False
        receipt = {made.language: _receipt(made, made.language, words)}
        await contacts.write(made.address, f"enquiry {made.id} receipt", receipt)
    except Refused as refused:
        log = structlog.get_logger("site")
        log.error("site.letter_refused", code=refused.reply.code, enhanced=refused.reply.enhanced)
        return False
    return True


async def _may_have_a_receipt(visit: Visit, address: str) -> bool:
    mine = await visit.may("receipt", [Address.parse(address).key], *_RECEIPTS)
    return mine and await visit.may("receipts", [""], *_ALL_RECEIPTS)


def _to_operator(made: Enquiry, language: Language, words: Words) -> Letter:
    translate = words.translator(language)
    values = {
        "name": as_text(made.name),
        "address": as_text(made.address),
        "language": _SPOKEN[made.language],
        "words": as_text(made.words),
    }
    return Letter(
        subject=Text(_TO_OPERATOR.source, {"reason": REASONS[made.reason], "number": made.number}).render(translate),
        body=Text(_TO_OPERATOR_BODY.source, values).render(translate),
    )


def _receipt(made: Enquiry, language: Language, words: Words) -> Letter:
    translate = words.translator(language)
    body = Text(_RECEIPT_BODY.source, {"number": made.number})
    return Letter(subject=_RECEIPT.render(translate), body=body.render(translate))


ROUTES = (
    Route("GET", "contact", show, Needs.NOBODY),
    Route("POST", "contact", send, Needs.NOBODY),
    Route("GET", "contact/sent", sent, Needs.NOBODY),
)
