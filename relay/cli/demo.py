"""The demo service of `make run`: made once, its credentials printed at every start."""

import json
import time
from uuid import UUID

from auth import keys
from auth.principal import ReplyTo
from config.settings import Settings
from delivery.library import templates
from messages.message import Channel, KeyType, Language
from messages.text import Text
from relay import private
from relay.cli import services, texts
from relay.cli.output import spoken
from relay.cli.session import Session, write


def sheet(settings: Settings) -> Text:
    """What to paste to send a first message."""
    path = settings.state_dir / "demo.json"
    if not path.exists():
        private.write(path, json.dumps(write(_make), indent=1).encode())
    made = json.loads(path.read_text())
    if "template_id" not in made:  # made by a version without templates
        made["template_id"] = write(lambda s: _template(s, UUID(made["service_id"])))
        private.write(path, json.dumps(made, indent=1).encode())
    host, port = settings.smtp.listen.host, settings.smtp.listen.port
    values = {f"{key_type}_{name}": value for key_type, key in made["keys"].items() for name, value in key.items()}
    values.update(host=host, port=port, tls_port=settings.smtp.listen_tls.port)
    values.update(http=settings.http.listen, template_id=made["template_id"])
    values.update(outbox=settings.outbox.dir, metrics=settings.metrics.listen)
    return Text(texts.DEMO_SHEET, values)


async def _make(s: Session) -> dict[str, object]:
    service = await services.make(
        s,
        name=spoken(texts.DEMO_SERVICE),
        email_from="demo",
        live=True,
        reply_to=ReplyTo.ANY,
        language=Language(spoken(texts.DEMO_LANGUAGE)),
    )
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
    return {"service_id": str(service.id), "keys": made, "template_id": await _template(s, service.id)}


async def _template(s: Session, service_id: UUID) -> str:
    made = await templates.create(
        s.connection,
        service_id,
        time.time(),
        channel=Channel.EMAIL,
        name=spoken(texts.DEMO_TEMPLATE),
        subject=spoken(texts.DEMO_SUBJECT),
        body=spoken(texts.DEMO_BODY),
    )
    return str(made.id)
