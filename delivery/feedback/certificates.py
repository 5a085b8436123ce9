"""SNS's signing certificates, fetched and kept.

Anybody can post an envelope that names one: what is not there is remembered too, those who ask for one at the same time
share its fetch, and fetches have a pace. A region has one certificate at a time, for about a year.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp
from cryptography import x509

from delivery.feedback.sns import CertificateUnavailable, Untrusted

_SECONDS = 5.0
_MAX_BYTES = 64 * 1024
_MAX_KEPT = 16
_MAX_MISSING = 256
_MISSING_SECONDS = 300.0
_BURST, _PER_SECOND = 8, 0.5  # fetches: a stranger's guesses wait, and so for a while may a new certificate


class FetchedCertificates:
    """Implements delivery.feedback.sns.Certificates. `clock` gives seconds and is never set back.

    The caller has checked that a URL is one of Amazon's. `endpoint_url` is where SNS is if not there, as in settings.
    """

    def __init__(self, endpoint_url: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._endpoint_url = endpoint_url
        self._clock = clock
        self._kept: OrderedDict[str, x509.Certificate] = OrderedDict()
        self._missing: OrderedDict[str, float] = OrderedDict()  # until when
        self._fetching: dict[str, asyncio.Task[x509.Certificate]] = {}
        self._allowance, self._counted_at = float(_BURST), clock()

    async def get(self, url: str) -> x509.Certificate:
        if url in self._kept:
            self._kept.move_to_end(url)
            return self._kept[url]
        if self._missing.get(url, 0) > self._clock():
            raise Untrusted("certificate")
        task = self._fetching.get(url)
        if task is None:
            self._spend()
            task = self._fetching[url] = asyncio.create_task(self._keep(url))
            task.add_done_callback(lambda _: self._fetching.pop(url))
        return await asyncio.shield(task)  # shared: one who leaves ends it for nobody

    def _spend(self) -> None:
        """Takes one fetch from the allowance. Raises CertificateUnavailable when it is used up."""
        now = self._clock()
        self._allowance = min(_BURST, self._allowance + (now - self._counted_at) * _PER_SECOND)
        self._counted_at = now
        if self._allowance < 1:
            raise CertificateUnavailable
        self._allowance -= 1

    async def _keep(self, url: str) -> x509.Certificate:
        try:
            async with asyncio.timeout(_SECONDS):
                certificate = x509.load_pem_x509_certificate(await self._fetch(url))
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise CertificateUnavailable from None
        except (Untrusted, ValueError):
            self._missing[url] = self._clock() + _MISSING_SECONDS
            if len(self._missing) > _MAX_MISSING:
                self._missing.popitem(last=False)
            raise Untrusted("certificate") from None
        self._kept[url] = certificate
        if len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)
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
