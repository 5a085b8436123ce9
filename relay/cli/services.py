"""notify-relay service: who sends."""

import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import services
from auth.domains import names
from auth.principal import DisplayName, FromPolicy, Received, ReplyTo, Service
from config.settings import Limits
from delivery.library import brandings, templates
from messages.message import Language
from relay.cli import callbacks, lists, texts
from relay.cli.arguments import NamedService, NothingNamedError
from relay.cli.output import Json, plain, show, show_list
from relay.cli.session import Session, given, read, write

Name = Annotated[str | None, typer.Option(help=texts.NAME)]
EmailFrom = Annotated[str | None, typer.Option(help=texts.EMAIL_FROM)]
FromDomain = Annotated[str | None, typer.Option(help=texts.FROM_DOMAIN)]
Display = Annotated[DisplayName | None, typer.Option(help=texts.DISPLAY_NAME)]
Replies = Annotated[ReplyTo | None, typer.Option(help=texts.REPLY_TO)]
ReplyToAddress = Annotated[str | None, typer.Option(help=texts.REPLY_TO_ADDRESS)]
From = Annotated[FromPolicy | None, typer.Option("--from", help=texts.FROM_POLICY)]
Trace = Annotated[Received | None, typer.Option("--received", help=texts.RECEIVED)]
Lang = Annotated[Language | None, typer.Option(help=texts.LANGUAGE)]


Branding = Annotated[str | None, typer.Option(help=texts.BRANDING)]
PerDay = Annotated[int | None, typer.Option(min=0, help=texts.PER_DAY)]


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.SERVICE, no_args_is_help=True)
    app.command("create", help=texts.SERVICE_CREATE)(create)
    app.command("list", help=texts.SERVICE_LIST)(list_all)
    app.command("show", help=texts.SERVICE_SHOW)(show_one)
    app.command("update", help=texts.SERVICE_UPDATE)(update)
    app.command("hold", help=texts.SERVICE_HOLD)(hold)
    app.command("release", help=texts.SERVICE_RELEASE)(release)
    app.command("go-live", help=texts.SERVICE_GO_LIVE)(go_live)
    for name, listed in lists.LISTS.items():
        app.add_typer(lists.commands(listed), name=name)
    app.add_typer(callbacks.commands(), name="callback")
    return app


def create(
    *,
    name: Annotated[str, typer.Option(help=texts.NAME)],
    email_from: Annotated[str, typer.Option(help=texts.EMAIL_FROM)],
    domain: FromDomain = None,
    live: Annotated[bool, typer.Option("--live/--trial", help=texts.LIVE)] = False,
    display_name: Display = None,
    reply_to: Replies = None,
    reply_to_address: ReplyToAddress = None,
    from_policy: From = None,
    received: Trace = None,
    language: Lang = None,
    branding: Branding = None,
    per_day: PerDay = None,
    as_json: Json = False,
) -> None:
    options = given(
        display_name=display_name,
        reply_to=reply_to,
        reply_to_address=reply_to_address,
        from_policy=from_policy,
        received=received,
        language=language,
        branding=_of_its_own(branding),
        per_day=per_day,
    )

    async def work(s: Session) -> Service:
        agreed = await with_branding(s, None, options)
        return await make(s, name=name, email_from=email_from, domain=domain, live=live, **agreed)

    show(plain(write(work)), as_json)


async def make(s: Session, *, domain: str | None = None, **options: Any) -> Service:
    """A service, of the default domain unless one is named, with the template that its SMTP mail is listed under.

    Raises AuthError as `auth.services.create` does.
    """
    now, email = time.time(), s.settings.email
    default = await names.ensure(s.connection, s.sealing, email.default_domain, now)
    chosen = default if domain is None else await names.usable(s.connection, domain, email)
    service = await services.create(s.connection, s.limits, now, domain=chosen.name, **options)
    await templates.create_hidden(s.connection, service.email_template_id, service.id, now)
    return service


def list_all(as_json: Json = False) -> None:
    found = read(lambda s: services.list_all(s.connection, s.limits))
    show_list("services", map(plain, found), ("id", "name", "email_from", "domain", "live", "held"), as_json)


def show_one(service: NamedService, as_json: Json = False) -> None:
    show(plain(read(lambda s: s.service(service))), as_json)


def update(
    *,
    service: NamedService,
    name: Name = None,
    email_from: EmailFrom = None,
    domain: FromDomain = None,
    display_name: Display = None,
    reply_to: Replies = None,
    reply_to_address: ReplyToAddress = None,
    from_policy: From = None,
    received: Trace = None,
    language: Lang = None,
    branding: Branding = None,
    per_day: PerDay = None,
    as_json: Json = False,
) -> None:
    changes = {
        "name": name,
        "email_from": email_from,
        "domain": domain,
        "display_name": display_name,
        "reply_to": reply_to,
        "from_policy": from_policy,
        "received": received,
        "language": language,
        "branding": _of_its_own(branding),
    }
    changes = {field: value for field, value in changes.items() if value is not None}
    changes |= given(reply_to_address=reply_to_address, per_day=per_day)
    if not changes:
        raise NothingNamedError

    async def work(s: Session) -> Service:
        if domain is not None:
            await names.usable(s.connection, domain, s.settings.email)
        service_id = (await s.service(service)).id
        agreed = await with_branding(s, service_id, changes)
        return await services.update(s.connection, s.limits, service_id, **agreed)

    show(plain(write(work)), as_json)


def _of_its_own(branding: str | None) -> str | None:
    """A service always has a branding: empty text stands for the default one."""
    return "default" if branding == "" else branding


async def with_branding(s: Session, service_id: UUID | None, options: dict[str, Any]) -> dict[str, Any]:
    """The options with the id of the branding that was named. Raises VariantError when the service may not use it."""
    if not options.get("branding"):
        return options
    # Only doors look at it later, and could only refuse every message.
    return options | {"branding": await brandings.usable(s.connection, service_id, options["branding"])}


def hold(service: NamedService, as_json: Json = False) -> None:
    _set(services.hold, service, as_json)


def release(service: NamedService, as_json: Json = False) -> None:
    _set(services.release, service, as_json)


def go_live(service: NamedService, as_json: Json = False) -> None:
    _set(services.go_live, service, as_json)


def _set(how: Callable[[AsyncConnection, Limits, UUID], Awaitable[Service]], service: str, as_json: bool) -> None:
    async def work(s: Session) -> Service:
        return await how(s.connection, s.limits, (await s.service(service)).id)

    show(plain(write(work)), as_json)
