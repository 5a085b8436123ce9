"""What each role's process may do in PostgreSQL: one database user per role, and no more than it needs.

An owner upgrades the schema and runs the commands, and alone reads the audit, to which the HTTP door may add; SQLite
knows no users. A missing grant shows as an outage, so tests/acceptance/test_database_users.py runs every role as its
user.
"""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# The private key of a domain is the one column here that only workers read, though it is sealed.
_PUBLIC_KEYS = "SELECT (id, domain_id, selector, public_record, active, created_at, state, again_at)"
_COUNT = "INSERT"
_COUNT_AS_BEFORE = "SELECT, INSERT, UPDATE (messages)"  # what the version before still needs during an upgrade
_FOLD = "SELECT, INSERT, UPDATE (messages, units), DELETE"
_TELL = "SELECT, INSERT, UPDATE (last)"
# What a key is called and may do, and when it ends: never its secret, its type or whose it is.
_KEY_TERMS = (
    "name, lane, language, branding, per_minute, networks, reply_to_address, lifetime_seconds, max_message_bytes, "
    "max_recipients, allowed_from, allowed_senders, fixed, expires_at, revoked_at, last_used_at"
)
_HEALTH = "UPDATE (failing_since, failed_as, suspended_at, probe_at, probes, well_since)"
_SETTLE = "SELECT, UPDATE (status, reason, provider_id, sent_at, completed_at)"

_EVERY = {
    "alembic_version": "SELECT",
    "roots": "SELECT, INSERT",  # who comes first leaves the proof
    "processes": "SELECT, INSERT, UPDATE, DELETE",
    # What the ops process beside each role measures.
    "queue": "SELECT",
    "send_rates": "SELECT",
    "domains": "SELECT",
    "dkim_keys": _PUBLIC_KEYS,
    "services": "SELECT",
    "service_domains": "SELECT",
}
_DOOR = _EVERY | {
    "keys": "SELECT, UPDATE (last_used_at)",
    "guests": "SELECT",
    "memberships": "SELECT",  # the team is reached as guests are
    "users": "SELECT (id, email, phone, operator, verified_at, held_at)",
    "senders": "SELECT",
    "reply_to_addresses": "SELECT",
    "limits": "SELECT, INSERT, UPDATE (used)",
    "notices": "SELECT, INSERT, UPDATE (due_at, ended_at, message_id)",
    "logins": "SELECT, INSERT, UPDATE, DELETE",
    "templates": "SELECT",
    "brandings": "SELECT",
    "origination_identities": "SELECT",
    "contents": "INSERT",
    "messages": "SELECT, INSERT",
    "queue": "SELECT, INSERT",
    "count_changes": _COUNT,
    "counters": _COUNT_AS_BEFORE,
    "suppressions": "SELECT",
    # Who measures what waits, for all doors.
    "attempts": "SELECT (id, message_id, outcome)",
    "holds": "SELECT",
    "backlogs": "SELECT, INSERT, DELETE",
    "drains": "SELECT, INSERT, DELETE",
    "slowed_keys": "SELECT, UPDATE (next_at)",
    "inbound_texts": "SELECT (id, source, destination)",  # whom a keyword is answered to
    "mail_answers": "SELECT (id, sender, message_id)",  # and who hears that nobody reads mail
    "idempotency": "SELECT, INSERT, DELETE",  # a name whose message was refused is free again
}
GRANTS: Mapping[str, Mapping[str, str]] = {
    "relay_smtp": _DOOR
    | {
        "watches": "SELECT",  # somebody looks on,
        "sightings": "SELECT, INSERT, DELETE",  # and sees the newest
    },
    "relay_http": _DOOR
    | {
        "contents": "SELECT, INSERT",  # it shows what was sent,
        "counts": "SELECT",  # how much,
        "template_counts": "SELECT",
        "key_counts": "SELECT",
        "count_changes": "SELECT, INSERT",
        "inbound_texts": "SELECT",  # and what came
        # What keys of type admin change (relay/http/management). No user of its own would keep that apart: whoever
        # overcame this process has the root secret, and so the admin keys, too.
        "templates": "SELECT, INSERT, UPDATE (archived)",
        "guests": "SELECT, INSERT, DELETE",
        "services": "SELECT, UPDATE (reply_to_address, content_days)",
        "reply_to_addresses": "SELECT, INSERT, UPDATE (verified_at), DELETE",
        "reply_to_codes": "SELECT, INSERT, UPDATE (tries), DELETE",
        "callback_urls": f"SELECT, INSERT, DELETE, {_HEALTH}",
        "callbacks": "SELECT, INSERT",  # also what became of messages, as a feed
        "feeds": _TELL,
        "messages": "SELECT, INSERT, UPDATE (status, reason, completed_at)",  # cancelled
        "queue": "SELECT, INSERT, DELETE",
        "audit": "INSERT",
        "suppressions": "SELECT, INSERT, UPDATE, DELETE",
    },
    "relay_site": _DOOR
    | {
        "counts": "SELECT",
        "template_counts": "SELECT",
        "key_counts": "SELECT",
        "count_changes": "SELECT, INSERT",
        "contents": "SELECT, INSERT",  # it shows what was sent, and what became of it
        "attempts": "SELECT",
        "events": "SELECT",
        "callback_urls": f"SELECT, INSERT, DELETE, {_HEALTH}",  # signs the call that tries a receiver out
        "callbacks": "SELECT",
        "sessions": "SELECT, INSERT, UPDATE, DELETE",
        "drafts": "SELECT, INSERT, UPDATE, DELETE",
        "keys": f"SELECT, INSERT, UPDATE ({_KEY_TERMS})",  # also the hidden one of a new service
        "watches": "SELECT, INSERT, UPDATE, DELETE",
        "sightings": "SELECT, DELETE",
        "enquiries": "SELECT, INSERT, DELETE",
        "totps": "SELECT, INSERT, UPDATE (name, proved_at, used_at, last_step), DELETE",
        "passkeys": "SELECT, INSERT, UPDATE (name, sign_count, used_at), DELETE",
        "spent_challenges": "SELECT, INSERT, DELETE",
        "recovery_codes": "SELECT, INSERT, UPDATE (used_at), DELETE",
        "users": "SELECT, INSERT, UPDATE, DELETE",  # gone are those who never proved their address
        "services": "SELECT, INSERT, UPDATE",
        "templates": "SELECT, INSERT, UPDATE (archived)",
        "reply_to_addresses": "SELECT, INSERT, UPDATE (verified_at), DELETE",
        "reply_to_codes": "SELECT, INSERT, UPDATE (tries), DELETE",
        "guests": "SELECT, INSERT, DELETE",
        "organisations": "SELECT",
        "organisation_domains": "SELECT",
        "approvers": "SELECT",
        "memberships": "SELECT, INSERT, UPDATE (permissions), DELETE",
        "invitations": "SELECT, INSERT, UPDATE (ended_at), DELETE",
        "go_live_requests": "SELECT, INSERT, UPDATE",
        "codes": "SELECT, INSERT, UPDATE, DELETE",
        "devices": "SELECT, INSERT, UPDATE, DELETE",
        "reputations": "SELECT, UPDATE (acted_at)",  # the service says that the cause is mended
        "audit": "SELECT, INSERT",  # a service reads its own
        "suppressions": "SELECT, INSERT, UPDATE, DELETE",
    },
    "relay_worker": _EVERY
    | {
        "domains": "SELECT, INSERT, UPDATE",
        "dkim_keys": "SELECT, INSERT, UPDATE (active, state, again_at)",
        "limits": "SELECT, DELETE",
        "templates": "SELECT",
        "brandings": "SELECT",
        "origination_identities": "SELECT, UPDATE (next_at, held_until)",
        "contents": "SELECT, DELETE",
        "messages": f"{_SETTLE}, DELETE",
        "events": "SELECT, DELETE",
        "notices": "SELECT (kind, about, ended_at), INSERT, DELETE",
        "sent_index": "SELECT, INSERT, DELETE",
        "queue": "SELECT, UPDATE, DELETE",
        "holds": "SELECT, INSERT",  # of a tenant that is paused
        "send_rates": "SELECT, INSERT, UPDATE",
        "attempts": "SELECT, INSERT, UPDATE, DELETE",
        "count_changes": "SELECT, INSERT, DELETE",
        "counts": _FOLD,
        "template_counts": _FOLD,
        "key_counts": _FOLD,
        "counters": _COUNT_AS_BEFORE + ", DELETE",
        "idempotency": "SELECT, DELETE",
        "suppressions": "SELECT",
        "opt_outs": "SELECT",  # the version before, during an upgrade
        "inbound_texts": "SELECT, DELETE",
        "mail_answers": "SELECT, DELETE",
        "callback_urls": "SELECT (service_id, kind)",
        "callbacks": "SELECT, INSERT, DELETE",
        "feeds": _TELL,
    },
    "relay_feedback": _EVERY
    | {
        "messages": _SETTLE,
        "sent_index": "SELECT",
        "queue": "SELECT, DELETE",
        "attempts": "SELECT, UPDATE (ended_at, outcome, reason)",
        "counters": _COUNT_AS_BEFORE,
        "events": "SELECT, INSERT, UPDATE (message_id, detail), DELETE",
        "suppressions": "SELECT, INSERT, UPDATE, DELETE",
        "provider_lists": "SELECT, INSERT, UPDATE",
        "opt_outs": "SELECT, INSERT, DELETE",  # the version before, during an upgrade
        "inbound_texts": "SELECT, INSERT",
        "mail_answers": "SELECT (id, service_id, sender_hash, received_at), INSERT",
        "limits": "SELECT, INSERT, UPDATE (used)",  # how many answers there are
        "origination_identities": "SELECT, UPDATE (members)",
        "callback_urls": f"SELECT, {_HEALTH}",
        "callbacks": "SELECT, INSERT, UPDATE",
        "feeds": _TELL,
        "notices": "INSERT",  # told by the doors
        # The guard: what comes back, what follows, and who did it.
        "reputation_changes": "SELECT, INSERT, DELETE",
        "reputations": "SELECT, INSERT, UPDATE, DELETE",
        "holds": "SELECT, INSERT, DELETE",
        "count_changes": "SELECT, INSERT",
        "counts": "SELECT",
        "key_counts": "SELECT",
        "keys": "SELECT (id, name, hidden)",
        "busiest_hours": "SELECT, INSERT, UPDATE (messages), DELETE",
        "slowed_keys": "SELECT, INSERT, UPDATE, DELETE",
        "audit": "INSERT",
    },
}


async def missing(connection: AsyncConnection) -> list[str]:
    """The users that the server does not know."""
    known = set(await connection.scalars(text("SELECT rolname FROM pg_roles")))
    return [user for user in GRANTS if user not in known]


async def apply(connection: AsyncConnection) -> None:
    """Gives each user what stands here, and takes back all else that it was given on tables of this schema."""
    quoted = await connection.scalar(text("SELECT quote_ident(current_schema())"))
    for user, tables in GRANTS.items():
        await connection.execute(text(f"REVOKE ALL ON ALL TABLES IN SCHEMA {quoted} FROM {user}"))
        await connection.execute(text(f"GRANT USAGE ON SCHEMA {quoted} TO {user}"))
        for table, rights in tables.items():
            await connection.execute(text(f"GRANT {rights} ON {quoted}.{table} TO {user}"))
