"""One submission to mailboxes and phones: one group in one transaction, each channel's content prepared once."""

from dataclasses import replace
from uuid import UUID

import pytest

from auth.principal import Principal
from messages import reply
from messages.message import Channel, ContentKind, IdempotencyKey, Submission
from messages.phone import PhoneNumber
from messages.recipient import Recipient
from messages.reply import Refused
from relay.accept import Acceptor
from relay.preparation.base import Prepared
from tests.fakes.principals import make_principal
from tests.harness.accepting import acceptor, submission
from tests.harness.kept import Kept

PRINCIPAL = make_principal()
TEXT = Prepared(b"recipe", ContentKind.RAW, "", None, UUID(int=9), 1, billable_units=2)
BOB, CARL = PhoneNumber("+16135550100"), PhoneNumber("+16135550101")


class Texts:
    """Prepares them all alike, or refuses."""

    def __init__(self, refused: bool = False) -> None:
        self.prepared = 0
        self._refused = refused

    async def prepare(self, submission: Submission, principal: Principal, group_id: UUID, now: float) -> Prepared:
        if self._refused:
            raise Refused(reply.EMPTY)
        self.prepared += 1
        return TEXT


def accepting(kept: Kept, texts: Texts) -> Acceptor:
    made = acceptor(kept)
    made._preparers = {**made._preparers, Channel.SMS: texts}
    return made


def mixed(*numbers: Recipient, key: str | None = None) -> Submission:
    given = submission("a@b.ca", idempotency=IdempotencyKey(key, None) if key else None)
    return replace(
        given, envelope=replace(given.envelope, recipients=(*numbers[:1], *given.envelope.recipients, *numbers[1:]))
    )


async def test_one_group_has_a_content_for_each_channel(kept: Kept) -> None:
    texts = Texts()

    accepted = await accepting(kept, texts).accept(mixed(BOB, CARL), PRINCIPAL)

    assert [str(each.recipient) for each in accepted.messages] == [str(BOB), "a@b.ca", str(CARL)]
    assert {each.group_id for each in accepted.messages} == {accepted.group_id}
    bob, mail, carl = (kept.messages[each.id] for each in accepted.messages)
    assert bob.content_id == carl.content_id != mail.content_id
    assert kept.contents[bob.content_id] == b"recipe"
    assert len(kept.contents) == 2
    assert (texts.prepared, kept.waiting) == (1, set(accepted.message_ids))


async def test_a_text_has_parts_and_its_own_template_and_no_domain_that_signs(kept: Kept) -> None:
    accepted = await accepting(kept, Texts()).accept(mixed(BOB), PRINCIPAL)

    text, mail = accepted.messages
    assert (text.channel, text.billable_units, text.template_id) == (Channel.SMS, 2, UUID(int=9))
    assert (text.signing_domain, text.original_message_id, text.subject) == ("", None, "")
    assert (mail.channel, mail.billable_units, mail.signing_domain) == (
        Channel.EMAIL,
        0,
        "notification.example.ca",
    )


async def test_what_one_channel_refuses_leaves_nothing_of_the_other(kept: Kept) -> None:
    with pytest.raises(Refused):
        await accepting(kept, Texts(refused=True)).accept(mixed(BOB), PRINCIPAL)

    assert kept.messages == kept.contents == {}


async def test_repeated_for_one_more_phone_it_stores_that_text_alone(kept: Kept) -> None:
    first = await accepting(kept, Texts()).accept(mixed(BOB, key="k"), PRINCIPAL)

    more = await accepting(kept, Texts()).accept(mixed(BOB, CARL, key="k"), PRINCIPAL)
    again = await accepting(kept, Texts(refused=True)).accept(mixed(CARL, BOB, key="k"), PRINCIPAL)

    assert [each.recipient for each in more.messages] == [CARL]
    assert (more.recipients, more.known, again.known) == (3, 2, 3)
    assert again.group_id == more.group_id != first.group_id
    assert len(kept.contents) == 3  # a mail's, a text's, and the later text's
