"""The running relay looks at the keys of its domains, and tells how it stands with them."""

import re
import time
from pathlib import Path

from tests.fakes.aws import CREDENTIALS
from tests.fakes.dns import FakeDns
from tests.harness.relay import Relay
from tests.harness.waiting import wait_until


def test_running_workers_ask_dns_and_metrics_tell_of_it(tmp_path: Path) -> None:
    with FakeDns({("example.ca", "NS"): ["ns.example.ca"]}).in_a_thread() as dns:
        relay = Relay(
            tmp_path, PROCESSES=2, EMAIL__PROVIDER="ses", AWS__ENDPOINT_URL="http://127.0.0.1:1",
            DNS__RESOLVERS=dns.address, DNS__TIMEOUT_SECONDS=30, **CREDENTIALS,
        )  # fmt: skip
        try:
            relay.start()
            pattern = re.compile(r'^relay_domain_checked_at\{domain="notification\.example\.ca"\} ([1-9].*)$', re.M)
            wait_until(lambda: dns.asked)
            found = pattern.search(metrics := relay.get("/metrics")[1])
        finally:
            relay.end()

    assert found
    assert abs(float(found[1]) - time.time()) < 60
    assert 'relay_domain_ready{domain="notification.example.ca"} 1.0' in metrics  # one look is no reason
    assert len(dns.asked) == 1  # by one of two processes
