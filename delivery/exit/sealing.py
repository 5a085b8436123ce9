"""Station 7, sealed: what a channel does to a content before its provider takes it. Email's is built and signed here.

Knows nothing of the queue; what cannot be sealed is the worker's to keep waiting.
"""

from typing import Protocol

import structlog

from config.keyring import KeyringError
from delivery.exit import conversations
from delivery.exit.noticing import NoticeError, Notices
from delivery.exit.rendering import Renderer, RenderingError
from delivery.exit.signing import SignatureInvalid, Signer
from delivery.metrics import DeliveryMetrics
from delivery.providers.base import Provider
from messages.email.dkim import SigningKey, SigningKeyError
from messages.message import ContentKind, Message
from messages.sms.recipe import Recipe, RecipeError


class Sealing(Protocol):
    """What the worker asks of a channel that does anything to a content."""

    async def seal(self, message: Message, content: bytes, provider: Provider) -> bytes | None:
        """The octets that the provider is given; None where an operator has to mend something first.

        `content` is what is stored. Why not is logged. Raises as the database does.
        """
        ...


class SmsSealing:
    """The text as it is sent, in UTF-8. One per worker."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("worker")

    async def seal(self, message: Message, content: bytes, provider: Provider) -> bytes | None:
        """As Sealing; None: what is stored is damaged."""
        try:
            return Recipe.from_json(content).text.encode()
        except RecipeError as error:
            self._log.error("worker.not_built", **message.log_context(), reason=str(error))
            return None


class EmailSealing:
    """Makes the MIME message where it is a template's or a notice, names what it answers, and signs it.

    One per worker.
    """

    def __init__(
        self,
        renderer: Renderer,
        notices: Notices,
        signer: Signer,
        searching: conversations.Searching,
        metrics: DeliveryMetrics,
        *,
        verify_one_in: int,
    ) -> None:
        self._renderer = renderer
        self._notices = notices
        self._signer = signer
        self._searching = searching
        self._metrics = metrics
        self._verify_one_in = verify_one_in
        self._log = structlog.get_logger("worker")

    async def seal(self, message: Message, content: bytes, provider: Provider) -> bytes | None:
        """As Sealing; None: its parts or its key are not there, or the signature is wrong."""
        built = await self._built(message, content, provider)
        key = await self._key(message)
        if built is None or key is None:
            return None
        sealed = await self._signer.seal(built, key)
        is_sample = message.id.int % self._verify_one_in == 0
        return None if is_sample and not await self._verified(sealed, key, message) else sealed

    async def _built(self, message: Message, content: bytes, provider: Provider) -> bytes | None:
        if message.content_kind is ContentKind.RAW:
            return await conversations.continued(message, content, provider, self._searching)
        try:
            if message.content_kind is ContentKind.NOTICE:
                return await self._notices.build(message, content)
            return await self._renderer.render(message, content)
        except (RenderingError, NoticeError) as error:
            self._log.error("worker.not_built", **message.log_context(), reason=str(error))
            return None

    async def _key(self, message: Message) -> SigningKey | None:
        try:
            key = await self._signer.key(message.signing_domain)
        except (KeyringError, SigningKeyError):
            key = None
        if key is None:
            self._log.error("worker.no_signing_key", **message.log_context(), domain=message.signing_domain)
        return key

    async def _verified(self, sealed: bytes, key: SigningKey, message: Message) -> bool:
        try:
            await self._signer.verify(sealed, key)
        except SignatureInvalid:
            self._metrics.signatures.labels("invalid").inc()
            self._log.error("worker.signature_invalid", **message.log_context(), domain=message.signing_domain)
            return False
        self._metrics.signatures.labels("valid").inc()
        return True
