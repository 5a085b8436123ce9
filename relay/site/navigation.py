"""What leads through the pages, and who sees each: a room adds its entries here. What is no route is not shown."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from auth.people.permissions import Permission
from messages.text import Text
from relay.site.routing import Needs


@dataclass(frozen=True, slots=True)
class Entry:
    """Of a service's own navigation."""

    path: str  # of a GET route of the table
    label: Text
    needs: Permission
    is_root: bool = False  # stands above all the others: current on its own page only
    also: tuple[str, ...] = ()  # what belongs to it and stands elsewhere


@dataclass(frozen=True, slots=True)
class Link:
    """Of every page's head or foot."""

    path: str
    label: Text
    needs: Needs = Needs.NOBODY
    is_for_strangers: bool = False  # gone once somebody is signed in


SERVICE: tuple[Entry, ...] = (
    Entry("services/{service_id}", Text("Dashboard"), Permission.VIEW_ACTIVITY, is_root=True),
    Entry(
        "services/{service_id}/activity",
        Text("Activity"),
        Permission.VIEW_ACTIVITY,
        also=("services/{service_id}/messages", "services/{service_id}/trace", "services/{service_id}/holds"),
    ),
    Entry("services/{service_id}/templates", Text("Templates"), Permission.MANAGE_TEMPLATES),
    Entry("services/{service_id}/send", Text("Send"), Permission.SEND_MESSAGES),
    Entry("services/{service_id}/usage", Text("Usage"), Permission.VIEW_ACTIVITY),
    Entry("services/{service_id}/keys", Text("Keys"), Permission.MANAGE_API_KEYS),
    Entry("services/{service_id}/preview", Text("Preview an email"), Permission.MANAGE_API_KEYS),
    Entry("services/{service_id}/callbacks", Text("Callbacks"), Permission.MANAGE_API_KEYS),
    Entry("services/{service_id}/guests", Text("Guest list"), Permission.MANAGE_API_KEYS),
    Entry("services/{service_id}/team", Text("Team"), Permission.MANAGE_SERVICE),
    Entry(
        "services/{service_id}/settings",
        Text("Settings"),
        Permission.MANAGE_SERVICE,
        also=("services/{service_id}/reply-to", "services/{service_id}/suppressions"),
    ),
    Entry("services/{service_id}/go-live", Text("Go live"), Permission.MANAGE_SERVICE),
    Entry("services/{service_id}/audit", Text("Who changed what"), Permission.MANAGE_SERVICE),
)
ACCOUNT: tuple[Link, ...] = (
    Link("services", Text("Your services"), Needs.SIGNED_IN),
    Link("account", Text("Your account"), Needs.SIGNED_IN),
    Link("approvals", Text("Requests to go live"), Needs.OPERATOR),
    Link("sign-in", Text("Sign in"), is_for_strangers=True),
)
FOOT = (
    Link("features", Text("Features")),
    Link("documentation", Text("Documentation")),
    Link("activity", Text("How many messages are sent")),
    Link("accessibility", Text("Accessibility")),
    Link("privacy", Text("Privacy")),
    Link("contact", Text("Contact us")),
    Link("sitemap", Text("Site map")),
)
START = (
    Link("register", Text("Create an account"), is_for_strangers=True),
    Link("sign-in", Text("Sign in"), is_for_strangers=True),
)
SITEMAP = (Link("", Text("Start page")), *FOOT[:-1], *START, *ACCOUNT[:2])


def first_page(service_id: UUID, permissions: Collection[Permission]) -> str | None:
    """The first of a service's pages that somebody may see; None: none of them."""
    path = next((each.path for each in SERVICE if each.needs in permissions), None)
    return path.replace("{service_id}", str(service_id)) if path else None
