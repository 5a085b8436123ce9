"""Sends every letter of the file that is named, through Django, whose settings are the module settings."""

import json
import os
import sys
from email.headerregistry import Address
from email.mime.image import MIMEImage
from pathlib import Path

import django
from django.core.mail import EmailMultiAlternatives, get_connection

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()


def mailbox(person: dict[str, str]) -> str:
    return str(Address(person["name"], addr_spec=person["address"]))


def made(letter: dict) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(letter["subject"], letter["text"], mailbox(letter["author"]))
    for field in ("to", "cc", "bcc"):
        setattr(message, field, [mailbox(person) for person in letter[field]])
    if letter["html"]:
        message.attach_alternative(letter["html"], "text/html")
    for file in letter["inline"]:
        message.mixed_subtype = "related"
        image = MIMEImage(Path(file["path"]).read_bytes())
        image["Content-ID"] = f"<{file['cid']}>"
        image.add_header("Content-Disposition", "inline", filename=file["name"])
        message.attach(image)
    for file in letter["attachments"]:
        message.attach(file["name"], Path(file["path"]).read_bytes(), file["type"])
    return message


with get_connection() as connection:
    connection.send_messages([made(letter) for letter in json.loads(Path(sys.argv[1]).read_text())])
