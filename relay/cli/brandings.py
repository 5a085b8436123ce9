"""notify-relay branding: what a service's messages look like."""

from pathlib import Path
from typing import Annotated, Any

import typer

from delivery.library import brandings
from messages.picture import MAX_OCTETS, Picture
from messages.variant import BUILT_IN, BrandType, Variant
from relay.actions import brandings as changing
from relay.actions.transaction import Transaction
from relay.cli import texts
from relay.cli.arguments import OfServiceIfAny
from relay.cli.output import Json, show, show_list
from relay.cli.session import read, write
from relay.plain import plain

BrandingId = Annotated[str, typer.Argument(metavar=texts.BRANDING_ARGUMENT, help=texts.NAMED_BRANDING)]
BuiltIn = typer.Option("--type", metavar="|".join(BrandType), help=texts.BRAND_TYPE)
Colour = Annotated[str | None, typer.Option(metavar="#RRGGBB", help=texts.COLOUR)]
Words = Annotated[str | None, typer.Option(help=texts.BRANDING_TEXT)]
AltTextEn = Annotated[str | None, typer.Option(help=texts.ALT_TEXT_EN)]
AltTextFr = Annotated[str | None, typer.Option(help=texts.ALT_TEXT_FR)]
Logo = Annotated[str | None, typer.Option(metavar="FILE", help=texts.LOGO)]


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.BRANDINGS, no_args_is_help=True)
    app.command("create", help=texts.BRANDING_CREATE)(create)
    app.command("list", help=texts.BRANDING_LIST)(list_all)
    app.command("show", help=texts.BRANDING_SHOW)(show_one)
    app.command("update", help=texts.BRANDING_UPDATE)(update)
    app.command("archive", help=texts.BRANDING_ARCHIVE)(archive)
    return app


def create(
    *,
    name: Annotated[str, typer.Option(help=texts.BRANDING_NAME)],
    brand_type: Annotated[BrandType, BuiltIn],
    service: Annotated[str | None, typer.Option(metavar=texts.SERVICE_ARGUMENT, help=texts.BRANDING_OF_SERVICE)] = None,
    colour: Colour = None,
    text: Words = None,
    alt_text_en: AltTextEn = None,
    alt_text_fr: AltTextFr = None,
    logo: Logo = None,
    as_json: Json = False,
) -> None:
    fields = _fields(name, brand_type, colour, text, alt_text_en, alt_text_fr, logo)
    show(_row(write(lambda t: changing.create(t, service, **fields))), as_json)


def list_all(service: OfServiceIfAny = None, as_json: Json = False) -> None:
    async def work(t: Transaction) -> list[Variant]:
        owner = None if service is None else await t.service(service)
        return await brandings.list_all(t.connection, owner.id if owner else None)

    columns = ("id", "version", "service_id", "brand_type", "name")
    show_list("brandings", map(_row, read(work)), columns, as_json)


def show_one(
    branding: BrandingId,
    version: Annotated[int | None, typer.Option(min=1, help=texts.TEMPLATE_VERSION)] = None,
    as_json: Json = False,
) -> None:
    async def work(t: Transaction) -> Variant:
        return await brandings.find(t.connection, await brandings.named(t.connection, branding), version)

    show(_row(BUILT_IN.get(branding) or read(work)), as_json)


def update(
    *,
    branding: BrandingId,
    name: Annotated[str | None, typer.Option(help=texts.BRANDING_NAME)] = None,
    brand_type: Annotated[BrandType | None, BuiltIn] = None,
    colour: Colour = None,
    text: Words = None,
    alt_text_en: AltTextEn = None,
    alt_text_fr: AltTextFr = None,
    logo: Logo = None,
    as_json: Json = False,
) -> None:
    fields = _fields(name, brand_type, colour, text, alt_text_en, alt_text_fr, logo)
    show(_row(write(lambda t: changing.update(t, branding, **fields))), as_json)


def archive(branding: BrandingId, as_json: Json = False) -> None:
    show(_row(write(lambda t: changing.archive(t, branding))), as_json)


def _fields(*values: Any) -> dict[str, Any]:
    """What was given, by name; an empty text takes off what there is."""
    fields = {name: value for name, value in zip(brandings.FIELDS, values, strict=True) if value is not None}
    if "logo" in fields:
        fields["logo"] = _picture(fields["logo"]) if fields["logo"] else None
    return fields


def _picture(file: str) -> Picture:
    with Path(file).open("rb") as opened:
        return Picture.parse(opened.read(MAX_OCTETS + 1))


def _row(variant: Variant) -> dict[str, Any]:
    row = plain(variant)
    logo = variant.logo
    return row | {"logo": logo and logo.name, "width": logo and logo.width, "height": logo and logo.height}
