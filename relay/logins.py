"""The line that a failed log-in leaves, at every door: who tried, from which network, and why not.

A user name is there as a keyed hash only: people paste keys and passwords into that field.
"""

from uuid import UUID

import structlog

from auth.bans import place


def log_failed(door: str, client_ip: str | None, reason: str, *, key_id: UUID | None, name_hash: bytes | None) -> None:
    """`key_id` where the key is known, else `name_hash` of the name that was given."""
    structlog.get_logger("auth").warning(
        "login.failed",
        door=door,
        network=place(client_ip or ""),
        reason=reason,
        key_id=None if key_id is None else str(key_id),
        name_hash=None if name_hash is None else name_hash.hex(),
    )
