"""All pages of an account."""

from relay.site.account import (
    apps,
    authenticators,
    closing,
    passkeys,
    password,
    profile,
    reaching,
    recovery,
    sessions,
    step_up,
)
from relay.site.routing import Route

ROUTES: tuple[Route, ...] = (
    *profile.ROUTES,
    *reaching.ROUTES,
    *password.ROUTES,
    *authenticators.ROUTES,
    *apps.ROUTES,
    *passkeys.ROUTES,
    *recovery.ROUTES,
    *sessions.ROUTES,
    *step_up.ROUTES,
    *closing.ROUTES,
)
