"""How long the rows of each table are kept, and what of a person they hold: docs/operations.md prints it.

A table without a term fails a test.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    of: str
    kept: str


_SERVICE = "as long as the service"
_NOTHING = "nothing"
_CONTENT = "7 days, or 1 to 30 as the service says"
_MESSAGE = "13 months, with its message"

TERMS: Mapping[str, Term] = {
    "approvers": Term("id of the account", "until taken off the list"),
    "attempts": Term(_NOTHING, _MESSAGE),
    "audit": Term("ids of accounts, names of operators; of people a keyed hash", "for ever"),
    "backlogs": Term(_NOTHING, "while it waits"),
    "brandings": Term(_NOTHING, "for ever: old mail shows its logo"),
    "busiest_hours": Term(_NOTHING, "30 days"),
    "callback_urls": Term(_NOTHING, "until removed"),
    "callbacks": Term(_NOTHING, "7 days"),
    "codes": Term("id of the account, or keyed hash of an address; hash of the code", "an hour"),
    "contents": Term("what a message says, encrypted", f"{_CONTENT}; while it waits in the queue"),
    "count_changes": Term(_NOTHING, "seconds: it becomes counts"),
    "counters": Term(_NOTHING, "taken over into counts"),
    "counts": Term(_NOTHING, "for ever"),
    "devices": Term("id of the account; hash of its browser's name", "180 days after it was last seen"),
    "dkim_keys": Term(_NOTHING, "7 days after it was replaced; the row for ever"),
    "domains": Term(_NOTHING, "for ever"),
    "drafts": Term("what was typed into a form, encrypted", "24 hours"),
    "drains": Term(_NOTHING, "until measured anew"),
    "enquiries": Term("name, address and words, encrypted", "180 days"),
    "events": Term("words of the far server, encrypted: they may name the address", f"{_MESSAGE}; a day if nobody's"),
    "feeds": Term(_NOTHING, _SERVICE),
    "go_live_requests": Term("id of who asked and who decided", _SERVICE),
    "guests": Term("address or number, encrypted", "until taken off the list"),
    "holds": Term(_NOTHING, "until released"),
    "idempotency": Term("keyed hash of the recipient", "7 days"),
    "inbound_texts": Term("number and text, encrypted", _CONTENT),
    "invitations": Term("address, encrypted", "30 days after its end"),
    "key_counts": Term(_NOTHING, "for ever"),
    "keys": Term("addresses that may stand in From, encrypted", _SERVICE),
    "limits": Term("keyed hash of an address, mailbox or account", "twice its span; years for ever"),
    "logins": Term(
        "network address of who failed to log in", "two hours after the last failure, 25 after the last success"
    ),
    "mail_answers": Term("address of who wrote and the Message-ID, encrypted", "a day"),
    "memberships": Term("id of the account", "until it ends"),
    "messages": Term("recipient, subject, reverse-path and DSN request, encrypted", "13 months"),
    "notices": Term(_NOTHING, "13 months after it was told"),
    "organisation_domains": Term(_NOTHING, "as long as the organisation"),
    "organisations": Term(_NOTHING, "for ever"),
    "origination_identities": Term(_NOTHING, "until removed"),
    "passkeys": Term("id of the account; name of the passkey", "until removed"),
    "processes": Term(_NOTHING, "while the process runs"),
    "provider_lists": Term(_NOTHING, "for ever"),
    "queue": Term(_NOTHING, "until the message is sent or expires"),
    "recovery_codes": Term("id of the account; hash of the code", "until others are made"),
    "reply_to_addresses": Term("address of the service", "until removed"),
    "reply_to_codes": Term("hash of the code", "until it is used or replaced"),
    "reputation_changes": Term(_NOTHING, "2 days"),
    "reputations": Term(_NOTHING, "2 days after all is well"),
    "roots": Term(_NOTHING, "for ever"),
    "send_rates": Term(_NOTHING, "for ever"),
    "senders": Term("addresses that the service sends for", "until removed"),
    "sent_index": Term("keyed hash of the recipient", "26 months after it was sent"),
    "service_domains": Term(_NOTHING, "until removed"),
    "services": Term("address of the contact", "for ever"),
    "sessions": Term(
        "id of the account; a notice of the next page, encrypted", "12 hours; 30 minutes unused if nobody is signed in"
    ),
    "sightings": Term("what a client of the service said at the SMTP door", "an hour, or until the next watch begins"),
    "slowed_keys": Term(_NOTHING, "3 days after it sends as before"),
    "spent_challenges": Term(_NOTHING, "5 minutes, or until the next is spent"),
    "suppressions": Term(
        "address or number, encrypted",
        "a bounce 90 days; a complaint, a STOP, what was added by hand until ended; 4 days more",
    ),
    "template_counts": Term(_NOTHING, "for ever"),
    "templates": Term("id of its author", "for ever"),
    "totps": Term("id of the account; its secret, encrypted", "until removed"),
    "users": Term(
        "name, address, number and password, encrypted",
        "for ever, closed too: the audit names its id; a day if its address was never proved",
    ),
    "watches": Term(_NOTHING, "an hour after its end, or until the next begins"),
}
