"""The demo service of `make run`: made once, its credentials printed at every start."""

import json
import os
import time
from pathlib import Path

from auth import domains, keys, services
from auth.principal import ReplyTo
from config.settings import Settings
from delivery import templates
from messages.message import KeyType
from relay import wiring
from relay.cli import texts


async def sheet(settings: Settings) -> str:
    """What to paste to send a first message."""
    path = settings.state_dir / "demo.json"
    if not path.exists():
        _write(path, await _make(settings))
    made = json.loads(path.read_text())
    host, port = settings.smtp.listen.host, settings.smtp.listen.port
    text: str = texts.DEMO_SHEET.format(
        host=host,
        port=port,
        tls_port=settings.smtp.listen_tls.port,
        outbox=settings.outbox.dir,
        metrics=settings.metrics.listen,
        **{f"{key_type}_{name}": value for key_type, key in made["keys"].items() for name, value in key.items()},
    )
    return text


async def _make(settings: Settings) -> dict[str, object]:
    secret, sealing = wiring.load_keyrings(settings)
    now = time.time()
    async with wiring.open_database(settings) as database, database.write() as connection:
        await domains.ensure(connection, sealing, settings.email.default_domain, now)
        service = await services.create(
            connection,
            settings.limits,
            now,
            name=texts.DEMO_SERVICE,
            email_from="demo",
            domain=settings.email.default_domain,
            live=True,
            reply_to=ReplyTo.ANY,
        )
        await templates.create_hidden(connection, service.email_template_id, service.id, now)
        made = {}
        for key_type in (KeyType.NORMAL, KeyType.TEST):
            issued = await keys.create(
                connection, secret, settings.limits, service, now, name=key_type.value, type=key_type
            )
            made[key_type.value] = {
                "api_key": issued.api_key,
                "username": issued.key.smtp_username,
                "password": issued.smtp_password,
            }
    return {"service_id": str(service.id), "keys": made}


def _write(path: Path, content: dict[str, object]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=1)
