"""notify-relay check: each part that a relay needs, and what to do about the one that is missing."""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import typer

from auth import service_domains
from auth.domains import names
from config.database import OUTAGES, Database
from config.keyring import KeyringError
from config.outages import away
from config.providers import EmailProvider
from config.settings import Settings, SettingsError, load, unknown_variables
from delivery import schema
from delivery.library import letterheads, origination
from delivery.library.origination import OriginationIdentity
from delivery.providers.base import SendError
from messages.text import Text, TextError
from relay import wiring
from relay.actions import sms_account
from relay.actions.errors import SES_UNASKABLE
from relay.cli import reach, texts
from relay.cli.output import Json, show_list
from relay.cli.refusals import typed
from relay.tls import Certificate

_SOON = timedelta(days=30)


class Finding(NamedTuple):
    """`problem` is None when all is well; `detail` then says what was found, or with `warns` what may be wrong."""

    part: Text
    problem: Text | None
    detail: Text | None
    warns: bool = False

    @property
    def result(self) -> Text:
        return Text(texts.CHECK_BAD if self.problem else texts.CHECK_WARNING if self.warns else texts.CHECK_GOOD)


def check(as_json: Json = False) -> None:
    settings = load()
    findings = asyncio.run(_look(settings))
    rows = [{"part": each.part, "result": each.result, "detail": each.problem or each.detail} for each in findings]
    show_list("checks", rows, ("part", "result", "detail"), as_json)
    if any(finding.problem for finding in findings):
        raise typer.Exit(1)


async def _look(settings: Settings) -> list[Finding]:
    return [
        _settings(),
        await _find(Text("secrets"), _secrets, settings),
        *_exposed(settings),
        await _find(Text("database"), _database, settings),
        *_tls(settings),
        await _find(Text("domain"), _domain, settings),
        *await _used_domains(settings),
        await _public_url(settings),
        await _find(Text("branding"), _branding, settings),
        await _find(Text("provider"), _provider, settings),
        await _find(Text("events"), _events, settings),
        *await _texts(settings),
    ]


async def _find(part: Text, look: Callable[[Settings], Awaitable[Text]], settings: Settings) -> Finding:
    try:
        return Finding(part, None, await look(settings))
    except (SettingsError, KeyringError) as error:
        return Finding(part, error.text, None)
    except SendError as error:
        return Finding(part, Text(SES_UNASKABLE, {"reason": error.reason}), None)
    except OUTAGES as error:
        return Finding(part, away(error), None)


def _settings() -> Finding:
    unknown = ", ".join(unknown_variables())
    detail = Text(texts.CHECK_UNKNOWN, {"names": unknown}) if unknown else Text(texts.CHECK_SETTINGS)
    return Finding(Text("settings"), None, detail, warns=bool(unknown))


async def _secrets(settings: Settings) -> Text:
    wiring.load_keyrings(settings)
    database = Database(settings.database_url)
    try:
        with contextlib.suppress(*OUTAGES):  # or a database without tables: the next finding tells it
            await wiring.unproved_roots(settings, database)
    finally:
        await database.close()
    return Text(texts.CHECK_SECRETS)


def _exposed(settings: Settings) -> list[Finding]:
    files = ", ".join(map(str, wiring.exposed_files(settings)))
    return [Finding(Text("secrets"), None, Text(texts.CHECK_EXPOSED, {"files": files}), warns=True)] if files else []


async def _database(settings: Settings) -> Text:
    database = Database(settings.database_url)
    try:
        async with asyncio.timeout(10), database.write():
            pass
        if not settings.is_sqlite and not await schema.is_current(database):
            raise SettingsError(texts.CHECK_SCHEMA)
    finally:
        await database.close()
    return Text(texts.CHECK_DATABASE, {"kind": "SQLite" if settings.is_sqlite else "PostgreSQL"})


def _tls(settings: Settings) -> list[Finding]:
    """One finding for each certificate."""
    try:
        certificates = wiring.load_certificates(settings).all
    except SettingsError as error:
        return [Finding(Text("TLS"), error.text, None)]
    return [_certificate(each) for each in certificates]


def _certificate(certificate: Certificate) -> Finding:
    left = certificate.ends_at - datetime.now(UTC)
    names = ", ".join(certificate.names) or "-"
    values = {"names": names, "algorithm": certificate.algorithm, "ends": certificate.ends_at.date(), "days": left.days}
    if left < _SOON:
        return Finding(Text("TLS"), Text(texts.CHECK_CERTIFICATE, values), None)
    return Finding(Text("TLS"), None, Text(texts.CHECK_TLS, values))


async def _domain(settings: Settings) -> Text:
    sealing = wiring.sealing_keyring(settings)
    async with wiring.open_database(settings) as database, database.read() as connection:
        key = await names.signing_key(connection, sealing, settings.email.default_domain, settings.email)
    if key is None:
        raise SettingsError(texts.CHECK_NO_KEY, domain=settings.email.default_domain)
    return Text(texts.CHECK_DOMAIN, {"domain": key.domain, "selector": key.selector})


async def _used_domains(settings: Settings) -> list[Finding]:
    """The domains that mail may come from though their records, or their key, were not found."""
    email = settings.email
    with contextlib.suppress(SettingsError, *OUTAGES):  # told above
        async with wiring.open_database(settings) as database, database.read() as connection:
            health = await names.health(connection, service_domains.used(), email, time.time())
            found = [each for each in await names.list_all(connection) if each.name in health]
        unusable = {each.name: texts.CHECK_UNVERIFIED for each in found if not names.is_usable(each, email)}
        problems = {name: texts.CHECK_KEY_LOST for name, each in health.items() if not each.ready} | unusable
        return [Finding(Text("domain"), Text(why, {"domain": name}), None) for name, why in sorted(problems.items())]
    return []


async def _public_url(settings: Settings) -> Finding:
    """Where nothing leaves this machine, nobody comes from elsewhere."""
    part, url = Text("public URL"), settings.http.public_url
    warning = None if settings.email.traits.writes_files else await reach.warning(url)
    return Finding(part, None, warning or Text(texts.URL_GOOD, {"url": url}), warns=warning is not None)


async def _branding(settings: Settings) -> Text:
    """Whether its artwork can be shown, and by those who get the mail."""
    missing = ", ".join(wiring.load_letterheads(settings).missing)
    seen = _pictures(settings)
    values = {"seen": seen, "government": settings.branding.government, "files": missing}
    return Text(texts.CHECK_WORDS, values) if missing else seen


def _pictures(settings: Settings) -> Text:
    if settings.branding.images == "cid":
        return Text(texts.CHECK_CARRIED)
    url = f"{settings.http.public_url}{letterheads.PATH}"
    if not settings.email.traits.writes_files and reach.is_local(urlsplit(url).hostname or ""):
        raise SettingsError(texts.CHECK_LOCAL_LINKS, url=url)
    return Text(texts.CHECK_LINKS, {"url": url})


async def _provider(settings: Settings) -> Text:
    return await _PROVIDERS[settings.email.provider](settings)


async def _texts(settings: Settings) -> list[Finding]:
    """The provider of texts, and each number or pool that they come from."""
    senders: list[OriginationIdentity] = []
    with contextlib.suppress(SettingsError, *OUTAGES):  # told above
        async with wiring.open_database(settings) as database, database.read() as connection:
            senders = await origination.list_all(connection)
    try:
        account = Finding(Text("texts"), None, await sms_account.account(settings, senders))
    except TextError as error:
        return [Finding(Text("texts"), typed(error.text), None)]
    if not settings.sms.traits.asks_aws:
        return [account, *await _text_files(settings, senders)]
    examined = await sms_account.examine(settings, senders)
    found = [Finding(Text("sender"), each.problem and typed(each.problem), each.detail) for each in examined]
    return [account, *found]


async def _text_files(settings: Settings, senders: Sequence[OriginationIdentity]) -> list[Finding]:
    """Whether they can be written, where mail is none; and what they name as where they come from."""
    written = [] if settings.email.traits.writes_files else [await _find(Text("texts"), _outbox, settings)]
    numbers = Text(texts.CHECK_SENDERS, {"numbers": ", ".join(each.identity for each in senders)})
    return [*written, *([Finding(Text("sender"), None, numbers)] if senders else [])]


async def _outbox(settings: Settings) -> Text:
    settings.outbox.dir.mkdir(parents=True, exist_ok=True)
    if not os.access(settings.outbox.dir, os.W_OK):
        raise SettingsError(texts.CHECK_OUTBOX, dir=settings.outbox.dir)
    return Text(texts.CHECK_IS_OUTBOX, {"dir": settings.outbox.dir})


async def _ses(settings: Settings) -> Text:
    from delivery.providers.ses_account import account

    async with wiring.open_ses(settings) as client:
        found = await account(client)
    if not found.sending_enabled:
        raise SettingsError(texts.CHECK_PAUSED)
    mode = Text(texts.CHECK_PRODUCTION if found.production else texts.CHECK_SANDBOX)
    values = {"region": settings.aws.region, "mode": mode, "rate": found.max_per_second}
    return Text(texts.CHECK_SES, values)


_PROVIDERS: Mapping[EmailProvider, Callable[[Settings], Awaitable[Text]]] = {
    EmailProvider.OUTBOX: _outbox,
    EmailProvider.SES: _ses,
}


async def _events(settings: Settings) -> Text:
    """Whether anybody tells us what becomes of mail."""
    aws = settings.aws
    if settings.email.traits.delivers_at_once:
        return Text(texts.CHECK_NO_EVENTS)
    if not aws.configuration_set or not (aws.events_queue_url or aws.sns_topics):
        raise SettingsError(texts.CHECK_DEAF)
    if not aws.events_queue_url:
        return Text(texts.CHECK_TOPICS, {"topics": len(aws.sns_topics), "listen": settings.feedback.listen})
    from delivery.feedback.sqs_poller import open_queue, waiting

    async with open_queue(aws) as client:
        try:
            return Text(texts.CHECK_QUEUE, {"count": await waiting(client, aws.events_queue_url)})
        except SendError as error:
            raise SettingsError(texts.CHECK_NO_QUEUE, reason=error.reason) from None
