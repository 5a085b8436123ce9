"""The demo service of `make run`: made once, its credentials printed at every start."""

import json
import secrets
from collections.abc import Mapping
from functools import partial
from uuid import UUID

from auth.people.passwords import Passwords
from auth.principal import ReplyTo
from config.settings import Settings
from messages.message import Channel, KeyType, Language
from messages.text import Text
from relay import private
from relay.actions import keys, members, organisations, people, services, templates
from relay.actions.transaction import Transaction
from relay.cli import texts
from relay.cli.output import spoken
from relay.cli.session import write

# By the names under which their ids are kept and printed.
_TEMPLATES: Mapping[str, tuple[Channel, str | None, str]] = {
    "template_id": (Channel.EMAIL, texts.DEMO_SUBJECT, texts.DEMO_BODY),
    "sms_template_id": (Channel.SMS, None, texts.DEMO_SMS_BODY),
}

_DOMAIN = "dept.example"  # a name that is kept for examples


def sheet(settings: Settings) -> Text:
    """What to paste to send a first message."""
    path = settings.state_dir / "demo.json"
    if not path.exists():
        private.write(path, json.dumps(write(_make), indent=1).encode())
    write(services.ensure_own)  # letters of the web site leave from it
    made = json.loads(path.read_text())
    if missing := {*_TEMPLATES, "account"} - made.keys():  # made by a version without them
        for name in missing:
            make = _account if name == "account" else partial(_template, name=name)
            made[name] = write(partial(make, service_id=UUID(made["service_id"])))
        private.write(path, json.dumps(made, indent=1).encode())
    host, port = settings.smtp.listen.host, settings.smtp.listen.port
    values = {f"{key_type}_{name}": value for key_type, key in made["keys"].items() for name, value in key.items()}
    values.update(host=host, port=port, tls_port=settings.smtp.listen_tls.port)
    values.update(http=settings.http.listen, **{name: made[name] for name in _TEMPLATES})
    values.update({f"account_{name}": value for name, value in made["account"].items()})
    values.update(site=settings.site.public_url, outbox=settings.outbox.dir, metrics=settings.metrics.listen)
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
    filled = {name: await _template(t, service_id=service.id, name=name) for name in _TEMPLATES}
    account = await _account(t, service_id=service.id)
    return {"service_id": str(service.id), "keys": made, "account": account, **filled}


async def _account(t: Transaction, *, service_id: UUID) -> dict[str, str]:
    """Somebody who may do everything in the service; the second factor is a code, which lands in the outbox."""
    organisation = await organisations.create(t, name=spoken(texts.DEMO_ORGANISATION))
    await organisations.add_domain(t, str(organisation.id), _DOMAIN)
    password = secrets.token_urlsafe(12)
    made = await people.create(t, email=f"you@{_DOMAIN}", name=spoken(texts.DEMO_PERSON))
    await people.set_password(t, made.id, await Passwords().hash(made.email, password))
    await members.add(t, str(service_id), made.id)
    return {"email": made.email, "password": password}


async def _template(t: Transaction, *, service_id: UUID, name: str) -> str:
    channel, subject, body = _TEMPLATES[name]
    made = await templates.create(
        t,
        str(service_id),
        channel=channel,
        name=spoken(texts.DEMO_TEMPLATE),
        subject=subject and spoken(subject),
        body=spoken(body),
    )
    return str(made.id)
