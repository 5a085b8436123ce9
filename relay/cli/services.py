"""notify-relay service: who sends, with its guest list and registered senders."""

import time
from typing import Annotated, Any
from uuid import UUID

import typer

from auth import domains, guests, senders, services
from auth.principal import DisplayName, ReplyTo, Service
from delivery import brandings, templates
from messages.message import Language
from relay.cli import callbacks, texts
from relay.cli.output import Json, plain, show, show_items, show_list
from relay.cli.session import Session, given, read, write

ServiceId = Annotated[UUID, typer.Argument(metavar=texts.SERVICE_ARGUMENT, help=texts.OF_SERVICE)]
Name = Annotated[str | None, typer.Option(help=texts.NAME)]
EmailFrom = Annotated[str | None, typer.Option(help=texts.EMAIL_FROM)]
FromDomain = Annotated[str | None, typer.Option(help=texts.FROM_DOMAIN)]
Display = Annotated[DisplayName | None, typer.Option(help=texts.DISPLAY_NAME)]
Replies = Annotated[ReplyTo | None, typer.Option(help=texts.REPLY_TO)]
ReplyToAddress = Annotated[str | None, typer.Option(help=texts.REPLY_TO_ADDRESS)]
Lang = Annotated[Language | None, typer.Option(help=texts.LANGUAGE)]


Branding = Annotated[str | None, typer.Option(help=texts.BRANDING)]
PerDay = Annotated[int | None, typer.Option(min=0, help=texts.PER_DAY)]
Guest = Annotated[str, typer.Argument(metavar=texts.GUEST_ARGUMENT)]
Sender = Annotated[str, typer.Argument(metavar=texts.SENDER_ARGUMENT)]


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.SERVICE, no_args_is_help=True)
    app.command("create", help=texts.SERVICE_CREATE)(create)
    app.command("list", help=texts.SERVICE_LIST)(list_all)
    app.command("show", help=texts.SERVICE_SHOW)(show_one)
    app.command("update", help=texts.SERVICE_UPDATE)(update)
    app.command("hold", help=texts.SERVICE_HOLD)(hold)
    app.command("release", help=texts.SERVICE_RELEASE)(release)
    app.command("go-live", help=texts.SERVICE_GO_LIVE)(go_live)
    guest = typer.Typer(help=texts.GUEST, no_args_is_help=True)
    guest.command("add", help=texts.GUEST_ADD)(guest_add)
    guest.command("remove", help=texts.GUEST_REMOVE)(guest_remove)
    guest.command("list", help=texts.GUEST_LIST)(guest_list)
    app.add_typer(guest, name="guest")
    sender = typer.Typer(help=texts.SENDER, no_args_is_help=True)
    sender.command("add", help=texts.SENDER_ADD)(sender_add)
    sender.command("remove", help=texts.SENDER_REMOVE)(sender_remove)
    sender.command("list", help=texts.SENDER_LIST)(sender_list)
    app.add_typer(sender, name="sender")
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
    language: Lang = None,
    branding: Branding = None,
    per_day: PerDay = None,
    as_json: Json = False,
) -> None:
    options = given(
        display_name=display_name,
        reply_to=reply_to,
        reply_to_address=reply_to_address,
        language=language,
        branding=branding,
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
    now = time.time()
    default = await domains.ensure(s.connection, s.sealing, s.settings.email.default_domain, now)
    service = await services.create(s.connection, s.limits, now, domain=domain or default.name, **options)
    await templates.create_hidden(s.connection, service.email_template_id, service.id, now)
    return service


def list_all(as_json: Json = False) -> None:
    found = read(lambda s: services.list_all(s.connection, s.limits))
    show_list("services", map(plain, found), ("id", "name", "email_from", "domain", "live", "held"), as_json)


def show_one(service_id: ServiceId, as_json: Json = False) -> None:
    show(plain(read(lambda s: services.find(s.connection, s.limits, service_id))), as_json)


def update(
    *,
    service_id: ServiceId,
    name: Name = None,
    email_from: EmailFrom = None,
    domain: FromDomain = None,
    display_name: Display = None,
    reply_to: Replies = None,
    reply_to_address: ReplyToAddress = None,
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
        "language": language,
        "branding": branding,
    }
    changes = {field: value for field, value in changes.items() if value is not None}
    changes |= given(reply_to_address=reply_to_address, per_day=per_day)

    async def work(s: Session) -> Service:
        agreed = await with_branding(s, service_id, changes)
        return await services.update(s.connection, s.limits, service_id, **agreed)

    show(plain(write(work)), as_json)


async def with_branding(s: Session, service_id: UUID | None, options: dict[str, Any]) -> dict[str, Any]:
    """The options with the id of the branding that was named. Raises VariantError when the service may not use it."""
    if not options.get("branding"):
        return options
    # Only doors look at it later, and could only refuse every message.
    return options | {"branding": await brandings.usable(s.connection, service_id, options["branding"])}


def hold(service_id: ServiceId, as_json: Json = False) -> None:
    show(plain(write(lambda s: services.hold(s.connection, s.limits, service_id))), as_json)


def release(service_id: ServiceId, as_json: Json = False) -> None:
    show(plain(write(lambda s: services.release(s.connection, s.limits, service_id))), as_json)


def go_live(service_id: ServiceId, as_json: Json = False) -> None:
    show(plain(write(lambda s: services.go_live(s.connection, s.limits, service_id))), as_json)


def guest_add(service_id: ServiceId, guest: Guest, as_json: Json = False) -> None:
    async def work(s: Session) -> str:
        await services.find(s.connection, s.limits, service_id)
        return await guests.add(s.connection, s.secret, service_id, guest, time.time())

    show({"service_id": str(service_id), "guest": write(work)}, as_json)


def guest_remove(service_id: ServiceId, guest: Guest, as_json: Json = False) -> None:
    async def work(s: Session) -> str:
        await services.find(s.connection, s.limits, service_id)
        return await guests.remove(s.connection, s.secret, service_id, guest)

    show({"service_id": str(service_id), "guest": write(work)}, as_json)


def guest_list(service_id: ServiceId, as_json: Json = False) -> None:
    async def work(s: Session) -> frozenset[str]:
        await services.find(s.connection, s.limits, service_id)
        return await guests.load(s.connection, s.secret.cipher(guests.PURPOSE), service_id)

    show_items("guests", read(work), as_json)


def sender_add(service_id: ServiceId, sender: Sender, as_json: Json = False) -> None:
    async def work(s: Session) -> str:
        await services.find(s.connection, s.limits, service_id)
        return await senders.add(s.connection, service_id, sender, time.time())

    show({"service_id": str(service_id), "sender": write(work)}, as_json)


def sender_remove(service_id: ServiceId, sender: Sender, as_json: Json = False) -> None:
    async def work(s: Session) -> str:
        await services.find(s.connection, s.limits, service_id)
        return await senders.remove(s.connection, service_id, sender)

    show({"service_id": str(service_id), "sender": write(work)}, as_json)


def sender_list(service_id: ServiceId, as_json: Json = False) -> None:
    async def work(s: Session) -> frozenset[str]:
        await services.find(s.connection, s.limits, service_id)
        return await senders.load(s.connection, service_id)

    show_items("senders", read(work), as_json)
