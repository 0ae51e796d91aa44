"""The selectors that every query carries, so that one Prometheus may scrape several servers and other things too."""

from __future__ import annotations

FLEET = 'job=~"$job", instance=~"$instance"'
JOB = f'{FLEET}, job_id=~"$job_id"'
RUNNING = 'state="running"'
# Our own calls: other servers that the same Prometheus scrapes count theirs under the same names.
RPC = 'grpc_service=~"trainyard.*|unknown"'
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


def servers() -> str:
    """Select ``up`` of the servers that were seen within a day, whether they answer now or not.

    A variable that stands for all matches every target of the Prometheus; only ours have a build.
    """
    return f"{raw('up')} and on (job, instance) max_over_time({of('build_info')}[1d])"


def quantile(share: float, bucket: str, by: str = "", over: str = RATE) -> str:
    """Return the quantile of a histogram; ``bucket`` is a selector of its buckets.

    What happens only now and then needs more time to look ``over`` than the rate interval, in which there is mostly nothing.
    """
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share:g}, sum by ({labels}) (rate({bucket}[{over}])))"
