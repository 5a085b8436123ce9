"""A passkey device in software: makes what a browser sends back for the options that a page gives it (WebAuthn 6)."""

import hashlib
import json
import os
import struct
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

_PRESENT, _VERIFIED, _ATTESTED = 1, 4, 64
_ES256, _EC2, _P256 = -7, 2, 1


class Authenticator:
    """One device with one credential. `verifies`: it asks for a finger or a PIN."""

    def __init__(self, origin: str, *, verifies: bool = True, counts: bool = True) -> None:
        self.origin = origin
        self.verifies = verifies
        self.counts = counts
        self.sign_count = 0
        self.credential_id = os.urandom(32)
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: dict[str, Any]) -> str:
        data = self._data(options["rp"]["id"], _ATTESTED)
        data += bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + self._public()
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options)
        return self._answer({"clientDataJSON": client, "attestationObject": attestation})

    def get(self, options: dict[str, Any]) -> str:
        self.sign_count += self.counts
        data, client = self._data(options["rpId"]), self._client("webauthn.get", options)
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer({"clientDataJSON": client, "authenticatorData": data, "signature": signature})

    def _data(self, host: str, flags: int = 0) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0)
        return hashlib.sha256(host.encode()).digest() + struct.pack(">BI", flags, self.sign_count)

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": self.origin}).encode()

    def _public(self) -> bytes:
        numbers = self._key.public_key().public_numbers()
        point = {-2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        return bytes(encode_cbor({1: _EC2, 3: _ES256, -1: _P256, **point}))

    def _answer(self, response: dict[str, bytes]) -> str:
        name = bytes_to_base64url(self.credential_id)
        encoded = {key: bytes_to_base64url(value) for key, value in response.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": encoded})


def with_challenge(answer: str, challenge: bytes) -> str:
    """The same answer, as if it had been asked for with another challenge: its signature no longer fits."""
    parsed = json.loads(answer)
    client = json.loads(base64url_to_bytes(parsed["response"]["clientDataJSON"]))
    client["challenge"] = bytes_to_base64url(challenge)
    parsed["response"]["clientDataJSON"] = bytes_to_base64url(json.dumps(client).encode())
    return json.dumps(parsed)
