"""A service's own branding, from the command to the recipient: by both doors, its pictures as links and as parts."""

import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.pictures import png
from tests.harness.mail import address, email, is_signed, read, send
from tests.harness.relay import Credentials, Relay
from tests.harness.sampled import sampled

LOGO = png(300, 100)
ARTWORK = Path(__file__).parents[1] / "data/branding/artwork"
Make = Callable[..., Relay]


def own(relay: Relay, folder: Path) -> Credentials:
    """A key of a service that has a branding of its own."""
    key = relay.create_key()
    (folder / "logo.png").write_bytes(LOGO)
    create = ("branding", "create", "--name", "Parks", "--type", "both_french", "--service", key.service_id)
    relay.json(*create, "--logo", str(folder / "logo.png"), "--alt-text-fr", "Agence des parcs")
    relay.json("service", "update", key.service_id, "--branding", "Parks", "--language", "fr")
    return key


def ask_api(relay: Relay, key: Credentials, recipient: str, template: str) -> None:
    headers = {"Authorization": f"ApiKey-v1 {key.api_key}", "Content-Type": "application/json"}
    body = json.dumps({"email_address": recipient, "template_id": template}).encode()
    url = f"http://127.0.0.1:{relay.http_port}/v2/notifications/email"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
        assert answer.status == 201


@pytest.mark.parametrize("images", sampled(["link", "cid"], lambda at: at == 0))
def test_both_doors_send_the_same_branding_and_its_pictures_can_be_seen(
    make_relay: Make, tmp_path: Path, images: str
) -> None:
    relay = make_relay(BRANDING__IMAGES=images, BRANDING__DIR=str(ARTWORK)).start()
    key = own(relay, tmp_path)
    one, other = address(), address()
    send(relay, key, one, content=email(To=one).as_bytes())
    ask_api(relay, key, other, relay.create_template(key.service_id, "Objet", "Bonjour"))

    shown = []
    for recipient in (one, other):
        _, octets = relay.wait_for_mail(recipient)
        assert is_signed(octets, relay.records)
        message = read(octets)
        document = next(part for part in message.walk() if part.get_content_type() == "text/html").get_content()
        assert 'alt="Agence des parcs" lang="fr"' in document
        assert "Gouvernement du Canada / Government of Canada" in message.get_body(("plain",)).get_content()
        pictures = {part["Content-ID"].strip("<>"): part.get_content() for part in message.walk() if part["Content-ID"]}
        for source in re.findall(r'<img src="([^"]+)"', document):
            where = re.sub(r"^https?://[^/]+", f"http://127.0.0.1:{relay.http_port}", source)
            shown.append(pictures[where[4:]] if images == "cid" else urllib.request.urlopen(where, timeout=60).read())
    assert len(shown) == 6
    assert shown[:3] == shown[3:]
    assert shown.count(LOGO) == 2
