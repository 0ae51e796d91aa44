"""Counts calls, streams and verdicts: what the RPC side and the gate report."""

from __future__ import annotations

from collections.abc import Iterable

from trainyard.service.metrics.instruments import Instruments

UNARY = "unary"


class CallCounter:
    """Implements the meters of the RPC side."""

    def __init__(self, instruments: Instruments) -> None:
        self._started = instruments.counter("grpc_server_started_total")
        self._handled = instruments.counter("grpc_server_handled_total")
        self._seconds = instruments.histogram("grpc_server_handling_seconds")
        self._streams = instruments.gauge("stream_subscribers")
        self._sent = instruments.counter("stream_events_sent_total")
        self._delay = instruments.histogram("stream_event_delay_seconds")
        self._verdicts = instruments.counter("lint_requests_total")
        self._findings = instruments.counter("lint_findings_total")

    def call_started(self, kind: str, service: str, method: str) -> None:
        """A call began."""
        self._started.labels(kind, service, method).inc()

    def call_ended(self, kind: str, service: str, method: str, code: str, seconds: float) -> None:
        """A call ended; the time of a stream says how long its job took, and is left out."""
        self._handled.labels(kind, service, method, code).inc()
        if kind == UNARY:
            self._seconds.labels(kind, service, method).observe(seconds)

    def stream_opened(self) -> None:
        """Somebody began to watch."""
        self._streams.inc()

    def stream_closed(self) -> None:
        """Somebody stopped watching."""
        self._streams.dec()

    def event_sent(self, delay_seconds: float) -> None:
        """An event was handed to the transport."""
        self._sent.inc()
        self._delay.observe(max(0.0, delay_seconds))

    def known(self, findings: Iterable[tuple[str, str]]) -> None:
        """Begin at 0 for each (rule, severity): a counter that appears with its first finding hides that one from ``increase()``."""
        for rule, severity in findings:
            self._findings.labels(rule, severity)

    def judged(self, result: str, findings: Iterable[tuple[str, str]]) -> None:
        """The gate gave a verdict: accepted, warned or rejected, with (rule, severity) of each finding."""
        self._verdicts.labels(result).inc()
        for rule, severity in findings:
            self._findings.labels(rule, severity).inc()
