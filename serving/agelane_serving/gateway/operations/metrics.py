"""What Prometheus reads. Names and labels are used by the dashboard and the alert rules."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0)

ASSESSMENTS = Counter(
    "agelane_assessments",
    "Answers to photos.",
    ["decision", "reason", "model_version"],
)
REFUSED = Counter("agelane_refused", "Calls and frames that got no assessment.", ["fault"])
_STAGES = Histogram(
    "agelane_stage_seconds", "Time of the parts of a call.", ["stage"], buckets=_SECONDS
)
ALL_SECONDS = _STAGES.labels("all")
QUEUE_SECONDS = _STAGES.labels("queue")
MODEL_SECONDS = _STAGES.labels("model")

SALES = Counter(
    "agelane_sales", "Sales that were recorded, by outcome; attempts by their fault.", ["outcome"]
)
LEDGER_SECONDS = Histogram(
    "agelane_ledger_seconds", "Time until a sale is durable.", buckets=_SECONDS
)
LIFTS = Counter("agelane_lifts", "Times that offers learnt from baskets, or were to.", ["outcome"])

IN_FLIGHT = Gauge(
    "agelane_in_flight", "Calls that model servers work on.", multiprocess_mode="livesum"
)
WAITING = Gauge("agelane_waiting", "Calls that wait for that.", multiprocess_mode="livesum")
STREAMS = Gauge("agelane_streams", "Open streams of lanes.", multiprocess_mode="livesum")
TASKS = Gauge(
    "agelane_tasks",
    "Tasks of the event loop: grows without end if something never ends.",
    multiprocess_mode="livesum",
)
BREAKER = Gauge(
    "agelane_breaker_state",
    "Of a model server: 0 closed, 1 half open, 2 open.",
    ["backend"],
    multiprocess_mode="livemax",
)
VERSIONS = Gauge(
    "agelane_backend_versions",
    "Versions of the model that are available on a model server.",
    ["backend"],
    multiprocess_mode="livemin",
)
CERTIFIED = Gauge(
    "agelane_certified",
    "1: each available version has a certificate and face gates; 0: nobody is waved through.",
    multiprocess_mode="livemin",
)
AGE_DRIFT = Gauge(
    "agelane_age_drift_psi",
    "How much the ages differ from those the certificate was made on (population stability index).",
    multiprocess_mode="livemax",
)
CONFIGURATION_REFUSED = Counter(
    "agelane_configuration_refused", "New configuration files that were wrong.", ["file"]
)
CANARY = Counter(
    "agelane_canary_answers", "Calls that the version on trial was to answer.", ["outcome"]
)
SHADOW = Counter("agelane_shadow_answers", "Calls that it was asked about too.", ["outcome"])
ROLLED_BACK = Gauge(
    "agelane_rolled_back", "1: the version on trial did badly.", multiprocess_mode="livemax"
)
