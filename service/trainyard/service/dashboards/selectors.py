"""The selectors that every query carries, so that one Prometheus may scrape several servers and other things too."""

from __future__ import annotations

FLEET = 'job=~"$job", instance=~"$instance"'
JOB = f'{FLEET}, job_id=~"$job_id"'
RUNNING = 'state="running"'
RATE = "$__rate_interval"
RANGE = "$__range"


def of(name: str, more: str = "", *, scope: str = FLEET) -> str:
    """Select a metric of ours by its name without prefix; ``more`` are further matchers."""
    return raw(f"trainyard_{name}", more, scope=scope)


def raw(name: str, more: str = "", *, scope: str = FLEET) -> str:
    """Select a metric by its full name."""
    return f"{name}{{{scope}, {more}}}" if more else f"{name}{{{scope}}}"


def single(name: str, more: str = "") -> str:
    """Select a per-job metric of the chosen jobs."""
    return of(name, more, scope=JOB)


def quantile(share: float, bucket: str, by: str = "") -> str:
    """Return the quantile of a histogram over the rate interval; ``bucket`` is a selector of its buckets."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share:g}, sum by ({labels}) (rate({bucket}[{RATE}])))"
