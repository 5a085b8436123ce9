"""The demo service of `make run`: made once, its credentials printed at every start."""

import json
from uuid import UUID

from auth.principal import ReplyTo
from config.settings import Settings
from messages.message import Channel, KeyType, Language
from messages.text import Text
from relay import private
from relay.actions import keys, services, templates
from relay.actions.transaction import Transaction
from relay.cli import texts
from relay.cli.output import spoken
from relay.cli.session import write


def sheet(settings: Settings) -> Text:
    """What to paste to send a first message."""
    path = settings.state_dir / "demo.json"
    if not path.exists():
        private.write(path, json.dumps(write(_make), indent=1).encode())
    made = json.loads(path.read_text())
    if "template_id" not in made:  # made by a version without templates
        made["template_id"] = write(lambda t: _template(t, UUID(made["service_id"])))
        private.write(path, json.dumps(made, indent=1).encode())
    host, port = settings.smtp.listen.host, settings.smtp.listen.port
    values = {f"{key_type}_{name}": value for key_type, key in made["keys"].items() for name, value in key.items()}
    values.update(host=host, port=port, tls_port=settings.smtp.listen_tls.port)
    values.update(http=settings.http.listen, template_id=made["template_id"])
    values.update(outbox=settings.outbox.dir, metrics=settings.metrics.listen)
    return Text(texts.DEMO_SHEET, values)


async def _make(t: Transaction) -> dict[str, object]:
    service = await services.create(
        t,
        name=spoken(texts.DEMO_SERVICE),
        email_from="demo",
        live=True,
        reply_to=ReplyTo.ANY,
        language=Language(spoken(texts.DEMO_LANGUAGE)),
    )
    made = {}
    for key_type in (KeyType.NORMAL, KeyType.TEST):
        issued = await keys.create(t, str(service.id), name=key_type.value, type=key_type)
        made[key_type.value] = {
            "api_key": issued.api_key,
            "username": issued.key.smtp_username,
            "password": issued.smtp_password,
        }
    return {"service_id": str(service.id), "keys": made, "template_id": await _template(t, service.id)}


async def _template(t: Transaction, service_id: UUID) -> str:
    made = await templates.create(
        t,
        str(service_id),
        channel=Channel.EMAIL,
        name=spoken(texts.DEMO_TEMPLATE),
        subject=spoken(texts.DEMO_SUBJECT),
        body=spoken(texts.DEMO_BODY),
    )
    return str(made.id)
