"""SNS's signing certificates, fetched and kept."""

import asyncio
from urllib.parse import urlsplit

import aiohttp
from cryptography import x509

from delivery.feedback.sns import CertificateUnavailable, Untrusted

_SECONDS = 5.0
_MAX_BYTES = 64 * 1024
_MAX_KEPT = 16  # a region has one at a time
_MAX_FETCHES = 4  # at once: strangers can name certificates that are none


class FetchedCertificates:
    """Implements delivery.feedback.sns.Certificates.

    The caller has checked that a URL is one of Amazon's. `endpoint_url` is where SNS is if not there, as in settings.
    """

    def __init__(self, endpoint_url: str | None = None) -> None:
        self._endpoint_url = endpoint_url
        self._kept: dict[str, x509.Certificate] = {}
        self._free = asyncio.Semaphore(_MAX_FETCHES)

    async def get(self, url: str) -> x509.Certificate:
        if url in self._kept:
            return self._kept[url]
        try:
            async with asyncio.timeout(_SECONDS), self._free:
                pem = await self._fetch(url)
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise CertificateUnavailable from None
        try:
            certificate = x509.load_pem_x509_certificate(pem)
        except ValueError:
            raise Untrusted("certificate") from None
        if len(self._kept) >= _MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[url] = certificate
        return certificate

    async def _fetch(self, url: str) -> bytes:
        where = self._endpoint_url.rstrip("/") + urlsplit(url).path if self._endpoint_url else url
        # trust_env: through the proxy that the SDK's calls go through.
        async with (
            aiohttp.ClientSession(trust_env=True) as session,
            session.get(where, allow_redirects=False) as answer,
        ):
            if 400 <= answer.status < 500:
                raise Untrusted("certificate")
            if answer.status != 200:
                raise CertificateUnavailable
            pem = b""
            async for chunk in answer.content.iter_chunked(_MAX_BYTES):
                pem += chunk
                if len(pem) > _MAX_BYTES:
                    raise Untrusted("certificate")
            return pem
