"""The real command tells a service what became of its mail."""

import asyncio
import hashlib
import hmac
import json
from pathlib import Path

from tests.fakes.receiver import Receiver, Reply
from tests.harness.callbacks import listen
from tests.harness.mail import send
from tests.harness.relay import Relay


async def test_service_hears_of_its_mail_by_signed_calls(tmp_path: Path) -> None:
    relay = Relay(tmp_path, PROCESSES=1, CALLBACKS__ALLOW_PRIVATE="true")
    try:
        await asyncio.to_thread(relay.start)
        key = await asyncio.to_thread(lambda: relay.create_key(key_type="test"))
        async with Receiver([Reply(), Reply(404)]) as receiver:
            secret = await asyncio.to_thread(listen, relay, key, receiver.url)
            await asyncio.to_thread(send, relay, key, "reader@example.com")
            await receiver.wait(1)
            await asyncio.to_thread(send, relay, key, "perm-fail@simulator.notify")
            delivered, bounced = await receiver.wait(2)

            told = [json.loads(each.body) for each in (delivered, bounced)]
            assert [each["status"] for each in told] == ["delivered", "permanent-failure"]
            assert [each["to"] for each in told] == ["reader@example.com", "perm-fail@simulator.notify"]
            for each in (delivered, bounced):
                signed = each.headers["X-Notify-Timestamp"].encode() + b"." + each.body
                assert (
                    each.headers["X-Notify-Signature"] == f"v1={hmac.new(secret, signed, hashlib.sha256).hexdigest()}"
                )

            for _ in range(1000):
                shown = await asyncio.to_thread(relay.json, "service", "callback", "show", key.service_id)
                if shown["failed_last_day"]:
                    break
                await asyncio.sleep(0.05)
        assert (shown["waiting"], shown["failed_last_day"], shown["last_outcome"]) == (0, 1, "failed http-404")
        _, metrics = await asyncio.to_thread(relay.get, "/metrics")
        assert 'callbacks_total{outcome="done"} 1.0' in metrics
        assert 'callbacks_total{outcome="failed"} 1.0' in metrics
        sent = relay.log_lines("callback.sent")
        assert [line["http_status"] for line in sent] == [200, 404]
        log = relay.log.read_text()
        assert not any(secret_ in log for secret_ in ("a-token-of-theirs", "reader@example.com", receiver.url))
    finally:
        await asyncio.to_thread(relay.end)
