"""What the site writes about teams and services: in the reader's language, in both where that is unknown."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from auth.people import memberships, users
from auth.people.go_live import GoLiveRequest
from auth.people.invitations import Invitation
from auth.principal import Service
from auth.reply_tos import ReplyToAddress
from messages.message import Language
from messages.reply import Refused
from messages.text import Text
from relay.dates import moment
from relay.failures import described
from relay.notices import reply_tos
from relay.notices.contact import Letter
from relay.notices.letters import as_text
from relay.site.visits import Visit

_BOTH = (Language.EN, Language.FR)

_INVITED = Text("Join the team of {service}")
_INVITED_BODY = Text(
    "{who} invites you into the team of {service}.\n\nOpen this page, and sign in or create an account with this "
    "address:\n\n{url}\n\nIf you are asked for a code, it is {code}. It is good until {until}, for this address "
    "alone.\n\nIf you do not know {who}, ignore this message: without you nothing happens."
)
_LIVE = Text("{service} is live")
_LIVE_BODY = Text("{service} can now send to everybody.\n\n{remark}\n\n{url}")
_DECLINED = Text("{service} stays in trial for now")
_DECLINED_BODY = Text(
    "The request to go live was declined, with these words:\n\n{remark}\n\nYou can ask again:\n\n{url}"
)
_ASKED = Text("{service} asks to go live")
_ASKED_BODY = Text("{who} asks for {service} to go live. Read the request and decide:\n\n{url}")


async def invitation(visit: Visit, service: Service, made: Invitation, code: str) -> bool:
    """False: it could not be sent."""
    async with visit.reading() as t:
        known = await users.by_email(t.connection, t.secret, made.address)

    def words(spoken: Language) -> Letter:
        values = {
            "who": as_text(_who(visit)),
            "service": as_text(service.name_in(spoken)),
            "url": f"{_root(visit)}{spoken}/invitation/{code}",
            "code": code,
            "until": moment(made.expires_at, spoken),
        }
        return _letter(visit, spoken, _INVITED, _INVITED_BODY, values, {"service": service.name_in(spoken)})

    return await _write(visit, made.address, f"invitation {made.id}", (known.language,) if known else _BOTH, words)


async def reply_to_code(visit: Visit, service: Service, made: ReplyToAddress, code: str) -> bool:
    """Likewise."""
    site = visit.site
    return await _tried(reply_tos.write(site.contacts, site.words, service, made, code, visit.now, _who(visit)))


async def decided(visit: Visit, service: Service, request: GoLiveRequest) -> None:
    """To the whole team."""
    subject, body = (_LIVE, _LIVE_BODY) if request.approved else (_DECLINED, _DECLINED_BODY)
    async with visit.reading() as t:
        team = await memberships.of_service(t.connection, service.id)
        people = await users.of_ids(t.connection, t.secret, [each.user_id for each in team])

    def words(spoken: Language) -> Letter:
        values = {
            "service": as_text(service.name_in(spoken)),
            "remark": as_text(request.remark or ""),
            "url": f"{_root(visit)}{spoken}/services/{service.id}/go-live",
        }
        return _letter(visit, spoken, subject, body, values, {"service": service.name_in(spoken)})

    for person in people.values():
        await _write(visit, person.email, f"go-live {request.id} {person.id}", (person.language,), words)


async def asked(visit: Visit, service: Service, request: GoLiveRequest, approvers: Sequence[users.User]) -> None:
    """To those who decide."""

    def words(spoken: Language) -> Letter:
        values = {
            "who": as_text(_who(visit)),
            "service": as_text(service.name_in(spoken)),
            "url": f"{_root(visit)}{spoken}/approvals/{request.id}",
        }
        return _letter(visit, spoken, _ASKED, _ASKED_BODY, values, {"service": service.name_in(spoken)})

    for person in approvers:
        await _write(visit, person.email, f"go-live {request.id} asked {person.id}", (person.language,), words)


async def _write(
    visit: Visit, to: str, name: str, languages: Sequence[Language], words: Callable[[Language], Letter]
) -> bool:
    return await _tried(visit.site.contacts.write(to, name, {each: words(each) for each in languages}))


async def _tried(writing: Awaitable[object]) -> bool:
    try:
        await writing
    except Refused as refused:
        structlog.get_logger("site").error("site.letter_refused", **described(refused))
        return False
    return True


def _letter(
    visit: Visit, spoken: Language, subject: Text, body: Text, values: Mapping[str, object], named: Mapping[str, object]
) -> Letter:
    """In the body values are escaped, in the subject there is no markup."""
    translate = visit.site.words.translator(spoken)
    return Letter(
        subject=Text(subject.source, named).render(translate),
        body=Text(body.source, values).render(translate),
    )


def _who(visit: Visit) -> str:
    return f"{visit.the_user.name} ({visit.the_user.email})"


def _root(visit: Visit) -> str:
    return visit.site.settings.site.public_url.rstrip("/") + "/"
