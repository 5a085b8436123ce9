"""What several commands take: a service, by its id or its name, and a key, by its id or its user name."""

from typing import Annotated

import typer

from relay.cli import texts

_OPTION = typer.Option("--service", metavar=texts.SERVICE_ARGUMENT, help=texts.OF_SERVICE)

NamedService = Annotated[str, typer.Argument(metavar=texts.SERVICE_ARGUMENT, help=texts.OF_SERVICE)]
OfService = Annotated[str, _OPTION]
NamedKey = Annotated[str, typer.Argument(metavar=texts.KEY_ARGUMENT, help=texts.NAMED_KEY)]
OfServiceIfAny = Annotated[str | None, _OPTION]
