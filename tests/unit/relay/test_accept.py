"""The one way in, over a real database: what is stored, and what is refused without a trace."""

from uuid import UUID

import pytest

from auth.principal import Principal
from delivery.library.brandings import Brandings
from delivery.queue.sql import SqlQueue
from delivery.store.base import StoreUnavailable
from messages import reply
from messages.message import KeyType, Lane, Language, Submission
from messages.reply import Refused, Reply
from relay.accept import Accepted, Acceptor
from relay.preparation.email import EmailPreparer
from tests.fakes.principals import make_principal
from tests.harness.accepting import CONTENT, NOW, Away, Shelf, acceptor, submission
from tests.harness.kept import Kept


class Revoked:
    async def current(self, principal: Principal, client_ip: str | None) -> Principal:
        raise Refused(reply.KEY_REVOKED)


async def refused(kept: Kept, accepting: Acceptor, given: Submission, principal: Principal) -> Reply:
    with pytest.raises(Refused) as caught:
        await accepting.accept(given, principal)
    assert kept.messages == kept.contents == {}
    assert kept.waiting == set()
    return caught.value.reply


async def accept(kept: Kept, given: Submission, principal: Principal | None = None) -> Accepted:
    return await acceptor(kept).accept(given, principal or make_principal())


async def test_each_recipient_gets_a_message_and_all_share_one_content(kept: Kept) -> None:
    accepted = await accept(kept, submission("a@b.ca", "c@d.ca", "A@b.ca"))

    messages = [kept.messages[message_id] for message_id in accepted.message_ids]
    assert [str(message.recipient) for message in messages] == ["a@b.ca", "c@d.ca"]
    assert {message.group_id for message in messages} == {accepted.group_id}
    assert len(kept.contents) == 1
    assert kept.waiting == set(accepted.message_ids)


async def test_the_row_holds_what_callers_ask_for_later(kept: Kept) -> None:
    principal = make_principal()
    accepted = await accept(kept, submission(reference="r-1"), principal)

    message = kept.messages[accepted.message_ids[0]]
    assert (message.service_id, message.key_id) == (principal.service.id, principal.key.id)
    assert (message.template_id, message.template_version) == (principal.service.email_template_id, 1)
    assert (message.subject, message.original_message_id, message.reference) == ("Hello", "<1@a>", "r-1")
    assert (message.reverse_path, message.signing_domain) == ("bounce@dept.example.ca", "notification.example.ca")
    assert message.content_bytes == len(kept.contents[message.content_id])
    assert message.id.version == message.group_id.version == 7


@pytest.mark.parametrize(("lane", "seconds"), [(Lane.PRIORITY, 3600), (Lane.NORMAL, 86400), (Lane.BULK, 259200)])
async def test_a_message_expires_with_its_lane(kept: Kept, lane: Lane, seconds: int) -> None:
    accepted = await accept(kept, submission(lane=lane))

    message = kept.messages[accepted.message_ids[0]]
    assert (message.lane, message.expires_at) == (lane, NOW + seconds)


async def test_a_scheduled_message_waits_and_its_life_begins_then(kept: Kept) -> None:
    accepted = await accept(kept, submission(scheduled_for=NOW + 500))

    assert kept.messages[accepted.message_ids[0]].expires_at == NOW + 500 + 86400
    assert await SqlQueue(kept.database).claim("w", 1, NOW + 499, 60, 0) == []


async def test_the_content_is_rewritten_and_branded_before_it_is_stored(kept: Kept) -> None:
    await accept(kept, submission(language=Language.FR))

    (content,) = kept.contents.values()
    assert b"From: Passports <passports@notification.example.ca>\r\n" in content
    assert b"Gouvernement du Canada" in content
    assert b"ann@dept.example.ca" not in content


async def test_no_branding_is_put_on_when_none_is_asked_for(kept: Kept) -> None:
    await accept(kept, submission(branding="none"))

    (content,) = kept.contents.values()
    assert content.endswith(b"\r\n\r\nHi\r\n")


async def test_an_unknown_branding_is_refused(kept: Kept) -> None:

    assert await refused(kept, acceptor(kept), submission(branding="x"), make_principal()) is reply.BAD_OPTION


async def test_what_its_encoding_makes_too_large_for_the_provider_is_refused_with_its_size() -> None:
    fields = b"From: a@b.ca\r\nMIME-Version: 1.0\r\nContent-Type: application/pdf\r\n\r\n"
    content = fields + (b"\xe9" * 900 + b"\r\n") * 26_000
    preparer = EmailPreparer(Brandings(), Shelf(), 26_214_400)
    with pytest.raises(Refused) as caught:
        await preparer.prepare(submission(content=content), make_principal(), UUID(int=7), NOW)
    assert caught.value.line().startswith("552 5.3.4 message too large once encoded: 32092529 octets, at most 29900000")


@pytest.mark.parametrize(
    ("given", "principal", "expected"),
    [
        (submission("a@b.ca", "c@d.ca", "e@f.ca", "g@h.ca"), make_principal(), reply.TOO_MANY_RECIPIENTS),
        (submission(content=CONTENT + b"x" * 10_000), make_principal(), reply.TOO_LARGE),
        (submission(), make_principal(live=False), reply.TRIAL_RECIPIENT),
        (submission(), make_principal(key_type=KeyType.TEAM), reply.TEAM_KEY_RECIPIENT),
        (submission(content=b"\r\nno header section\r\n"), make_principal(), reply.NO_HEADER_SECTION),
        (submission("a@b.ca", "c@d.ca"), make_principal(per_minute=1), reply.TOO_MANY_RECIPIENTS),
        (submission("a@b.ca", "c@d.ca"), make_principal(per_day=1), reply.TOO_MANY_RECIPIENTS),
    ],
)
async def test_what_is_refused_leaves_nothing_behind(
    kept: Kept, given: Submission, principal: Principal, expected: Reply
) -> None:

    assert await refused(kept, acceptor(kept), given, principal) is expected


async def test_a_revoked_key_is_refused_whatever_the_session_knew(kept: Kept) -> None:
    accepting = acceptor(kept, verifier=Revoked())

    assert await refused(kept, accepting, submission(), make_principal()) is reply.KEY_REVOKED


async def test_a_store_that_is_away_is_no_refusal_of_the_message(kept: Kept) -> None:

    with pytest.raises(StoreUnavailable):
        await acceptor(kept, Away()).accept(submission(), make_principal())
    assert not kept.messages


async def test_a_large_message_is_prepared_like_a_small_one(kept: Kept) -> None:
    body = b"<html><body>" + b"<p>word</p>\r\n" * 30_000 + b"</body></html>\r\n"
    content = CONTENT.replace(b"\r\n\r\nHi\r\n", b"\r\nContent-Type: text/html\r\n\r\n") + body
    await acceptor(kept, max_bytes=10**6).accept(submission(content=content), make_principal())

    (stored,) = kept.contents.values()
    assert stored.count(b"<p>word</p>") == 30_000
