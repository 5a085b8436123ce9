"""What the same traffic costs where nothing is done with it: plain aiosmtpd, TLS and AUTH, every message dropped."""

import asyncio
import logging
import sys
import warnings
from pathlib import Path

import uvloop
from aiosmtpd.smtp import SMTP, AuthResult

from relay import certificate
from relay.smtp.listeners import tls_context


class Drop:
    async def handle_DATA(self, *_: object) -> str:
        return "250 2.0.0 dropped"


async def _serve(folder: Path) -> None:
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        return SMTP(
            Drop(),
            authenticator=lambda *_: AuthResult(success=True),
            auth_require_tls=False,  # it is TLS from the first octet
            auth_required=True,
            loop=loop,
        )

    server = await loop.create_server(
        session, "127.0.0.1", 0, ssl=tls_context(*certificate.ensure(folder, "localhost"))
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    logging.disable()
    warnings.simplefilter("ignore")  # it cannot know that the connection began with TLS
    uvloop.run(_serve(Path(sys.argv[1])))
