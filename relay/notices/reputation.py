"""Too much of a service's mail comes back, or is complained of, or a key sends far more than it ever did: in words.

Operators hear of it, too: what one service does to the provider's opinion of us, all feel.
"""

from uuid import UUID

from babel.numbers import format_decimal, format_percent

from auth import services
from auth.notices import Notice
from auth.people import users
from auth.principal import Service
from auth.services import OWN_ID
from config.database import Database
from config.keyring import Keyring
from config.settings import Limits
from config.words import Words
from delivery.store.reputations import Measure
from messages.message import Language
from messages.text import Text, Translate
from relay.dates import LOCALES
from relay.notices.contact import Contacts, Letter
from relay.notices.letters import WHO, Letters, as_text

_OF_OPERATORS = Text("You get this message because you are an operator of notify-relay. The id of the service is {id}.")
_SUBJECTS = {
    (Measure.BOUNCES, "warned"): Text("{service}: many emails come back"),
    (Measure.BOUNCES, "held"): Text("{service} is on hold: too many emails come back"),
    (Measure.COMPLAINTS, "warned"): Text("{service}: people report its emails as spam"),
    (Measure.COMPLAINTS, "held"): Text("{service} is on hold: too many people report its emails as spam"),
}
_PAUSED_SUBJECT = Text("{service}: the provider has paused its emails")
_PAUSED = Text(
    "Amazon SES has paused the tenant of {service}, or it does not exist there. Its emails wait, of all lanes; its "
    "text messages go on. They are sent by themselves when SES sends for the tenant again: the operators of "
    "notify-relay look after that."
)
_LIFTED_SUBJECT = Text("{service} sends again")
_COUNTS = {
    Measure.BOUNCES: Text(
        "Of {sent} emails that {service} sent in the last 24 hours, {bad} came back for good ({share}): their "
        "addresses do not exist, or take no mail."
    ),
    Measure.COMPLAINTS: Text(
        "Of {sent} emails that {service} sent in the last 24 hours, {bad} were reported as spam by "
        "who got them ({share})."
    ),
}
_MARKS = {
    Measure.BOUNCES: Text("At 10% what the service sends is put on hold, so that mail providers do not turn away all."),
    Measure.COMPLAINTS: Text(
        "At 0.5% what the service sends is put on hold, so that mail providers do not turn away all."
    ),
}
_HELD = Text(
    "Since then its messages of the lanes normal and bulk wait. Nothing is lost: messages are still accepted, and "
    "those of the lane priority go on. What waits too long expires: after 24 hours in normal, after 72 in bulk."
)
_CAUSE_OF_OWN = Text(
    "Often a program names a sender to whom nobody can write. Have it name one that takes mail, or ask for no notices."
)
_CAUSES = {
    Measure.BOUNCES: Text(
        "Often a list is old, or was made with a mistake. Take the addresses that came back off it; they are among "
        "the service's failed messages."
    ),
    Measure.COMPLAINTS: Text(
        "Often people did not ask for the messages, or cannot find how to stop them. Write only to those who asked, "
        "say who writes, and offer a link to unsubscribe."
    ),
}
_LIFTS = Text(
    "The hold ends when the share has fallen and somebody of the service has said, on its settings page, that the "
    "cause is mended; or when an operator ends it with the command\n\nnotify-relay queue release --service {id}"
)
_LIFTED = Text("The hold is over: what waited is being sent. There is nothing to do.")
_STILL_SUBJECT = Text("{service}: one hold is over, its messages still wait")
_STILL = Text("One hold of {service} is over, but there is another one, and what it holds waits on:")
_REASONS = {
    "operator": Text("An operator of notify-relay holds messages, and says when they go on."),
    "bounces": Text(
        "Too many emails came back: it ends when fewer do and somebody of the service has said, on its settings page, "
        "that the cause is mended."
    ),
    "complaints": Text(
        "Too many people reported its emails as spam: it ends when fewer do and somebody of the service has said, on "
        "its settings page, that the cause is mended."
    ),
    "tenant": Text("Amazon SES has paused its tenant: it ends when SES sends for it again."),
}
_SLOWED_SUBJECT = Text("{service}: a key sends far more than before, and is slowed")
_SLOWED = Text(
    "The key {key} sent {sent} messages within an hour. In its busiest hour of the last 30 days it had sent {busiest}. "
    "Its messages are still accepted, and leave at a pace of {per_hour} an hour in each lane."
)
_STOLEN = Text(
    "If nobody of the service sends so much, somebody else may have the key's password: revoke the key now, and make "
    "another one. If it is you, there is nothing to do: the key is slowed until it sends less. An operator can end it "
    "at once with the command\n\nnotify-relay key unslow {key_id}"
)


def letter(notice: Notice, service: Service, language: Language, translate: Translate) -> Letter:
    """Wording of Kind.REPUTATION."""
    return _letter(notice, service, language, translate, WHO)


def operators_letter(notice: Notice, service: Service, language: Language, translate: Translate) -> Letter:
    """The same, for operators."""
    return _letter(notice, service, language, translate, _OF_OPERATORS)


def _letter(notice: Notice, service: Service, language: Language, translate: Translate, who: Text) -> Letter:
    said, locale = notice.said, LOCALES[language]
    numbers = {name: format_decimal(said[name], locale=locale) for name in _NUMBERS if name in said}
    values = {"service": as_text(service.name_in(language)), "id": service.id, **numbers}
    values |= {name: as_text(str(said[name])) for name in ("key", "key_id") if name in said}
    if "bad" in said:
        values["share"] = format_percent(said["bad"] / max(said["sent"], 1), "#,##0.0#%", locale=locale)
    subject, body = _words(notice)
    return Letter(
        subject=Text(subject.source, values | {"service": service.name_in(language)}).render(translate),
        body="\n\n".join(Text(each.source, values).render(translate) for each in (*body, who)),
    )


_NUMBERS = ("bad", "sent", "busiest", "per_hour")


def _words(notice: Notice) -> tuple[Text, tuple[Text, ...]]:
    said, change = notice.said, notice.said["change"]
    if change == "slowed":
        return _SLOWED_SUBJECT, (_SLOWED, _STOLEN)
    if change == "lifted" and said.get("still"):
        return _STILL_SUBJECT, (_STILL, *(_REASONS[each] for each in said["still"]))
    if change == "lifted":
        return _LIFTED_SUBJECT, (_LIFTED,)
    if change == "paused":
        return _PAUSED_SUBJECT, (_PAUSED,)
    measure = Measure(said["measure"])
    if change == "held":
        return _SUBJECTS[measure, "held"], (_COUNTS[measure], _HELD, _CAUSES[measure], _LIFTS)
    if notice.service_id == OWN_ID:  # never held: no mark is told
        cause = _CAUSE_OF_OWN if measure is Measure.BOUNCES else _CAUSES[measure]
        return _SUBJECTS[measure, "warned"], (_COUNTS[measure], cause)
    return _SUBJECTS[measure, "warned"], (_COUNTS[measure], _MARKS[measure], _CAUSES[measure])


class ToOwnersAndOperators:
    """A Way: a letter to the service's contact, and one to each operator who has an account."""

    def __init__(self, database: Database, keyring: Keyring, contacts: Contacts, limits: Limits, words: Words) -> None:
        self._database = database
        self._keyring = keyring
        self._limits = limits
        self._owners = Letters(database, contacts, limits, words, letter)
        self._operators = Letters(database, contacts, limits, words, operators_letter)

    async def tell(self, notice: Notice) -> UUID | None:
        """As Way; of the letters it names the first."""
        assert notice.service_id is not None
        async with self._database.read() as connection:
            service = await services.find(connection, self._limits, notice.service_id)
            addresses = await users.operators(connection, self._keyring)
        told = [await self._owners.tell(notice)]
        for user_id, address in addresses.items():
            told.append(await self._operators.write(address, notice, service, f"{notice.name} {user_id}"))
        return next((each for each in told if each is not None), None)
