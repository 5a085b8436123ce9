"""What leads through the pages, and who sees each: a room adds its entries here. What is no route is not shown."""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Link:
    """Of every page's head or foot."""

    path: str
    label: Text
    needs: Needs = Needs.NOBODY
    is_for_strangers: bool = False  # gone once somebody is signed in


SERVICE: tuple[Entry, ...] = (
    Entry("services/{service_id}", Text("Dashboard"), Permission.VIEW_ACTIVITY, is_root=True),
    Entry("services/{service_id}/usage", Text("Usage"), Permission.VIEW_ACTIVITY),
    Entry("services/{service_id}/keys", Text("Keys"), Permission.MANAGE_API_KEYS),
)
ACCOUNT = (
    Link("services", Text("Your services"), Needs.SIGNED_IN),
    Link("account", Text("Your account"), Needs.SIGNED_IN),
    Link("sign-in", Text("Sign in"), is_for_strangers=True),
)
FOOT = (
    Link("features", Text("Features")),
    Link("documentation", Text("Documentation")),
    Link("activity", Text("Activity")),
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
