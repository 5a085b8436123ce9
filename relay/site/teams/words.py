"""What people read of permissions, of people and of what was done."""

from collections.abc import Callable, Mapping

from auth.people.permissions import Permission
from messages.text import Text

PERMISSIONS: Mapping[Permission, tuple[Text, Text]] = {
    Permission.VIEW_ACTIVITY: (Text("See activity"), Text("Numbers, messages and what became of them")),
    Permission.SEND_MESSAGES: (Text("Send messages"), Text("From templates, to one person at a time")),
    Permission.MANAGE_TEMPLATES: (Text("Manage templates"), Text("Make, change and archive them")),
    Permission.MANAGE_SERVICE: (Text("Manage the service"), Text("Settings, team and going live")),
    Permission.MANAGE_API_KEYS: (
        Text("Manage keys"),
        Text("Keys, callbacks and the guest list. They need an authenticator app or a passkey"),
    ),
}


def options(say: Callable[[Text], str]) -> list[tuple[str, str, str]]:
    """As a group of checkboxes shows them."""
    return [(each.value, say(name), say(hint)) for each, (name, hint) in PERMISSIONS.items()]


def chosen(values: list[str]) -> frozenset[Permission]:
    """Those that were ticked; what is none is left out."""
    return frozenset(each for each in Permission if each.value in values)
