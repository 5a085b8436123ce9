"""Codes and news about an account, to its person: by the relay's own service, in the priority lane.

A code ends with its message: what comes after ten minutes would be of no use. What people do in return is not known
here.
"""

from dataclasses import dataclass
from uuid import UUID

from auth.people.codes import LASTING_SECONDS, Made, Purpose
from auth.people.users import User
from auth.services import OWN_ID, OWN_TEMPLATE_ID
from config.words import Words
from messages.address import Address
from messages.envelope import Envelope
from messages.message import Answer, Door, Lane, Language, Personalised, Submission
from messages.phone import PhoneNumber
from messages.recipient import Recipient
from messages.reply import KEY_REVOKED, Refused
from messages.text import Text
from relay.notices.acting import TRACE, Acting

_MINUTES = LASTING_SECONDS // 60
_SUBJECT = Text("{code} is your code")
_USES = {
    Purpose.VERIFY: Text("Use this code to confirm your address:"),
    Purpose.SIGN_IN: Text("Use this code to sign in:"),
    Purpose.RESET: Text("Use this code to choose a new password:"),
    Purpose.ADDRESS: Text("Use this code to confirm your new address:"),
    Purpose.NUMBER: Text("Use this code to confirm your number:"),
}
_LASTS = Text("It is good for {minutes} minutes, on the page that asked for it.")
_NOT_YOU = Text(
    "If you did not ask for it, somebody typed your address by mistake: do nothing. Give the code to nobody."
)
_IN_A_TEXT = Text("{code} is your code. It is good for {minutes} minutes. Give it to nobody.")
_KNOWN_SUBJECT = Text("You have an account already")
_KNOWN = Text(
    "Somebody asked for an account with your address. You have one already: sign in with it. If you forgot the "
    "password, choose a new one on the sign-in page. If it was not you, do nothing."
)
_HELD = Text(
    "Somebody asked for an account with your address. You have one already, but it is on hold: nobody can sign in to "
    "it. To have it back, write to us. If it was not you, do nothing."
)
_DEVICE_SUBJECT = Text("A new sign-in to your account")
_DEVICE = Text(
    "Somebody signed in to your account from a browser that was not used before: {device}. If it was you, do nothing."
)
_DEVICE_ELSE = Text("If it was not you, choose a new password at once: that ends all other sessions.")
_MAX_DEVICE_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose account it is going to be."""

    email: str
    language: Language


@dataclass(frozen=True, slots=True)
class Said:
    """`body` is Markdown."""

    subject: str
    body: str


class Codes:
    """One per process."""

    def __init__(self, acting: Acting, words: Words) -> None:
        self._acting = acting
        self._words = words

    async def by_email(
        self, user: User | Reader, code: str, made: Made, purpose: Purpose, to: str | None = None
    ) -> UUID:
        """The id of the message, which is on disk. `to`: another address than the account's. Raises as `accept`."""
        say = self._words.translator(user.language)
        values = {"code": code, "minutes": _MINUTES}
        parts = (_USES[purpose].render(say), f"# {code}", _LASTS.render(say).format(**values), _NOT_YOU.render(say))
        said = Said(_SUBJECT.render(say).format(**values), "\n\n".join(parts))
        return await self._write(user, f"code.{made.id}", said, to=to, lifetime_seconds=LASTING_SECONDS)

    async def by_text(self, user: User, code: str, made: Made, to: str | None = None) -> UUID:
        """As `by_email`, to the account's number or another one."""
        number = to or user.phone
        assert number is not None
        words = _IN_A_TEXT.render(self._words.translator(user.language)).format(code=code, minutes=_MINUTES)
        return await self._send(f"code.{made.id}", PhoneNumber.parse(number), Answer(words), LASTING_SECONDS, user)

    async def account_known(self, user: User, name: str) -> UUID:
        """Somebody registers who has an account: told to them alone. Of one `name` there is one letter."""
        say = self._words.translator(user.language)
        body = _KNOWN if user.held_at is None else _HELD
        return await self._write(user, name, Said(_KNOWN_SUBJECT.render(say), body.render(say)))

    async def new_device(self, user: User, device: str, name: str) -> UUID:
        """They signed in with a browser that was not seen before."""
        say = self._words.translator(user.language)
        shown = device[:_MAX_DEVICE_CHARACTERS].replace("`", "")
        parts = (_DEVICE.render(say).format(device=f"`{shown}`"), _DEVICE_ELSE.render(say))
        return await self._write(user, name, Said(_DEVICE_SUBJECT.render(say), "\n\n".join(parts)))

    async def tell(self, user: User, name: str, subject: Text, body: Text, to: str | None = None) -> UUID:
        """News about the account; the texts in its person's language. `to`: another address, such as the one before."""
        say = self._words.translator(user.language)
        return await self._write(user, name, Said(subject.render(say), body.render(say)), to=to)

    async def _write(
        self, user: User | Reader, name: str, said: Said, *, to: str | None = None, lifetime_seconds: int | None = None
    ) -> UUID:
        content = Personalised(OWN_TEMPLATE_ID, {"subject": said.subject, "body": said.body})
        return await self._send(name, Address.parse(to or user.email), content, lifetime_seconds, user)

    async def _send(
        self,
        name: str,
        to: Recipient,
        content: Personalised | Answer,
        lifetime_seconds: int | None,
        user: User | Reader,
    ) -> UUID:
        submission = Submission(
            envelope=Envelope(None, (to,)),
            content=content,
            trace=TRACE,
            door=Door.RELAY,
            lane=Lane.PRIORITY,
            language=Language(user.language),
            lifetime_seconds=lifetime_seconds,
        )
        message_id = await self._acting.send(OWN_ID, name, submission)
        if message_id is None:
            raise Refused(KEY_REVOKED)
        return message_id
