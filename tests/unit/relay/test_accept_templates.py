"""Submissions that name a template: what is stored of them, and what is refused."""

from dataclasses import replace
from email import message_from_bytes
from typing import Any
from uuid import uuid4

import pytest

from messages import reply
from messages.email.branding import Branding
from messages.email.compose import Recipe, compose
from messages.message import Channel, ContentKind, IdempotencyKey, Language
from messages.reply import Refused, Reply
from messages.template import Template
from tests.fakes.principals import make_principal
from tests.harness import accepting
from tests.harness.accepting import NOW, Shelf, acceptor, filled
from tests.harness.kept import Kept

PRINCIPAL = make_principal()


def template(**changes: Any) -> Template:
    return accepting.template(PRINCIPAL, **changes)


async def refused(
    kept: Kept, of: Template, personalisation: dict[str, Any] | None = None, *, known: bool = True
) -> Reply:
    accepting = acceptor(kept, templates=Shelf(*([of] if known else [])))
    with pytest.raises(Refused) as caught:
        await accepting.accept(filled(of, personalisation), PRINCIPAL)
    assert kept.messages == kept.contents == {}
    return caught.value.reply


async def test_what_it_is_filled_with_is_stored_and_the_filled_text_is_told(kept: Kept) -> None:
    of = template()
    given = filled(of, reference="r-1", language=Language.FR)

    accepted = await acceptor(kept, templates=Shelf(of)).accept(given, PRINCIPAL)

    (message,) = accepted.messages
    recipe = Recipe.from_json(kept.contents[message.content_id])
    assert accepted.body == "Dear Zoë, the *passport* is ready."
    assert (message.subject, message.reference) == ("Your the *passport*", "r-1")
    assert (message.template_id, message.template_version) == (of.id, 3)
    composed = compose(recipe, of, Branding("", "", ""), message.recipient, message.id)
    assert message_from_bytes(composed)["Message-ID"] == message.original_message_id
    assert message.content_kind is ContentKind.RENDERED
    assert message.content_bytes == len(kept.contents[message.content_id])
    assert (recipe.personalisation, recipe.language) == ({"name": "Zoë", "thing": "the *passport*"}, Language.FR)
    assert (recipe.service_name, str(recipe.sender)) == ("Passports", "passports@notification.example.ca")


@pytest.mark.parametrize(
    ("changes", "values", "why"),
    [
        ({"hidden": True}, None, reply.TEMPLATE_UNKNOWN),
        ({"archived": True}, None, reply.TEMPLATE_ARCHIVED),
        ({"channel": Channel.SMS, "subject": None}, None, reply.TEMPLATE_UNSUITABLE),
        ({}, {"thing": "it"}, reply.PERSONALISATION_MISSING),
        ({"body": "((name))"}, {"name": " ", "thing": "it"}, reply.EMPTY),
        ({"body": "((name))" * 500}, {"name": "x" * 50_000, "thing": "it"}, reply.TEXT_TOO_LONG),
        ({"body": "((name))"}, {"name": "[*" * 25_000, "thing": "it"}, reply.TEXT_TOO_MARKED),
    ],
)
async def test_what_cannot_be_filled_is_refused(kept: Kept, changes: dict[str, Any], values: Any, why: Reply) -> None:
    assert await refused(kept, template(**changes), values) is why


async def test_only_what_the_template_has_a_place_for_is_stored(kept: Kept) -> None:
    of = template()
    names = tuple(f"name{number}" for number in range(5_000))
    given = filled(of, {"na-me": "Zo\u00eb", "Thing": "it", "more": "x" * 50_000})
    content = replace(given.content, sanitised=(*names, "NAME", "n_a_m_e"))

    accepted = await acceptor(kept, templates=Shelf(of)).accept(replace(given, content=content), PRINCIPAL)

    recipe = Recipe.from_json(kept.contents[accepted.messages[0].content_id])
    assert recipe.personalisation == {"na-me": "Zo\u00eb", "Thing": "it"}
    assert recipe.sanitise_content_for == ("name",)
    assert len(recipe.to_json()) < 1_000


async def test_a_template_of_nobody_or_of_another_service_is_unknown(kept: Kept) -> None:
    assert await refused(kept, template(), known=False) is reply.TEMPLATE_UNKNOWN
    assert await refused(kept, template(service_id=uuid4())) is reply.TEMPLATE_UNKNOWN


async def test_the_same_submission_again_is_answered_with_the_first_ones_message(kept: Kept) -> None:
    of = template()
    accepting = acceptor(kept, templates=Shelf(of))
    first = await accepting.accept(filled(of, idempotency=IdempotencyKey("k", b"1")), PRINCIPAL)

    again = await accepting.accept(filled(of, idempotency=IdempotencyKey("k", b"1")), PRINCIPAL)
    with pytest.raises(Refused) as other:
        await accepting.accept(filled(of, idempotency=IdempotencyKey("k", b"2")), PRINCIPAL)

    assert (again.messages, again.repeated) == (first.messages, True)
    assert other.value.reply is reply.IDEMPOTENCY_KEY_USED
    assert len(kept.messages) == 1


@pytest.mark.parametrize("changes", [{"archived": True}, {"body": "((name)) ((new))"}, {"channel": Channel.SMS}])
async def test_the_same_submission_again_is_answered_although_its_template_changed(
    kept: Kept, changes: dict[str, Any]
) -> None:
    """A client that lost the first answer must not be told that nothing was sent."""
    of = template()
    first = await acceptor(kept, templates=Shelf(of)).accept(
        filled(of, idempotency=IdempotencyKey("k", b"1")), PRINCIPAL
    )
    changed = acceptor(kept, templates=Shelf(replace(of, **changes)))

    again = await changed.accept(filled(of, idempotency=IdempotencyKey("k", b"1")), PRINCIPAL)
    with pytest.raises(Refused) as new:
        await changed.accept(filled(of, idempotency=IdempotencyKey("new", b"1")), PRINCIPAL)

    assert (again.messages, again.repeated) == (first.messages, True)
    assert new.value.reply is not reply.IDEMPOTENCY_KEY_USED


async def test_a_scheduled_submission_again_after_its_time_is_answered_as_the_first(kept: Kept) -> None:
    of, clock = template(), [NOW]
    accepting = acceptor(kept, templates=Shelf(of), now=lambda: clock[0])
    given = filled(of, scheduled_for=NOW + 600, idempotency=IdempotencyKey("k", b"1"))
    first = await accepting.accept(given, PRINCIPAL)
    clock[0] = NOW + 700

    again = await accepting.accept(given, PRINCIPAL)
    with pytest.raises(Refused) as late:
        await accepting.accept(filled(of, scheduled_for=NOW + 600), PRINCIPAL)

    assert (again.messages, again.repeated) == (first.messages, True)
    assert late.value.reply is reply.SCHEDULED_IN_PAST
