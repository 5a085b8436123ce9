"""notify-relay statistics: what has been counted."""

from typing import Annotated

import typer

from relay.actions import statistics
from relay.cli import texts
from relay.cli.output import Json, done
from relay.cli.session import with_transactions

DryRun = Annotated[bool, typer.Option("--dry-run", help=texts.DRY_RUN)]


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.STATISTICS, no_args_is_help=True)
    app.command("rebuild", help=texts.STATISTICS_REBUILD)(rebuild)

    @app.callback()
    def only() -> None:
        """Keeps `rebuild` a word of its own while it is the only command here."""

    return app


def rebuild(dry_run: DryRun = False, as_json: Json = False) -> None:
    found = with_transactions(lambda asking: statistics.rebuild(asking, mends=not dry_run))
    rows = [
        {"service_id": str(each.service_id), "counts": each.table.name, "start": each.start, "messages": each.messages}
        for each in found.differences
    ]
    said = texts.STATISTICS_SAME if not rows else texts.STATISTICS_FOUND if dry_run else texts.STATISTICS_MENDED
    row = {"services": found.services, "months": found.months, "mended": not dry_run, "differences": rows}
    done(row, as_json, said, services=found.services, months=found.months, differences=len(rows))
