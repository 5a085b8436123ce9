"""Most, or all, of a year's limit is used, in words."""

from babel.numbers import format_decimal

from auth import warnings
from auth.notices import Notice
from auth.principal import Service
from auth.warnings import Reached
from messages.message import Channel, Language
from messages.text import Text, Translate
from relay.dates import LOCALES
from relay.notices.contact import Letter
from relay.notices.letters import WHO, as_text

_SUBJECTS = {
    Channel.EMAIL: Text("{service} has used {percent}% of its emails for the year"),
    Channel.SMS: Text("{service} has used {percent}% of its text messages for the year"),
}
_COUNTS = {
    Channel.EMAIL: Text(
        "{service} has sent {used} emails in the fiscal year that began on April 1, {begun}. "
        "It may send {limit} in a fiscal year."
    ),
    Channel.SMS: Text(
        "{service} has sent {used} parts of text messages in the fiscal year that began on April 1, {begun}. "
        "It may send {limit} in a fiscal year. A long text has several parts."
    ),
}
_NEAR = Text("When the limit is reached, what it sends is refused until April 1, {ends}.")
_FULL = Text("What it sends from now on is refused until April 1, {ends}.")
_CURE = Text("If the service needs to send more, ask for a higher limit now: it can be raised at any time.")


def letter(notice: Notice, service: Service, language: Language, translate: Translate) -> Letter:
    """Wording of Kind.LIMIT."""
    reached = Reached.of(notice)
    values = {
        "service": service.name,
        "percent": reached.percent,
        "used": format_decimal(reached.used, locale=LOCALES[language]),
        "limit": format_decimal(reached.per_year, locale=LOCALES[language]),
        "begun": reached.year,
        "ends": reached.year + 1,
        "id": service.id,
    }
    body = (_COUNTS[reached.channel], _FULL if reached.percent == max(warnings.PERCENTS) else _NEAR, _CURE, WHO)
    marked = values | {"service": as_text(service.name)}
    return Letter(
        subject=Text(_SUBJECTS[reached.channel].source, values).render(translate),
        body="\n\n".join(Text(each.source, marked).render(translate) for each in body),
    )
