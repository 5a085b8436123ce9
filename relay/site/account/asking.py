"""What this site asks a browser for a passkey with: bound to the host that the visitor sees, and to their session."""

from urllib.parse import urlsplit

from auth.people.ceremonies import Ceremonies, RelyingParty
from relay.site.visits import Visit


def ceremonies(visit: Visit) -> Ceremonies | None:
    """None: browsers know no passkeys at an IP address. No other host than ours is answered; see guard.py."""
    scheme = urlsplit(visit.site.settings.site.public_url).scheme
    host = visit.request.headers.get("host", "")
    party = RelyingParty.at(f"{scheme}://{host}", visit.site.settings.site.names[visit.language])
    return None if party is None else Ceremonies(party, visit.site.secret, visit.csrf)
