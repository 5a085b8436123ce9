"""What leads through a service's pages, and who sees each: a room adds its entry here."""

from dataclasses import dataclass

from auth.people.permissions import Permission
from messages.text import Text
from relay.site.routing import Needs


@dataclass(frozen=True, slots=True)
class Entry:
    path: str  # of a GET route of the table
    label: Text
    needs: Permission


@dataclass(frozen=True, slots=True)
class Link:
    """In the head of every page, for who is signed in; or in its foot, for all."""

    path: str
    label: Text
    needs: Needs = Needs.NOBODY


SERVICE: tuple[Entry, ...] = (Entry("services/{service_id}/keys", Text("Keys"), Permission.MANAGE_API_KEYS),)
ACCOUNT: tuple[Link, ...] = ()
FOOT = (
    Link("features", Text("Features")),
    Link("documentation", Text("Documentation")),
    Link("accessibility", Text("Accessibility")),
    Link("privacy", Text("Privacy")),
    Link("contact", Text("Contact us")),
    Link("sitemap", Text("Site map")),
)
