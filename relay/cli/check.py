"""notify-relay check: each part that a relay needs, and what to do about the one that is missing."""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NamedTuple

import typer

from auth import domains
from config.database import OUTAGES, Database
from config.keyring import KeyringError
from config.settings import Settings, SettingsError, load
from delivery import schema
from delivery.providers.base import SendError
from relay import wiring
from relay.cli import texts
from relay.cli.output import Json, show_list

_SOON_SECONDS = 30 * 86400


class Finding(NamedTuple):
    """`problem` is empty when all is well; `detail` then says what was found."""

    part: str
    problem: str
    detail: str


def check(as_json: Json = False) -> None:
    settings = load()
    findings = asyncio.run(_look(settings))
    rows = [
        {"part": part, "result": texts.CHECK_BAD if problem else texts.CHECK_GOOD, "detail": problem or detail}
        for part, problem, detail in findings
    ]
    show_list("checks", rows, ("part", "result", "detail"), as_json)
    if any(finding.problem for finding in findings):
        raise typer.Exit(1)


async def _look(settings: Settings) -> list[Finding]:
    parts: dict[str, Callable[[Settings], Awaitable[str]]] = {
        "secrets": _secrets,
        "database": _database,
        "TLS": _tls,
        "domain": _domain,
        "provider": _provider,
    }
    return [await _find(part, look, settings) for part, look in parts.items()]


async def _find(part: str, look: Callable[[Settings], Awaitable[str]], settings: Settings) -> Finding:
    try:
        return Finding(part, "", await look(settings))
    except (SettingsError, KeyringError) as error:
        return Finding(part, str(error), "")
    except SendError as error:
        return Finding(part, texts.CHECK_PROVIDER.format(reason=error.reason), "")
    except OUTAGES as error:
        return Finding(part, texts.DATABASE_AWAY.format(kind=type(error).__name__), "")


async def _secrets(settings: Settings) -> str:
    wiring.load_keyrings(settings)
    database = Database(settings.database_url)
    try:
        with contextlib.suppress(*OUTAGES):  # or a database without tables: the next finding tells it
            await wiring.unproved_roots(settings, database)
    finally:
        await database.close()
    return texts.CHECK_SECRETS


async def _database(settings: Settings) -> str:
    database = Database(settings.database_url)
    try:
        async with asyncio.timeout(10), database.write():
            pass
        if not settings.is_sqlite and not await schema.is_current(database):
            raise SettingsError(texts.CHECK_SCHEMA)
    finally:
        await database.close()
    return texts.CHECK_DATABASE.format(kind="SQLite" if settings.is_sqlite else "PostgreSQL")


async def _tls(settings: Settings) -> str:
    _, ends = wiring.load_certificate(settings)
    if ends.timestamp() - time.time() < _SOON_SECONDS:
        raise SettingsError(texts.CHECK_CERTIFICATE.format(ends=ends.date()))
    return texts.CHECK_TLS.format(ends=ends.astimezone(UTC).date(), days=(ends - datetime.now(UTC)).days)


async def _domain(settings: Settings) -> str:
    sealing = wiring.sealing_keyring(settings)
    async with wiring.open_database(settings) as database, database.read() as connection:
        key = await domains.signing_key(connection, sealing, settings.email.default_domain)
    if key is None:
        raise SettingsError(texts.CHECK_NO_KEY.format(domain=settings.email.default_domain))
    return texts.CHECK_DOMAIN.format(domain=key.domain, selector=key.selector)


async def _provider(settings: Settings) -> str:
    if settings.email.provider == "outbox":
        settings.outbox.dir.mkdir(parents=True, exist_ok=True)
        if not os.access(settings.outbox.dir, os.W_OK):
            raise SettingsError(texts.CHECK_OUTBOX.format(dir=settings.outbox.dir))
        return texts.CHECK_IS_OUTBOX.format(dir=settings.outbox.dir)
    from delivery.providers.aws import account, open_client

    async with open_client("sesv2", settings.aws, 1) as client:
        found = await account(client)
    if not found.sending_enabled:
        raise SettingsError(texts.CHECK_PAUSED)
    mode = texts.CHECK_PRODUCTION if found.production else texts.CHECK_SANDBOX
    return texts.CHECK_SES.format(region=settings.aws.region, mode=mode, rate=found.max_per_second)
