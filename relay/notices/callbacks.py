"""A callback URL is suspended, or answers again, in words.

Of the URL its host is named only: a path is often as good as a password.
"""

import re

from auth.notices import Notice
from auth.principal import Service
from delivery.store.base import CallbackKind
from messages.message import Language
from messages.text import Text, Translate
from relay.dates import moment
from relay.notices.contact import Letter
from relay.notices.letters import WHO, as_text

_KINDS = {
    CallbackKind.STATUS: Text("what became of its messages"),
    CallbackKind.COMPLAINT: Text("complaints"),
    CallbackKind.INBOUND: Text("text messages that come in"),
}
_WHY = {
    "timeout": Text("no answer came in time"),
    "dns": Text("DNS has no public address for its name"),
    "tls": Text("no secure connection could be made: its certificate may have ended"),
    "connection": Text("it could not be reached, or ended the connection"),
    "bad-url": Text("its address cannot be called"),
    "forbidden-address": Text("it is not in the public Internet"),
}
_STATUS = re.compile(r"http-(\d{3})")
_ANSWERED = Text("it answered with HTTP status {status}")
_FAILED = Text("the calls failed")

_SUSPENDED = Text("{service}: a callback URL is suspended")
_RESUMED = Text("{service}: a callback URL answers again")
_WHAT = Text(
    "The callback URL by which {service} is told of {kind} is suspended. It is at {host}, where no call has succeeded "
    "since {since}: {why}."
)
_WAITS = Text(
    "Nothing is lost: what the service is still to be told waits, for 7 days each, and can be read in the feed "
    "meanwhile."
)
_BY_ITSELF = Text(
    "One of the waiting calls is tried at least once an hour. The first that is answered with a 2xx status resumes the "
    "URL, and all that waited is told. There is nothing to do here once the cause is mended."
)
_BY_HAND = Text(
    "To see what the URL answers, or to resume it at once, the operators of notify-relay have these commands:\n\n"
    "notify-relay service callback test {id} --type {type}\n\n"
    "notify-relay service callback resume {id} --type {type}"
)
_WELL = Text(
    "The callback URL by which {service} is told of {kind} answers again since {at}. It is at {host}. What waited "
    "since {since} is being told; there is nothing to do."
)


def letter(notice: Notice, service: Service, language: Language, translate: Translate) -> Letter:
    """Wording of Kind.CALLBACK."""
    said, kind = notice.said, CallbackKind(notice.said["type"])
    values = {
        "service": as_text(service.name),
        "kind": _KINDS[kind],
        "host": as_text(said["host"]),
        "since": moment(said["failing_since"], language, service.time_zone),
        "at": moment(notice.noted_at, language, service.time_zone),
        "why": why(said["failed_as"]),
        "id": service.id,
        "type": kind.value,
    }
    resumed = said["change"] == "resumed"
    body = (_WELL, WHO) if resumed else (_WHAT, _WAITS, _BY_ITSELF, _BY_HAND, WHO)
    subject = _RESUMED if resumed else _SUSPENDED
    return Letter(
        subject=Text(subject.source, {"service": service.name}).render(translate),
        body="\n\n".join(Text(each.source, values).render(translate) for each in body),
    )


def why(failed_as: str) -> Text:
    """What a call's short code means."""
    if status := _STATUS.fullmatch(failed_as):
        return Text(_ANSWERED.source, {"status": status[1]})
    return _WHY.get(failed_as, _FAILED)
