"""Alert rules and dashboard by themselves; tests/acceptance/test_monitoring.py holds them against a real relay."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import skip_or_fail

ROOT = Path(__file__).parents[3]
RULES = ROOT / "config/prometheus/alerts.yml"
DASHBOARD = ROOT / "config/grafana/notify-relay.json"


@pytest.fixture(scope="session")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        skip_or_fail("ALERTS NOT TESTED: no promtool here (Debian: apt-get install prometheus)")
        raise AssertionError
    return found


def test_prometheus_takes_the_configuration_and_the_rules(promtool: str) -> None:
    subprocess.run([promtool, "check", "config", ROOT / "config/prometheus/prometheus.yml"], check=True)


def test_alerts_fire_for_their_trouble_and_are_silent_otherwise(promtool: str) -> None:
    done = subprocess.run(
        [promtool, "test", "rules", Path(__file__).with_name("alerts_test.yml")], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_dashboards_queries(promtool: str, tmp_path: Path) -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    rules = [
        {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "5m").replace("$__range", "6h")}
        for number, query in enumerate(queries)
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))

    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_scenario_a_severity_and_a_cure_in_the_operators_guide() -> None:
    alerts = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    scenarios = yaml.safe_load(Path(__file__).with_name("alerts_test.yml").read_text())["tests"]
    fired = {
        each["alertname"] for scenario in scenarios for each in scenario["alert_rule_test"] if each.get("exp_alerts")
    }
    guide = (ROOT / "docs/operations.md").read_text()

    for alert in alerts:
        assert alert["labels"]["severity"] in {"page", "ticket"}
        assert alert["alert"] in fired
        assert f"| `{alert['alert']}` |" in guide


def test_every_alert_leads_to_its_runbook_in_the_operators_guide() -> None:
    titles = re.findall(r"^#+ (.+)$", (ROOT / "docs/operations.md").read_text(), re.M)
    anchors = {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}
    prefix = '{{ or $externalLabels.runbooks "docs/operations.md" }}#'

    for alert in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]:
        url = alert["annotations"]["runbook_url"]
        assert url.startswith(prefix)
        assert url.removeprefix(prefix) in anchors, alert["alert"]


def test_dashboard_panels_fill_one_screen_without_overlap() -> None:
    places = [panel["gridPos"] for panel in json.loads(DASHBOARD.read_text())["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert max(y for _, y in cells) < 24
