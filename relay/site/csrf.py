"""Whether a form was sent from our own page: by what browsers say of where it came from, and by a token in the form.

The token is made of the session's, so there is nothing to keep; who has no session gets a cookie with the first form.
"""

import hmac

from starlette.requests import Request

from config.keyring import Keyring
from relay.site.errors import Forged

FIELD = "csrf"
_PURPOSE = "csrf"


def token(secret: Keyring, session_token: str) -> str:
    return secret.hasher(_PURPOSE).hash(session_token).hex()


def check(secret: Keyring, session_token: str | None, given: str) -> None:
    """Raises Forged. Under every root of a rotation: a page may be open while it begins."""
    candidates = () if session_token is None else secret.hasher(_PURPOSE).candidates(session_token)
    if not any(hmac.compare_digest(each.hex().encode(), given.encode()) for each in candidates):
        raise Forged


def check_origin(request: Request, origins: frozenset[str]) -> None:
    """Raises Forged. Browsers send at least one of the two with each form; who sends neither has the token to show."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Forged
    if request.headers.get("origin", next(iter(origins))) not in origins:
        raise Forged
