"""From what was filled in to a message on disk, by the one way in; of one form's token there is one message."""

import hashlib
import json
import time
from urllib.parse import urlsplit
from uuid import UUID

from auth import keys
from auth.principal import Principal, Service
from messages import reply
from messages.envelope import Envelope
from messages.message import Door, IdempotencyKey, Personalised, Submission, Trace
from messages.reply import Refused
from messages.template import Template
from relay.accept import Accepted
from relay.site.parts import Site
from relay.site.send.form import Filled
from relay.site.visits import Visit


async def principal_of(site: Site, service: Service) -> Principal:
    """The service by the key of it that nobody holds. Raises Refused."""
    async with site.database.read() as connection:
        key_id = await keys.hidden_id(connection, service.id)
    if key_id is None:
        raise Refused(reply.KEY_REVOKED)
    return await site.verifier.acting(key_id)


def submission(template: Template, filled: Filled, *, token: str, by: UUID, trace: Trace) -> Submission:
    """What a person hands us; of one form's `token` there is one message."""
    assert filled.recipient is not None
    asked = [str(template.id), template.version, str(filled.recipient), dict(filled.values), filled.scheduled_for]
    return Submission(
        envelope=Envelope(None, (filled.recipient,)),
        content=Personalised(template.id, filled.values),
        trace=trace,
        door=Door.SITE,
        scheduled_for=filled.scheduled_for,
        idempotency=IdempotencyKey(f"site {token}", hashlib.sha256(json.dumps(asked).encode()).digest()),
        created_by=by,
    )


def of_visit(visit: Visit, template: Template, filled: Filled, token: str) -> Submission:
    host = urlsplit(visit.site.settings.site.public_url).hostname or ""
    return submission(template, filled, token=token, by=visit.the_user.id, trace=Trace("", visit.network, "HTTP", host))


async def submit(site: Site, principal: Principal, submission: Submission) -> Accepted:
    """On disk when this returns. Raises Refused, and what else `accept` raises."""
    started = time.perf_counter()
    accepted = await site.acceptor.accept(submission, principal)
    site.journal.accepted(
        accepted,
        principal,
        door=Door.SITE.value,
        client="",
        client_ip=submission.trace.client_ip,
        size_bytes=sum(message.content_bytes for message in accepted.messages),
        seconds=time.perf_counter() - started,
    )
    return accepted
