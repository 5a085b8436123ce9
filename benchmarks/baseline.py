"""What the same traffic costs where nothing is done with it: aiosmtpd's own server, STARTTLS and AUTH, all dropped."""

import asyncio
import logging
import ssl
import sys
import threading
from pathlib import Path

import uvloop
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from relay import self_signed
from tests.harness.relay import free_port

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Drop:
    async def handle_DATA(self, *_: object) -> str:
        return "250 2.0.0 dropped"


def main(folder: Path, loop: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*self_signed.ensure(folder, "localhost"))
    controller = Controller(
        Drop(),
        "127.0.0.1",
        free_port(),
        LOOPS[loop](),
        tls_context=context,
        require_starttls=True,
        authenticator=lambda *_: AuthResult(success=True),
        auth_required=True,
        data_size_limit=1 << 26,
    )
    controller.start()
    print(controller.port, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    logging.disable()
    main(Path(sys.argv[1]), sys.argv[2])
