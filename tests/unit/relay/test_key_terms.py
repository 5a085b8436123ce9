"""What a key says for its messages, and what it may do: over a real database, whichever door they come by."""

from dataclasses import replace
from email import message_from_bytes, policy
from typing import Any

import pytest

from auth.principal import Option, ReplyTo
from messages import reply
from messages.email.compose import Recipe
from messages.message import Lane, Language, Message, Submission
from messages.reply import Refused
from messages.text import Text
from relay.checks import MAX_LISTED_CHARACTERS, check_reverse_path, recipient_limit, size_limit
from tests.fakes.principals import make_principal
from tests.harness import accepting
from tests.harness.accepting import CONTENT, NOW, Shelf, acceptor
from tests.harness.kept import Kept

AUTHOR = "ann@dept.example.ca"


def submission(content: bytes, *recipients: str, reverse_path: str | None = AUTHOR, **options: Any) -> Submission:
    given = accepting.submission(*recipients, content=content, **options)
    return replace(given, envelope=replace(given.envelope, reverse_path=reverse_path))


async def accepted(
    kept: Kept, terms: dict[str, Any], content: bytes = CONTENT, **options: Any
) -> tuple[Message, bytes]:
    reply_to = terms.pop("policy", ReplyTo.REGISTERED)
    principal = make_principal(reply_to=reply_to, terms=terms)
    done = await acceptor(kept).accept(submission(content, **options), principal)
    return done.messages[0], kept.contents[done.messages[0].content_id]


async def refused(
    kept: Kept, terms: dict[str, Any], content: bytes = CONTENT, *recipients: str, **options: Any
) -> Refused:
    with pytest.raises(Refused) as caught:
        await acceptor(kept).accept(submission(content, *recipients, **options), make_principal(terms=terms))
    assert kept.messages == kept.contents == {}
    return caught.value


# -- Defaults ------------------------------------------------------------------------------------------------------


async def test_what_a_key_says_holds_for_a_message_that_says_nothing(kept: Kept) -> None:
    terms = {"lane": Lane.BULK, "language": Language.FR, "lifetime_seconds": 600, "reply_to_address": "desk@x.ca"}
    message, content = await accepted(kept, terms)

    assert (message.lane, message.expires_at) == (Lane.BULK, NOW + 600)
    assert b"Gouvernement du Canada" in content
    assert b"\r\nReply-To: desk@x.ca\r\n" in content


async def test_a_message_says_otherwise(kept: Kept) -> None:
    terms = {"lane": Lane.BULK, "language": Language.FR, "lifetime_seconds": 600}
    message, content = await accepted(kept, terms, lane=Lane.PRIORITY, language=Language.EN, lifetime_seconds=60)

    assert (message.lane, message.expires_at) == (Lane.PRIORITY, NOW + 60)
    assert b"Sent by Passports" in content


async def test_the_life_of_a_scheduled_message_begins_then(kept: Kept) -> None:
    message, _ = await accepted(kept, {"lifetime_seconds": 600}, scheduled_for=NOW + 500)

    assert message.expires_at == NOW + 1100


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"policy": ReplyTo.ANY, "reply_to_address": "desk@x.ca"}, AUTHOR),
        ({"policy": ReplyTo.NONE, "reply_to_address": "desk@x.ca"}, "desk@x.ca"),
        ({"policy": ReplyTo.ANY, "reply_to_address": "desk@x.ca", "fixed": {Option.REPLY_TO}}, "desk@x.ca"),
        ({"policy": ReplyTo.ANY, "fixed": {Option.REPLY_TO}}, None),
    ],
)
async def test_a_fixed_reply_to_is_written_over_the_authors(
    kept: Kept, terms: dict[str, Any], expected: str | None
) -> None:
    terms = terms | {"fixed": frozenset(terms.get("fixed", ()))}
    _, content = await accepted(
        kept, terms, CONTENT.replace(b"Subject", b"Reply-To: Ann <ann@dept.example.ca>\r\nSubject")
    )

    (*_, found) = message_from_bytes(content, policy=policy.default).get_all("Reply-To", [None])
    assert (found and found.addresses[0].addr_spec) == expected


async def test_what_a_key_says_holds_for_a_template_too(kept: Kept) -> None:
    terms = {"language": Language.FR, "lifetime_seconds": 600, "reply_to_address": "desk@x.ca"}
    principal = make_principal(reply_to_address="office@x.ca", terms=terms)
    of = accepting.template(principal)
    done = await acceptor(kept, templates=Shelf(of)).accept(accepting.filled(of), principal)
    (stored,) = kept.contents.values()

    recipe = Recipe.from_json(stored)
    assert (recipe.language, recipe.reply_to) == (Language.FR, "desk@x.ca")
    assert done.messages[0].expires_at == NOW + 600


# -- What is fixed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "terms", "asked", "line"),
    [
        (Option.LANE, {"lane": Lane.BULK}, {"lane": Lane.PRIORITY}, "X-Notify-Lane: with this key it can only be bulk"),
        (Option.LANE, {}, {"lane": Lane.PRIORITY}, "X-Notify-Lane: with this key it can only be normal"),
        (Option.LANGUAGE, {}, {"language": Language.FR}, "X-Notify-Language: with this key it can only be en"),
        (Option.BRANDING, {}, {"branding": "none"}, "X-Notify-Branding: with this key it can only be default"),
        (
            Option.EXPIRES,
            {"lifetime_seconds": 600},
            {"lifetime_seconds": 601},
            "X-Notify-Expires: with this key it can only be 600",
        ),
        (
            Option.EXPIRES,
            {"lane": Lane.BULK},
            {"lifetime_seconds": 60},
            "X-Notify-Expires: with this key it can only be 259200",
        ),
    ],
)
async def test_what_a_key_fixes_no_message_asks_for_otherwise(
    kept: Kept, option: Option, terms: dict[str, Any], asked: dict[str, Any], line: str
) -> None:
    answer = await refused(kept, terms | {"fixed": frozenset({option})}, **asked)

    assert answer.line() == f"554 5.7.1 leave out header field {line}"


async def test_a_message_may_ask_for_what_is_fixed_and_for_what_is_not(kept: Kept) -> None:
    fixed = frozenset({Option.LANE, Option.EXPIRES, Option.BRANDING})
    asked = {"lane": Lane.BULK, "lifetime_seconds": 600, "branding": "default", "language": Language.FR}
    message, content = await accepted(kept, {"lane": Lane.BULK, "lifetime_seconds": 600, "fixed": fixed}, **asked)

    assert (message.lane, message.expires_at) == (Lane.BULK, NOW + 600)
    assert b"Gouvernement du Canada" in content


# -- Caps ----------------------------------------------------------------------------------------------------------


async def test_a_key_has_caps_of_its_own(kept: Kept) -> None:
    too_large = await refused(kept, {"max_message_bytes": 2000}, CONTENT + b"x" * 2000)
    too_many = await refused(kept, {"max_recipients": 2}, CONTENT, "a@b.ca", "c@d.ca", "e@f.ca")

    assert too_large.line() == "552 5.3.4 message too large: at most 2000 octets"
    assert too_many.line().startswith("452 4.5.3 at most 2 recipients")


async def test_a_filled_template_is_as_large_as_its_text(kept: Kept) -> None:
    principal = make_principal(terms={"max_message_bytes": 1024})
    of = accepting.template(principal)
    given = accepting.filled(of, {"name": "Zoë", "thing": "x" * 2000})
    with pytest.raises(Refused) as caught:
        await acceptor(kept, templates=Shelf(of)).accept(given, principal)

    assert caught.value.reply is reply.TOO_LARGE


def test_a_cap_of_a_key_is_none_beyond_the_doors() -> None:
    generous, plain = make_principal(terms={"max_message_bytes": 10**9, "max_recipients": 1000}), make_principal()

    assert (size_limit(generous, 500), size_limit(plain, 500)) == (500, 500)
    assert (recipient_limit(generous, 50), recipient_limit(plain, 50)) == (50, 50)


# -- Who may be named ----------------------------------------------------------------------------------------------

ALLOWED = {"allowed_from": frozenset({AUTHOR, "@team.example.ca"})}


def mail(**fields: str) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode() + b"Subject: s\r\n\r\nHi\r\n"


@pytest.mark.parametrize(
    ("reverse_path", "content"),
    [
        (AUTHOR, mail(From=AUTHOR)),
        (None, mail(From=f"Ann <{AUTHOR}>")),
        ("bounces@team.example.ca", mail(From="Ann@Dept.example.ca, bo@team.example.ca", Sender="bo@team.example.ca")),
        (AUTHOR, mail(To="x@example.com")),
    ],
)
async def test_a_key_that_names_its_senders_takes_mail_of_these(
    kept: Kept, reverse_path: str | None, content: bytes
) -> None:
    await accepted(kept, ALLOWED, content, reverse_path=reverse_path)


@pytest.mark.parametrize(
    ("reverse_path", "content", "role"),
    [
        ("bob@dept.example.ca", mail(From=AUTHOR), "envelope sender"),
        ("ann@sub.team.example.ca", mail(From=AUTHOR), "envelope sender"),
        (None, mail(From="bob@dept.example.ca"), "header From"),
        (AUTHOR, mail(From=f"{AUTHOR}, bob@dept.example.ca"), "header From"),
        (AUTHOR, mail(From=AUTHOR, Sender="bob@dept.example.ca"), "header Sender"),
    ],
)
async def test_another_sender_is_refused_by_its_role(
    kept: Kept, reverse_path: str | None, content: bytes, role: str
) -> None:
    answer = await refused(kept, ALLOWED, content, reverse_path=reverse_path)

    assert answer.line() == (
        f"550 5.7.1 {role} not allowed with this key; set the product to send from @team.example.ca, {AUTHOR}"
    )


async def test_a_sender_that_could_be_read_in_two_ways_is_refused(kept: Kept) -> None:
    answer = await refused(kept, ALLOWED, mail(From=f"Ann ({AUTHOR}) <{AUTHOR}>"), reverse_path=AUTHOR)

    assert answer.line().startswith("550 5.7.1 header From must be one field with plain addresses")


async def test_a_look_alike_of_an_allowed_sender_is_none() -> None:
    with pytest.raises(Refused):
        check_reverse_path(make_principal(terms={"allowed_from": frozenset({"kim@x.ca"})}), "\u212aim@x.ca")


async def test_a_key_that_names_no_senders_takes_any(kept: Kept) -> None:
    await accepted(kept, {}, mail(From="(odd) <@a.ca:x@b.ca>, y", Sender="z"), reverse_path="any@body.example")


@pytest.mark.parametrize(
    "path", ["root@web01", "a@[192.0.2.1]", '"a b"@x.ca', "@y.ca:kim@x.ca", "Kim <kim@x.ca>", "kim@x.ca."]
)
def test_a_key_that_names_its_senders_hears_what_is_wrong_with_a_path_that_is_no_address(path: str) -> None:
    check_reverse_path(make_principal(), path)
    with pytest.raises(Refused) as caught:
        check_reverse_path(make_principal(terms={"allowed_from": frozenset({"kim@x.ca", "@web01"})}), path)
    assert caught.value.line().startswith("553 5.1.7 malformed sender address: ")


async def test_a_template_has_no_author(kept: Kept) -> None:
    principal = make_principal(terms=ALLOWED)
    of = accepting.template(principal)

    assert await acceptor(kept, templates=Shelf(of)).accept(accepting.filled(of), principal)


@pytest.mark.parametrize("number", [1, 3, 100])
@pytest.mark.parametrize("characters", [1, 60, 200])
def test_a_refusal_lists_as_many_senders_as_it_has_room_for(number: int, characters: int) -> None:
    allowed = frozenset(f"a{n}@{'x' * 50}.{'y' * characters}"[:characters] + f"{n}" for n in range(number))
    with pytest.raises(Refused) as caught:
        check_reverse_path(make_principal(terms={"allowed_from": allowed}), "bob@example.ca")

    listed = str(caught.value.values_["allowed"])
    assert len(listed) <= MAX_LISTED_CHARACTERS + len(", ...")
    assert listed.endswith("...") or listed == ", ".join(sorted(allowed))
    assert caught.value.values_["role"] == Text("envelope sender")
