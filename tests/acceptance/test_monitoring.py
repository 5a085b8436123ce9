"""Dashboard and alerts against what a real relay says of itself: no query names a metric or label that is not there."""

import json
import re
import smtplib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from delivery.store.base import Outcome
from messages.message import Lane
from messages.status import Status
from tests.harness.mail import address, connect, send
from tests.harness.relay import Relay
from tests.harness.ses_process import Ses, settings

ROOT = Path(__file__).parents[2]

ADDED_BY_PROMETHEUS = {"instance", "job"}
# Values that a healthy run need not show.
VALUES = {
    "outcome": {*Outcome, "deferred", "invalid"},
    "lane": {*Lane},
    "job": {"notify-relay"},
    "provider": {"outbox", "simulator"},
    "status": {*Status},
}
WORDS = {"sum", "min", "max", "or", "unless", "offset"}

Exposition = dict[str, set[tuple[tuple[str, str], ...]]]  # metric name -> label sets

TOKEN = re.compile(
    r"""(?P<grouping>\b(?:by|on)\s*\([^)]*\))
      | (?P<function>[a-z_]+)\s*(?=\()
      | (?P<span>\[[^\]]*\])
      | (?P<duration>\b[0-9.]+[a-z]*\b)
      | (?P<selector>\b[a-zA-Z_:][a-zA-Z0-9_:]*(?:\{[^}]*\})?)""",
    re.VERBOSE,
)
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


def queries() -> list[object]:
    rules = yaml.safe_load((ROOT / "config/prometheus/alerts.yml").read_text())["groups"]
    panels = json.loads((ROOT / "config/grafana/notify-relay.json").read_text())["panels"]
    return [pytest.param(rule["expr"], id=rule["alert"]) for group in rules for rule in group["rules"]] + [
        pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")
        for panel in panels
        for target in panel["targets"]
    ]


def selectors(query: str) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """The metrics that a query names, each with its label matchers."""
    found = [match["selector"] for match in TOKEN.finditer(query) if match["selector"]]
    named = [each for each in found if each not in WORDS]
    return [(each.partition("{")[0], MATCHER.findall(each)) for each in named]


def grouping_labels(query: str) -> set[str]:
    lists = [match["grouping"].partition("(")[2][:-1] for match in TOKEN.finditer(query) if match["grouping"]]
    return {label.strip() for each in lists for label in each.split(",")}


@pytest.fixture(scope="module")
def exposition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exposition]:
    """/metrics of a relay that took, sent, simulated, refused and left something, by a provider that grants a rate."""
    ses = Ses(max_per_second=50, max_per_day=50_000)
    relay = Relay(tmp_path_factory.mktemp("monitoring"), PROCESSES=1, DELIVERY__VERIFY_ONE_IN=1, **settings(ses.url))
    try:
        normal = relay.create_key()
        test = relay.create_key(key_type="test", service=normal.service_id)
        team = relay.create_key(key_type="team", service=normal.service_id)
        relay.start()
        send(relay, normal, address())
        gone = address()
        relay.run("suppression", "add", gone, "--service", normal.service_id)
        send(relay, normal, gone)
        send(relay, test, address())
        with connect(relay, team) as client:
            assert client.submit([address()]).startswith("550 ")
        with pytest.raises(smtplib.SMTPAuthenticationError):
            connect(relay, replace(normal, password="0" * 32))
        yield scrape_when_sent(relay, 3)
    finally:
        relay.end()
        ses.end()


def scrape_when_sent(relay: Relay, messages: int) -> Exposition:
    deadline = time.monotonic() + 60
    while True:
        samples = [
            sample for family in text_string_to_metric_families(relay.get("/metrics")[1]) for sample in family.samples
        ]
        sent = sum(sample.value for sample in samples if sample.name == "delivery_messages_total")
        if sent >= messages and "delivery_rate_granted" in {sample.name for sample in samples}:
            break
        assert time.monotonic() < deadline
        time.sleep(0.1)
    found: Exposition = {}
    for sample in samples:
        found.setdefault(sample.name, set()).add(tuple(sorted(sample.labels.items())))
    return found


def test_queries_are_taken_apart_whole() -> None:
    query = 'sum by (le, lane) (rate(a_bucket{stage="relayed"}[5m])) > 0.1 * 86400 or b offset 30m'

    assert selectors(query) == [("a_bucket", [("stage", "=", "relayed")]), ("b", [])]
    assert grouping_labels(query) == {"le", "lane"}


@pytest.mark.parametrize("query", queries())
def test_query_names_only_what_the_relay_says(query: str, exposition: Exposition) -> None:
    labels: set[str] = set()
    for name, matchers in selectors(query):
        if name == "up":  # Prometheus's own
            continue
        assert name in exposition
        values: dict[str, set[str]] = {}
        for pairs in exposition[name]:
            for label, value in pairs:
                values.setdefault(label, set()).add(value)
        labels |= values.keys()
        for label, operator, value in matchers:
            assert label in values.keys() | ADDED_BY_PROMETHEUS
            wanted = set(value.split("|")) if "~" in operator else {value}
            assert wanted <= values.get(label, set()) | VALUES.get(label, set())
    assert grouping_labels(query) <= labels | ADDED_BY_PROMETHEUS


def test_metrics_of_the_operators_guide_are_those_of_the_relay(exposition: Exposition) -> None:
    guide = (ROOT / "docs/operations.md").read_text().partition("\n## Metrics\n")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `((?:relay|delivery|callbacks?)_\w+)", guide, re.MULTILINE))
    said = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exposition}

    assert listed == said


def test_labels_hold_no_person_and_no_secret(exposition: Exposition) -> None:
    pairs_of_all = [pair for found in exposition.values() for labels in found for pair in labels]
    values = {value for label, value in pairs_of_all if label != "domain"}  # that is in DNS for all to see

    assert not [value for value in values if "@" in value or "example" in value]
    assert {label for pairs in exposition.values() for labels in pairs for label, _ in labels} == {
        *("door", "outcome", "reason", "provider", "kind", "fate", "change"),
        *("channel", "lane", "stage", "status", "version", "domain", "le", "measure", "level"),
    }
