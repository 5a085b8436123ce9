"""A page as an answer: kept by whoever asked for it, and told from an older one by its ETag (RFC 9110 13.1.2)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from config.words import negotiate
from messages.message import Language
from relay.http.pages.layout import POLICY

LANGUAGES = (Language.EN, Language.FR)
_KEPT_SECONDS = 3600  # after an update of the relay its pages are new within an hour
_NEVER_CHANGES = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Page:
    """What never changes while this process runs."""

    octets: bytes
    media_type: str = "text/html"
    language: Language | None = None
    cache_control: str = f"public, max-age={_KEPT_SECONDS}"

    @classmethod
    def of(cls, html: str, language: Language) -> "Page":
        return cls(html.encode(), language=language)

    @classmethod
    def of_style(cls, octets: bytes) -> "Page":
        return cls(octets, "text/css", cache_control=_NEVER_CHANGES)

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.octets).hexdigest()[:32]}"'

    def answer(self, request: Request) -> Response:
        headers = {"ETag": self.etag, "Cache-Control": self.cache_control, **page_headers(self.language)}
        if _has(request, self.etag):
            return Response(status_code=304, headers=headers)
        return Response(self.octets, media_type=self.media_type, headers=headers)


def page_headers(language: Language | None) -> Mapping[str, str]:
    policy = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
    return policy | ({} if language is None else {"Content-Language": language.value})


def language_of(request: Request) -> Language:
    """The one in the address: a link came to somebody who would rather read the other; else the reader's own."""
    asked = request.query_params.get("lang")
    return Language(asked) if asked in LANGUAGES else negotiate(request.headers.get("accept-language"))


def _has(request: Request, etag: str) -> bool:
    given = request.headers.get("if-none-match", "")
    return given.strip() == "*" or etag in [each.strip().removeprefix("W/") for each in given.split(",")]
