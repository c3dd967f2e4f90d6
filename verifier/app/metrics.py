"""Counters for Prometheus, and whether the scheduler lives: /metrics and /healthz on one local port.

Labels are names that the operator's own files gave (jobs, accounts, networks, endpoints). No address, amount of a
holder, URL or key is a label.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from verifier.app.errors import UsageError
from verifier.app.service import Run
from verifier.margin.fixed import SCALE
from verifier.margin.status import SEVERITY
from verifier.proven import ProvenAmount

ALIVE_SECONDS: Final = 60.0


class Metrics:
    """What a scheduler counts, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=self.registry)

        self.runs = Counter(
            "xmargin_job_runs", "Runs of a job by how they ended.", ("job", "state"), registry=self.registry
        )
        self.seconds = Histogram(
            "xmargin_job_seconds",
            "Seconds that a run took.",
            ("job",),
            buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300),
            registry=self.registry,
        )
        self.last_success = gauge("xmargin_last_success_timestamp_seconds", "When a job last ended well.", "job")
        self.next_due = gauge("xmargin_next_due_timestamp_seconds", "When a job is next due.", "job")
        self.equity = gauge("xmargin_account_equity_usd", "Equity, low and high.", "account", "bound")
        self.ratio_base = gauge("xmargin_account_maintenance_usd", "Maintenance requirement, low figure.", "account")
        self.status = gauge("xmargin_account_status", "Severity of the status, 0 being healthy.", "account")
        self.block_age = gauge("xmargin_block_age_seconds", "Age of the block of a figure.", "account", "network")
        self.requests = Counter(
            "xmargin_endpoint_answers",
            "Answers of an endpoint: served, failed or lied.",
            ("network", "endpoint", "outcome"),
            registry=self.registry,
        )
        self.deliveries = Counter(
            "xmargin_deliveries", "Deliveries by sink and how they ended.", ("sink", "outcome"), registry=self.registry
        )
        self.pending = gauge("xmargin_deliveries_pending", "Deliveries that wait.")
        self.leader = gauge("xmargin_scheduler_leader", "1 where this process leads.")
        self.ticked = time.monotonic()

    def note_run(self, run: Run) -> None:
        """The figures of a run that was kept."""
        account, figures = run.spec.name, run.report.figures
        for bound, risk in (("low", figures.total_low), ("high", figures.total_high)):
            self.equity.labels(account, bound).set(float("nan") if risk is None else risk.equity / SCALE)
        low = figures.total_low
        self.ratio_base.labels(account).set(float("nan") if low is None else low.maintenance / SCALE)
        self.status.labels(account).set(SEVERITY.index(run.report.status))
        for outcome in run.verified.outcomes:
            if isinstance(outcome, ProvenAmount):
                age = max(0, run.now - outcome.header.timestamp)
                self.block_age.labels(account, outcome.header.network.name).set(age)
        for report in run.endpoints:
            network = run.spec.networks.get(report.chain_id)
            name = f"chain {report.chain_id}" if network is None else network.name
            for ended, count in (("served", report.served), ("failed", report.failed), ("lied", report.lied)):
                self.requests.labels(name, report.name, ended).inc(count)

    def tick(self) -> None:
        """The scheduler's loop went round."""
        self.ticked = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether it went round lately."""
        return time.monotonic() - self.ticked < ALIVE_SECONDS


class Served:
    """The two pages, served by a thread until it is closed."""

    def __init__(self, listen: str, metrics: Metrics, health: Callable[[], tuple[bool, str]]) -> None:
        host, _, port = listen.rpartition(":")
        try:
            self._server = ThreadingHTTPServer((host.strip("[]"), int(port)), _handler(metrics, health))
        except OSError as error:
            raise UsageError(f"scheduler.listen: {listen}: {error.strerror}", "choose another port") from None
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _handler(metrics: Metrics, health: Callable[[], tuple[bool, str]]) -> type[BaseHTTPRequestHandler]:
    class Pages(BaseHTTPRequestHandler):
        """GET /metrics and GET /healthz; nothing else, and nothing of a request is believed or kept."""

        server_version, sys_version, timeout = "xmargin", "", 10

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(metrics.registry))
            elif self.path == "/healthz":
                well, text = health()
                self._answer(200 if well else 503, "text/plain; charset=utf-8", (text + "\n").encode())
            else:
                self._answer(404, "text/plain; charset=utf-8", b"not here\n")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002 - the base class names them so
            return

    return Pages
