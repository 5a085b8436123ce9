"""The ids of a reader's own service, for the examples: of who gives a key, by the form of a call's page.

The key is checked as any other is, with the same waits for who guesses, and is then gone: no page holds it, no session
begins, and the answer is kept nowhere. A form, since the pages are public and people read them in browsers, which send
no Authorization header; by POST, since an address would stand in logs and histories.
"""

from urllib.parse import parse_qs

from fastapi import Request

from delivery.store.base import Search
from messages.template import Template
from relay.http import errors
from relay.http.authentication import Authentication
from relay.http.errors import ApiError
from relay.http.pages.examples import Ids, OwnTemplate
from relay.http.pages.pulse import Searching
from relay.http.presenting import Templates

_MAX_FORM_BYTES = 4096
_OUR_PAGES = ("same-origin", "none")  # of Sec-Fetch-Site; programs and old browsers send none


class Own:
    def __init__(self, authentication: Authentication, templates: Templates, searching: Searching, root: str) -> None:
        self._authentication = authentication
        self._templates = templates
        self._searching = searching
        self._root = root

    async def ids(self, request: Request) -> Ids:
        """Raises ApiError."""
        # Any page can send its readers' browsers here with wrong keys, until their network is kept out.
        if request.headers.get("sec-fetch-site", "same-origin") not in _OUR_PAGES:
            raise ApiError.of(errors.NO_TOKEN)
        key = await _key(request)
        principal = await self._authentication.check([f"ApiKey-v1 {key}"] if key else [], request)
        service_id = principal.service.id
        templates = await self._templates.list_all(service_id)
        messages = await self._searching.find(Search(service_id=service_id, key_type=principal.key.type), 1)
        newest = {str(each.channel): _own(each) for each in sorted(templates, key=_changed_at)}
        return Ids(self._root, newest, str(messages[0].message.id)) if messages else Ids(self._root, newest)


def _changed_at(template: Template) -> float:
    return template.updated_at or template.created_at


def _own(template: Template) -> OwnTemplate:
    return OwnTemplate(str(template.id), {name: name for name in template.placeholders})


async def _key(request: Request) -> str:
    """What stands in the form; empty where it is none, or too long to be one."""
    octets = b""
    async for chunk in request.stream():
        octets += chunk
        if len(octets) > _MAX_FORM_BYTES:
            raise ApiError.of(errors.TOO_LARGE, {"Connection": "close"}, limit=_MAX_FORM_BYTES)
    try:
        fields = parse_qs(octets.decode("ascii"), strict_parsing=True, max_num_fields=4)
    except ValueError:
        return ""
    return fields.get("key", [""])[0].strip()
