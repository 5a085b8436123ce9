"""What would happen to a message that came by SMTP: the checks and the preparation of every door, and nothing stored.

Also how it would align at its recipients. Knows nothing of how that is asked of DNS or printed.
"""

import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from auth import dmarc, records
from auth.dmarc import Alignment
from auth.domains import Domain
from auth.principal import Principal
from auth.resolvers import Ask
from messages.address import Address
from messages.message import Submission, new_id
from messages.pipeline import Prepared
from messages.reply import Refused
from relay.checks import check_fixed, check_recipient, check_recipients, check_schedule, check_senders
from relay.preparation import Preparer

Suppressed = Callable[[str], Awaitable[str | None]]  # why the provider sends nothing to an address, if so


@dataclass(frozen=True, slots=True)
class Reached:
    """One recipient: whether the key reaches it, and whether the provider does."""

    recipient: Address
    refused: Refused | None
    suppressed: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """So many octets of a line, as it was received, become so many others."""

    line: int
    removed: int
    added: int


@dataclass(frozen=True, slots=True)
class Preview:
    """`prepared` is None where the message would be refused, for the reason in `refused`."""

    recipients: tuple[Reached, ...]
    refused: Refused | None = None
    prepared: Prepared | None = None
    alignment: Alignment | None = None
    changes: tuple[Change, ...] = ()


async def preview(
    submission: Submission,
    principal: Principal,
    preparer: Preparer,
    *,
    max_recipients: int,
    ask: Ask,
    find_domain: Callable[[str], Awaitable[Domain | None]],
    suppressed: Suppressed,
    now: float,
) -> Preview:
    """Whether the message would be accepted, as what it would go out, and how it would align. Never raises Refused."""
    content = submission.content
    assert isinstance(content, bytes)
    recipients = submission.envelope.recipients
    reached = tuple([await _reached(principal, each, suppressed) for each in recipients])
    try:
        check_recipients(principal, recipients, max_recipients)
        check_senders(principal, submission)
        check_fixed(principal, submission)
        check_schedule(submission.scheduled_for, now)
        prepared = await preparer.rewritten(content, submission, principal, new_id(now, os.urandom(10)), now)
    except Refused as refused:
        return Preview(reached, refused)
    assert prepared.sender.address
    header_from = prepared.sender.address.domain
    domain = await find_domain(header_from)
    signs = domain is not None and domain.signing is not None
    alignment = await dmarc.evaluate(
        ask,
        header_from,
        signing_domain=header_from if signs else None,
        mail_from=records.mail_from(header_from) if domain else None,
    )
    return Preview(reached, None, prepared, alignment, tuple(_changes(content, prepared)))


def _changes(content: bytes, prepared: Prepared) -> Iterator[Change]:
    line, at = 1, 0
    for edit in sorted(prepared.edits, key=lambda edit: edit.start):
        line, at = line + content.count(b"\n", at, edit.start), edit.start
        yield Change(line, edit.end - edit.start, len(edit.new))


async def _reached(principal: Principal, recipient: Address, suppressed: Suppressed) -> Reached:
    refused = None
    try:
        check_recipient(principal, recipient)
    except Refused as error:
        refused = error
    return Reached(recipient, refused, await suppressed(str(recipient)))
