"""What leads through a service's pages, and who sees each: a room adds its entry here."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

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


SERVICE: tuple[Entry, ...] = (
    Entry("services/{service_id}/guests", Text("Guest list"), Permission.MANAGE_API_KEYS),
    Entry("services/{service_id}/team", Text("Team"), Permission.MANAGE_SERVICE),
    Entry("services/{service_id}/settings", Text("Settings"), Permission.MANAGE_SERVICE),
    Entry("services/{service_id}/go-live", Text("Go live"), Permission.MANAGE_SERVICE),
    Entry("services/{service_id}/audit", Text("Who changed what"), Permission.MANAGE_SERVICE),
)
ACCOUNT: tuple[Link, ...] = (
    Link("services", Text("Your services"), Needs.SIGNED_IN),
    Link("approvals", Text("Requests to go live"), Needs.OPERATOR),
)
FOOT = (
    Link("features", Text("Features")),
    Link("documentation", Text("Documentation")),
    Link("accessibility", Text("Accessibility")),
    Link("privacy", Text("Privacy")),
    Link("contact", Text("Contact us")),
    Link("sitemap", Text("Site map")),
)


def first_page(service_id: UUID, permissions: Collection[Permission]) -> str | None:
    """The first of a service's pages that somebody may see; None: none of them."""
    path = next((each.path for each in SERVICE if each.needs in permissions), None)
    return path.replace("{service_id}", str(service_id)) if path else None
