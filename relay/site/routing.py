"""A route: a path without the language, who handles it, and what its visitor has to be."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal

from starlette.responses import Response

from auth.people.permissions import Permission

if TYPE_CHECKING:
    from relay.site.visits import Visit

PageHandler = Callable[["Visit"], Awaitable[Response]]
FORM_BYTES = 64 * 1024


class Needs(Enum):
    NOBODY = "nobody"  # public
    SIGNED_IN = "signed in"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Route:
    """`services/{service_id}/keys`; a Permission is one of the service that the path names.

    A form posts to the path of the page that it stands on: so its draft is found again.
    """

    method: Literal["GET", "POST"]
    path: str
    handler: PageHandler
    needs: Needs | Permission
    strong: bool = False  # a TOTP or passkey must have been used in this session
    fresh: bool = False  # any factor, within the last minutes
    live: bool = False  # a stream that lasts: it has no time limit, and watching is not being there
    max_bytes: int = FORM_BYTES  # of a form

    @property
    def is_large(self) -> bool:
        """Its form is read only for whom the route is, and within their service's share of the memory."""
        return self.max_bytes > FORM_BYTES

    @property
    def is_strong(self) -> bool:
        return self.strong or self.needs in (Needs.OPERATOR, Permission.MANAGE_API_KEYS)
