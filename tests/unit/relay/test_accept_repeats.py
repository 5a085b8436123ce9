"""A submission that comes again under its idempotency key, by SMTP: what is stored of it, and what it hears."""

from dataclasses import replace

import pytest
from sqlalchemy import delete

from auth.principal import Principal
from delivery.store.tables import messages
from messages import reply
from messages.message import IdempotencyKey, Submission
from messages.reply import Refused, Reply
from relay.accept import Accepted
from tests.fakes.principals import make_principal
from tests.harness.accepting import CONTENT, acceptor, submission
from tests.harness.kept import Kept

PRINCIPAL = make_principal(per_minute=4)
ANN, BOB, CARL, DORA = "ann@example.org", "bob@example.org", "carl@example.org", "dora@example.org"


def keyed(*recipients: str, content: bytes = CONTENT, key: str = "k") -> Submission:
    return submission(*recipients, content=content, idempotency=IdempotencyKey(key, None))


async def accept(kept: Kept, given: Submission, principal: Principal = PRINCIPAL) -> Accepted:
    return await acceptor(kept).accept(given, principal)


async def refused(kept: Kept, given: Submission, principal: Principal = PRINCIPAL) -> Reply:
    before = dict(kept.messages)
    with pytest.raises(Refused) as caught:
        await accept(kept, given, principal)
    assert kept.messages == before
    return caught.value.reply


def recipients(kept: Kept) -> list[str]:
    return sorted(str(message.recipient) for message in kept.messages.values())


async def test_who_is_new_gets_it_and_all_are_told_accepted(kept: Kept) -> None:
    await accept(kept, keyed(ANN, BOB))

    more = await accept(kept, keyed(BOB, CARL, "CARL@example.org", content=CONTENT + b"Added on the way\r\n"))

    assert recipients(kept) == [ANN, BOB, CARL]
    assert [str(message.recipient) for message in more.messages] == [CARL]
    assert (more.recipients, more.known, more.repeated) == (2, 1, False)
    assert kept.messages[more.messages[0].id].group_id == more.group_id
    assert len(kept.contents) == 2


async def test_a_whole_repeat_is_told_the_group_of_the_first_time(kept: Kept) -> None:
    first = await accept(kept, keyed(ANN, BOB))
    second = await accept(kept, keyed(CARL))

    again = [await accept(kept, keyed(*names)) for names in ((ANN, BOB), (CARL, ANN))]

    assert [each.group_id for each in again] == [first.group_id, second.group_id]
    assert [(each.recipients, each.known, each.repeated) for each in again] == [(2, 2, True)] * 2
    assert len(kept.contents) == 2


@pytest.mark.parametrize(
    ("changed", "content", "why"),
    [
        (make_principal(live=False, guests=(ANN,)), CONTENT, reply.TRIAL_RECIPIENT),
        (make_principal(branding="gone"), CONTENT, reply.BAD_OPTION),
        (make_principal(per_minute=1), CONTENT, reply.TOO_MANY_RECIPIENTS),
        (make_principal(), CONTENT + b"x" * 10_000, reply.TOO_LARGE),
    ],
    ids=["guest list", "branding", "limit of the key", "size"],
)
async def test_what_would_be_refused_by_now_is_still_what_was_accepted(
    kept: Kept, changed: Principal, content: bytes, why: Reply
) -> None:
    """A client that lost the reply must not be told that nothing was sent; who is new hears the no."""
    first = await accept(kept, keyed(ANN, BOB))
    service = replace(changed.service, id=PRINCIPAL.service.id)
    principal = replace(changed, service=service, key=replace(changed.key, service_id=service.id))

    again = await accept(kept, keyed(ANN, BOB, content=content), principal)

    assert (again.group_id, again.repeated) == (first.group_id, True)
    assert await refused(kept, keyed(ANN, CARL, content=content), principal) is why
    assert await refused(kept, keyed(ANN, BOB, content=content, key="another"), principal) is why


async def test_what_was_accepted_before_counts_against_no_limit(kept: Kept) -> None:
    for names in ((ANN, BOB, CARL), (ANN, BOB, CARL), (ANN, BOB, DORA), (BOB, CARL, DORA)):
        await accept(kept, keyed(*names))

    assert recipients(kept) == [ANN, BOB, CARL, DORA]
    assert await refused(kept, keyed(ANN, "eve@example.org")) is reply.KEY_LIMIT
    assert (await accept(kept, keyed(ANN, DORA))).repeated


async def test_a_repeat_of_what_cannot_be_read_any_more_is_put_off_not_sent_again(kept: Kept) -> None:
    first = await accept(kept, keyed(ANN))
    async with kept.database.write() as connection:
        await connection.execute(delete(messages).where(messages.c.id == first.messages[0].id))  # or it is damaged

    assert await refused(kept, keyed(ANN)) is reply.UNREADABLE
