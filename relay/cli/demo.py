"""The demo service of `make run`: made once, its credentials printed at every start."""

import json
import time

from auth import keys
from auth.principal import ReplyTo
from config.settings import Settings
from messages.message import KeyType
from relay import private
from relay.cli import services, texts
from relay.cli.session import Session, write


def sheet(settings: Settings) -> str:
    """What to paste to send a first message."""
    path = settings.state_dir / "demo.json"
    if not path.exists():
        private.write(path, json.dumps(write(_make), indent=1).encode())
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


async def _make(s: Session) -> dict[str, object]:
    service = await services.make(s, name=texts.DEMO_SERVICE, email_from="demo", live=True, reply_to=ReplyTo.ANY)
    made = {}
    for key_type in (KeyType.NORMAL, KeyType.TEST):
        issued = await keys.create(
            s.connection, s.secret, s.limits, service, time.time(), name=key_type.value, type=key_type
        )
        made[key_type.value] = {
            "api_key": issued.api_key,
            "username": issued.key.smtp_username,
            "password": issued.smtp_password,
        }
    return {"service_id": str(service.id), "keys": made}
