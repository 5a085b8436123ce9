"""notify-relay statistics: what has been counted."""

import time
from typing import Annotated

import typer

from config.database import Database
from config.settings import Settings
from delivery.recount import Difference, Recount
from relay.actions.errors import RECOUNT_RUNS, ActionError
from relay.cli import texts
from relay.cli.output import Json, done
from relay.cli.session import with_database

DryRun = Annotated[bool, typer.Option("--dry-run", help=texts.DRY_RUN)]


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.STATISTICS, no_args_is_help=True)
    app.command("rebuild", help=texts.STATISTICS_REBUILD)(rebuild)

    @app.callback()
    def statistics() -> None:
        """Keeps `rebuild` a word of its own while it is the only command here."""

    return app


def rebuild(dry_run: DryRun = False, as_json: Json = False) -> None:
    async def work(_: Settings, database: Database) -> tuple[int, int, list[Difference]]:
        recount = Recount(database, time.time())
        async with recount.alone() as is_alone:
            if not is_alone:
                raise ActionError(RECOUNT_RUNS)
            return await _rebuild(recount, mends=not dry_run)

    services, months, found = with_database(work)
    rows = [
        {"service_id": str(each.service_id), "counts": each.table.name, "start": each.start, "messages": each.messages}
        for each in found
    ]
    said = texts.STATISTICS_SAME if not found else texts.STATISTICS_FOUND if dry_run else texts.STATISTICS_MENDED
    row = {"services": services, "months": months, "mended": not dry_run, "differences": rows}
    done(row, as_json, said, services=services, months=months, differences=len(found))


async def _rebuild(recount: Recount, *, mends: bool) -> tuple[int, int, list[Difference]]:
    found: list[Difference] = []
    services, months = await recount.services(), 0
    for service_id, zone in services.items():
        for start, end in recount.months(zone):
            differences = await recount.compare(service_id, zone, start, end)
            if mends:
                await recount.mend(differences)
            found += differences
            months += 1
    return len(services), months, found
