"""notify-relay service: who sends."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from auth import services
from auth.principal import DisplayName, FromPolicy, Received, ReplyTo, Service
from auth.usage import Usage
from messages.message import Language
from relay.actions import holds
from relay.actions import services as changing
from relay.actions.holds import Waiting
from relay.actions.transaction import Transaction
from relay.cli import callbacks, lists, members, reply_tos, texts
from relay.cli.arguments import NamedService
from relay.cli.output import Json, say, show, show_list
from relay.cli.session import given, read, write
from relay.plain import plain

NameFr = Annotated[str | None, typer.Option(help=texts.NAME_FR)]
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
TextsPerDay = Annotated[int | None, typer.Option(min=0, help=texts.TEXTS_PER_DAY)]
EmailsPerYear = Annotated[int | None, typer.Option(min=0, help=texts.EMAILS_PER_YEAR)]
TextsPerYear = Annotated[int | None, typer.Option(min=0, help=texts.TEXTS_PER_YEAR)]
TimeZone = Annotated[str | None, typer.Option(help=texts.TIME_ZONE)]
Contact = Annotated[str | None, typer.Option(help=texts.CONTACT)]
NoticeAddress = Annotated[str | None, typer.Option(help=texts.NOTICE_ADDRESS)]
Sms = Annotated[bool | None, typer.Option("--sms/--no-sms", help=texts.SMS_ALLOWED)]
SmsPrefix = Annotated[bool | None, typer.Option("--sms-prefix/--no-sms-prefix", help=texts.SMS_PREFIX)]
SmsAbroad = Annotated[
    bool | None, typer.Option("--sms-international/--no-sms-international", help=texts.SMS_INTERNATIONAL)
]
ContentDays = Annotated[int | None, typer.Option(help=texts.CONTENT_DAYS)]
SmsDowngrade = Annotated[bool | None, typer.Option("--sms-downgrade/--no-sms-downgrade", help=texts.SMS_DOWNGRADE)]


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.SERVICE, no_args_is_help=True)
    app.command("create", help=texts.SERVICE_CREATE)(create)
    app.command("list", help=texts.SERVICE_LIST)(list_all)
    app.command("show", help=texts.SERVICE_SHOW)(show_one)
    app.command("usage", help=texts.SERVICE_USAGE)(usage)
    app.command("update", help=texts.SERVICE_UPDATE)(update)
    app.command("hold", help=texts.SERVICE_HOLD)(hold)
    app.command("release", help=texts.SERVICE_RELEASE)(release)
    app.command("go-live", help=texts.SERVICE_GO_LIVE)(go_live)
    for name, listed in lists.LISTS.items():
        app.add_typer(lists.commands(listed), name=name)
    app.add_typer(members.commands(), name="member")
    app.add_typer(reply_tos.commands(), name="reply-to")
    app.add_typer(callbacks.commands(), name="callback")
    return app


def create(
    *,
    name: Annotated[str, typer.Option(help=texts.NAME)],
    email_from: Annotated[str, typer.Option(help=texts.EMAIL_FROM)],
    name_fr: NameFr = None,
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
    texts_per_day: TextsPerDay = None,
    emails_per_year: EmailsPerYear = None,
    texts_per_year: TextsPerYear = None,
    time_zone: TimeZone = None,
    contact: Contact = None,
    notice_address: NoticeAddress = None,
    sms_allowed: Sms = None,
    sms_prefix: SmsPrefix = None,
    sms_international: SmsAbroad = None,
    sms_downgrade: SmsDowngrade = None,
    content_days: ContentDays = None,
    as_json: Json = False,
) -> None:
    options = given(
        name_fr=name_fr,
        display_name=display_name,
        reply_to=reply_to,
        reply_to_address=reply_to_address,
        from_policy=from_policy,
        received=received,
        language=language,
        branding=_of_its_own(branding),
        per_day=per_day,
        texts_per_day=texts_per_day,
        emails_per_year=emails_per_year,
        texts_per_year=texts_per_year,
        contact=contact,
        notice_address=notice_address,
        sms_allowed=sms_allowed,
        sms_prefix=sms_prefix,
        sms_international=sms_international,
        sms_downgrade=sms_downgrade,
    )
    if content_days is not None:
        options["content_days"] = content_days
    if time_zone is not None:
        options["time_zone"] = time_zone
    created = write(lambda t: changing.create(t, name=name, email_from=email_from, domain=domain, live=live, **options))
    show(plain(created), as_json)


def list_all(as_json: Json = False) -> None:
    found = read(lambda t: services.list_all(t.connection, t.limits))
    show_list("services", map(plain, found), ("id", "name", "email_from", "domain", "live", "held"), as_json)


def show_one(service: NamedService, as_json: Json = False) -> None:
    found, used, waiting = read(lambda t: _with_usage_and_holds(t, service))
    show(plain(found), as_json)
    if not as_json:  # JSON of a service is the same whatever command prints it
        typer.echo()
        _show_usage(used, as_json)
        if number := len(waiting.held) + len(waiting.slowed):
            say(texts.SERVICE_WAITS, count=number, id=found.id)


def usage(service: NamedService, as_json: Json = False) -> None:
    _, used = read(lambda t: _with_usage(t, service))
    _show_usage(used, as_json)


async def _with_usage_and_holds(t: Transaction, service: str) -> tuple[Service, list[Usage], Waiting]:
    found, used = await _with_usage(t, service)
    return found, used, await holds.of(t, found.id)


async def _with_usage(t: Transaction, service: str) -> tuple[Service, list[Usage]]:
    found = await t.service(service)
    return found, await changing.usage(t, found)


def _show_usage(used: list[Usage], as_json: bool) -> None:
    columns = ("period", "counts", "used", "limit", "lifts_at", "warned_percent", "warned_at")
    show_list("usage", map(plain, used), columns, as_json)


def update(
    *,
    service: NamedService,
    name: Name = None,
    name_fr: NameFr = None,
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
    texts_per_day: TextsPerDay = None,
    emails_per_year: EmailsPerYear = None,
    texts_per_year: TextsPerYear = None,
    time_zone: TimeZone = None,
    contact: Contact = None,
    notice_address: NoticeAddress = None,
    sms_allowed: Sms = None,
    sms_prefix: SmsPrefix = None,
    sms_international: SmsAbroad = None,
    sms_downgrade: SmsDowngrade = None,
    content_days: ContentDays = None,
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
        "time_zone": time_zone,
        "sms_allowed": sms_allowed,
        "sms_prefix": sms_prefix,
        "sms_international": sms_international,
        "sms_downgrade": sms_downgrade,
        "content_days": content_days,
    }
    changes = {field: value for field, value in changes.items() if value is not None}
    changes |= given(
        name_fr=name_fr,
        reply_to_address=reply_to_address,
        per_day=per_day,
        texts_per_day=texts_per_day,
        emails_per_year=emails_per_year,
        texts_per_year=texts_per_year,
        contact=contact,
        notice_address=notice_address,
    )
    show(plain(write(lambda t: changing.update(t, service, **changes))), as_json)


def _of_its_own(branding: str | None) -> str | None:
    """A service always has a branding: empty text stands for the default one."""
    return "default" if branding == "" else branding


def hold(service: NamedService, as_json: Json = False) -> None:
    _set(changing.hold, service, as_json)


def release(service: NamedService, as_json: Json = False) -> None:
    _set(changing.release, service, as_json)


def go_live(service: NamedService, as_json: Json = False) -> None:
    _set(changing.go_live, service, as_json)


def _set(change: Callable[[Transaction, str], Awaitable[Service]], service: str, as_json: bool) -> None:
    show(plain(write(lambda t: change(t, service))), as_json)
