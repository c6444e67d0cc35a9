"""The alerts and the dashboard ask for what the gateway tells, and speak to whoever reads them."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
from prometheus_client.metrics import MetricWrapperBase
from ruamel.yaml import YAML

from agelane_serving.gateway.errors import Fault
from agelane_serving.gateway.model.rollout import Rollout
from agelane_serving.gateway.model.rollout_file import RolloutPlan
from agelane_serving.gateway.operations import metrics
from agelane_serving.gateway.settings import Settings
from agelane_serving.policy import Decision, Reason
from tests.serving.monitoring.promql import Labels, labels_of, parse, selectors

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "serving" / "monitoring"
ALERTS_FILE, CASES_FILE = FOLDER / "alerts.yaml", Path(__file__).with_name("alerts_test.yaml")
README = (FOLDER / "README.md").read_text("utf-8")
(CONFIGURATION,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)

GROUPS: list[dict[str, Any]] = YAML(typ="safe").load(ALERTS_FILE)["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"]: rule for rule in RULES if "record" in rule}
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))
PANELS = {each["title"]: each for each in DASHBOARD["panels"] if each["type"] != "row"}
EXPRESSIONS = {
    **{name: rule["expr"] for name, rule in (RECORDED | ALERTS).items()},
    **{
        f"{title} {target['refId']}": target["expr"]
        for title, panel in PANELS.items()
        for target in panel["targets"]
    },
}

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="no promtool here: your distribution has it with Prometheus"
)
each_alert = pytest.mark.parametrize("name", ALERTS)
each_panel = pytest.mark.parametrize("title", PANELS)
each_expression = pytest.mark.parametrize("text", EXPRESSIONS.values(), ids=EXPRESSIONS)
SCRAPED: Labels = frozenset({"job", "instance"})
SAMPLES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}


def told() -> dict[str, tuple[str, Labels]]:
    """Return the type and the labels of the gateway's metrics, by name."""
    found = {}
    for collector in vars(metrics).values():
        if isinstance(collector, MetricWrapperBase):
            (metric,) = collector.describe()
            found[metric.name] = metric.type, frozenset(collector._labelnames)
    return found


def known() -> dict[str, Labels]:
    """Return the labels of all series that one can ask for, by name."""
    found = {"up": SCRAPED}
    for name, (kind, labels) in told().items():
        for suffix in SAMPLES[kind]:
            more = {"le"} if suffix == "_bucket" else set()
            found[name + suffix] = SCRAPED | labels | more
    return found | {name: frozenset(name.partition(":")[0].split("_")) for name in RECORDED}


KNOWN = known()


@functools.cache
def label_values() -> dict[tuple[str, str], set[str]]:
    """Return what labels can say, by the start of a series' name: asked of those who say it."""
    plan = RolloutPlan()
    rollout = Rollout(lambda: plan)
    for bad in (True, False):
        rollout.canary_answered(failed=bad)
        rollout.shadow_answered(flipped=bad)
    values = {
        ("agelane_assessments", "decision"): names(Decision),
        ("agelane_assessments", "reason"): names(Reason),
        ("agelane_refused", "fault"): names(Fault),
        ("job_fault:agelane_refused", "fault"): names(Fault),
    }
    for collector in (metrics.CANARY, metrics.SHADOW, metrics._STAGES):
        for metric in collector.collect():
            for sample in metric.samples:
                for label, value in sample.labels.items():
                    values.setdefault((metric.name, label), set()).add(value)
    return values


def names(enum: type[Enum]) -> set[str]:
    """Return the names of an enum's members."""
    return {member.name for member in enum}


@each_expression
def test_an_expression_asks_for_series_and_labels_that_exist(text: str) -> None:
    """It parses, with types; and where it matches two sides, they have the same labels."""
    assert labels_of(parse(text), KNOWN) is not None


@each_expression
def test_an_expression_asks_for_label_values_that_occur(text: str) -> None:
    """A misspelt reason would make an alert that never fires."""
    said = label_values()
    for selector in selectors(parse(text)):
        for matcher in selector.matchers.matchers:
            if matcher.name == "job":
                assert f"job_name: {matcher.value} " in CONFIGURATION
            elif matcher.name != "instance":
                start = next(key for key in said if matches(selector, matcher, key))
                assert set(matcher.value.split("|")) <= said[start]


def matches(selector: promql.VectorSelector, matcher: promql.Matcher, key: tuple[str, str]) -> bool:
    """Tell whether a key of `label_values` is about this label of this series."""
    return matcher.name == key[1] and (selector.name or "").startswith(key[0])


def test_the_rules_have_the_shape_that_prometheus_wants() -> None:
    """It refuses a file with any key that it does not know, and then has no alert at all."""
    assert len({group["name"] for group in GROUPS}) == len(GROUPS)
    assert all(group.keys() == {"name", "rules"} for group in GROUPS)
    assert all(rule.keys() == {"record", "expr"} for rule in RECORDED.values())
    needed = {"alert", "expr", "labels", "annotations"}
    assert all(needed <= rule.keys() <= needed | {"for"} for rule in ALERTS.values())
    assert all(re.fullmatch(r"[1-9]\d*[smhd]", rule.get("for", "1m")) for rule in ALERTS.values())
    assert len(ALERTS) + len(RECORDED) == len(RULES)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_series_is_named_after_its_labels(name: str) -> None:
    """And used: by an alert, a panel or another one."""
    assert re.fullmatch(r"[a-z_]+:agelane_[a-z_]+:(share|increase)\d+[mhd]", name)
    assert labels_of(parse(RECORDED[name]["expr"]), KNOWN) == KNOWN[name]
    assert any(
        name in {each.name for each in selectors(parse(text))} for text in EXPRESSIONS.values()
    )


@each_alert
def test_an_alert_says_what_is_wrong_and_what_to_do(name: str) -> None:
    """In words that fit on a phone, about labels that the alert has."""
    rule = ALERTS[name]
    assert name.startswith("Agelane")
    assert rule["labels"] in ({"severity": "page"}, {"severity": "ticket"})
    assert rule["annotations"].keys() == {"summary", "action"}
    summary, action = rule["annotations"]["summary"], rule["annotations"]["action"]
    assert len(summary) <= 100
    assert 100 <= len(action) <= 420
    assert action.endswith(".")
    labels = labels_of(parse(rule["expr"]), KNOWN)
    assert labels is not None
    assert labels.issuperset(re.findall(r"\$labels\.(\w+)", summary + action))


@each_alert
def test_what_an_action_names_is_there(name: str) -> None:
    """Panels, flags of the gateway, files, and targets of make."""
    action = ALERTS[name]["annotations"]["action"]
    assert set(re.findall(r'"([^"]+)"', action)) <= PANELS.keys()
    flags = {"--" + field.name.replace("_", "-") for field in fields(Settings)}
    assert set(re.findall(r"`(--[a-z-]+)`", action)) <= flags
    assert all((ROOT / path).is_file() for path in re.findall(r"[\w/]+\.md", action))
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert all(f"\n{target}: " in makefile for target in re.findall(r"`make (\w+)`", action))


@each_panel
def test_a_panel_says_what_it_shows_and_what_good_looks_like(title: str) -> None:
    """With a unit, from the Prometheus chosen at the top, and with a legend for each line."""
    panel = PANELS[title]
    assert "Good: " in panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for target in panel["targets"]:
        labels = labels_of(parse(target["expr"]), KNOWN)
        assert labels is not None
        assert labels.issuperset(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        assert target["legendFormat"]


def test_the_panels_of_the_dashboard_lie_side_by_side() -> None:
    """None over another or beyond the edge, each with an id and a title of its own."""
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in panels):
        columns = range(place["x"], place["x"] + place["w"])
        rows = range(place["y"], place["y"] + place["h"])
        cells = {(x, y) for x in columns for y in rows}
        assert cells
        assert columns.stop <= 24
        assert taken.isdisjoint(cells)
        taken |= cells


def test_the_dashboard_has_its_variables() -> None:
    """It is imported anywhere: what differs from place to place is chosen at its top."""
    variables = {each["name"]: each["type"] for each in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource": "datasource", "instance": "query"}
    assert "id" not in DASHBOARD
    text = json.dumps(DASHBOARD)
    assert set(re.findall(r'"uid": "([^"]+)"', text)) == {DASHBOARD["uid"], "${datasource}"}
    used = set(re.findall(r"\$(?:{(\w+)}|(\w+))", text))
    assert {one or other for one, other in used} <= {*variables, "__rate_interval", "__all"}


def test_the_dashboard_shows_every_metric() -> None:
    """Directly, or by a recorded series."""
    asked = [text for name, text in EXPRESSIONS.items() if name not in ALERTS]
    series = [str(selector.name) for text in asked for selector in selectors(parse(text))]
    assert [name for name in told() if not any(each.startswith(name) for each in series)] == []


def test_there_is_a_case_in_which_each_alert_fires() -> None:
    """For promtool, which runs the cases of alerts_test.yaml."""
    cases = CASES_FILE.read_text("utf-8")
    for name, rule in ALERTS.items():
        assert f'alertname="{name}", severity="{rule["labels"]["severity"]}"' in cases


@needs_promtool
def test_prometheus_takes_the_rules_and_the_configuration(tmp_path: Path) -> None:
    """That of the README, by Prometheus's own reading."""
    shutil.copy(ALERTS_FILE, tmp_path)
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text(CONFIGURATION, "utf-8")
    run_promtool("check", "config", "--lint=all", "--lint-fatal", configuration)


@needs_promtool
def test_the_alerts_fire_when_they_should_and_only_then() -> None:
    """In the cases of alerts_test.yaml, by Prometheus's own reckoning."""
    run_promtool("test", "rules", CASES_FILE)


def run_promtool(*arguments: str | Path) -> None:
    """Run it to its end, within ten minutes; AssertionError with what it says if that is bad."""
    done = subprocess.run(
        [str(PROMTOOL), *arguments], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
