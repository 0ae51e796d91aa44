"""The part of the benchmark page about metrics: what ten thousand jobs leave behind, and what a scrape costs others."""

from __future__ import annotations

from typing import Any

SOAK = """## Metrics

Ten thousand short jobs through the store, the board and the endpoint: what stays of them, and what a scrape takes while 50 jobs live.
Targets: series and memory within 5 % of what they were after job 1,000, a scrape below 50 ms.
"""
STREAMS = """A server with {finished_jobs:,} finished and {live_jobs} live jobs, each watched by one client and ending an epoch a second.
Windows without a scrape and with one a second take turns; the delay is from the line in the trainer's spool to the watcher.
{scrapes} scrapes of {kibibytes:.0f} KiB, p95 {scrape_p95_ms:.0f} ms. Target: streams do not notice.
"""


def soak(figures: dict[str, Any]) -> list[str]:
    """Return the section of the soak."""
    cells = [
        f"{figures['jobs']:,}",
        f"{figures['memory_mebibytes']:.0f}",
        f"{100 * (figures['memory_growth'] - 1):+.1f} %",
        f"{figures['series_after_1000']:,}",
        f"{figures['series_after_10000']:,}",
        f"{figures['scrape_p50_ms']:.1f}",
        f"{figures['scrape_p95_ms']:.1f}",
    ]
    return [
        SOAK,
        "| jobs | memory, MiB | since job 1,000 | series after 1,000 | series after all | scrape p50, ms | scrape p95, ms |",
        "|---:|---:|---:|---:|---:|---:|---:|",
        f"| {' | '.join(cells)} |\n",
    ]


def streams(figures: dict[str, Any]) -> list[str]:
    """Return the section of streams beside scrapes."""
    rows = [
        f"| {title} | {figures['events'][kind]:,} | {figures[f'{kind}_ms']['p50']:.1f} | {figures[f'{kind}_ms']['p95']:.1f} |"
        for kind, title in (("alone", "nobody scrapes"), ("scraped", "a scrape a second"))
    ]
    told = STREAMS.format(kibibytes=figures["scrape_bytes"] / 1024, **figures)
    return [told, "| windows | events | delay p50, ms | delay p95, ms |", "|---|---:|---:|---:|", *rows, ""]
