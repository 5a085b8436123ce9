"""What was done in a service, in words: of each entry of its audit a sentence, and what changed."""

from collections.abc import Iterator, Mapping
from typing import Any

from auth.audit import Entry
from auth.people.permissions import Permission
from messages.text import Text
from relay.site.teams.words import PERMISSIONS

_MAX_CHARACTERS = 100
_TOLD = (
    "name",
    "name_fr",
    "address",
    "domain",
    "sender",
    "permissions",
    "approved",
    "remark",
    "month",
)  # of what is new or gone
_QUIET = ("id", "created_at", "updated_at", "version")
_YES, _NO, _NOTHING = Text("yes"), Text("no"), Text("nothing")

DEEDS: Mapping[str, Text] = {
    "service.create": Text("created the service"),
    "service.update": Text("changed settings"),
    "service.hold": Text("put the service on hold"),
    "service.release": Text("released the service"),
    "service.go-live": Text("took the service live"),
    "service.go-live.use-case": Text("wrote what the service is for"),
    "service.go-live.request": Text("asked to go live"),
    "service.go-live.decide": Text("decided on going live"),
    "service.member.add": Text("added to the team"),
    "service.member.change": Text("changed the permissions of"),
    "service.member.remove": Text("removed from the team"),
    "service.invitation.add": Text("invited a person"),
    "service.invitation.cancel": Text("cancelled an invitation"),
    "service.invitation.accept": Text("accepted an invitation"),
    "service.guest.add": Text("added a guest"),
    "service.guest.remove": Text("removed a guest"),
    "service.sender.add": Text("registered an address or domain for answers"),
    "service.sender.remove": Text("removed an address or domain for answers"),
    "service.domain.add": Text("gave the service a domain"),
    "service.domain.remove": Text("took a domain from the service"),
    "service.reply-to.add": Text("added an address for answers"),
    "service.reply-to.confirm": Text("confirmed an address for answers"),
    "service.reply-to.default": Text("changed where answers go"),
    "service.reply-to.remove": Text("removed an address for answers"),
    "service.callback.set": Text("set a callback"),
    "service.callback.remove": Text("removed a callback"),
    "service.callback.resume": Text("resumed a callback"),
    "key.create": Text("made the key"),
    "key.update": Text("changed the key"),
    "key.rotate": Text("replaced the key"),
    "key.revoke": Text("revoked the key"),
    "key.slow": Text("slowed the key"),
    "key.unslow": Text("let the key send as before"),
    "template.create": Text("made the template"),
    "template.update": Text("changed the template"),
    "template.archive": Text("archived the template"),
    "template.copy": Text("copied the template"),
    "template.restore": Text("restored the template"),
    "branding.create": Text("made the branding"),
    "branding.update": Text("changed the branding"),
    "branding.archive": Text("archived the branding"),
    "sender.add": Text("gave the service a number for texts"),
    "sender.update": Text("changed a number for texts"),
    "sender.remove": Text("took away a number for texts"),
    "message.cancel": Text("cancelled messages"),
    "queue.hold": Text("stopped the service's messages"),
    "queue.release": Text("let the service's messages go"),
    "queue.retry": Text("tried waiting messages again at once"),
    "queue.cancel": Text("cancelled waiting messages"),
    "queue.mended": Text("said that the cause of a hold is mended"),
    "statistics.rebuild": Text("corrected what was counted in a month"),
    "opt-out.remove": Text("ended an opt-out"),
    "suppression.add": Text("put a recipient on the suppression list"),
    "suppression.remove": Text("took a recipient off the suppression list"),
}
_OTHER = Text("did something else: {action}")

# What can be looked for: kinds of objects.
GROUPS: Mapping[str, tuple[Text, tuple[str, ...]]] = {
    "settings": (Text("Settings"), ("service", "reply-to", "domain", "sender")),
    "team": (Text("Team"), ("user", "invitation", "go-live")),
    "keys": (Text("Keys and guests"), ("key", "callback", "guest")),
    "templates": (Text("Templates"), ("template", "branding")),
    "messages": (Text("Messages"), ("message", "group", "queue", "opt-out", "suppression", "statistics")),
}


def deed(entry: Entry) -> Text:
    return DEEDS.get(entry.action, Text(_OTHER.source, {"action": entry.action}))


def changes(entry: Entry) -> Iterator[tuple[str, Text | str | list[Text], Text | str | list[Text] | None]]:
    """Field, what it was or is, and what it became; the last is None where a thing is new or gone."""
    before, after = entry.before, entry.after
    if before is None or after is None:
        fields = before or after or {}
        yield from ((name, _said(fields[name]), None) for name in _TOLD if fields.get(name) not in (None, "", []))
        return
    for name in after:
        if name not in _QUIET:
            yield name, _said(before.get(name)), _said(after[name])


def _said(value: Any) -> Text | str | list[Text]:
    if value is None or value == "":
        return _NOTHING
    if isinstance(value, bool):
        return _YES if value else _NO
    if isinstance(value, list) and value and all(each in {*Permission} for each in value):
        return [PERMISSIONS[Permission(each)][0] for each in value]
    text = str(value) if not isinstance(value, list) else ", ".join(map(str, value))
    return text if len(text) <= _MAX_CHARACTERS else text[: _MAX_CHARACTERS - 1] + "…"
