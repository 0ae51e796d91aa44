"""``trainyard dashboards``: what Grafana and Prometheus need, as files."""

from __future__ import annotations

from pathlib import Path

import click

from trainyard.service.dashboards.files import Places, files

_HERE = Places()
_ILL = "\"'\\ \t\r\n"


@click.command("dashboards", epilog="Example: trainyard dashboards --write monitoring --target gpu-box:9464")
@click.option(
    "--write", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to write into; it is made."
)
@click.option(
    "--target", default=_HERE.metrics, show_default=True, metavar="HOST:PORT", help="Where Prometheus finds the server's metrics."
)
@click.option("--prometheus", default=_HERE.prometheus, show_default=True, metavar="URL", help="Where Grafana finds Prometheus.")
@click.option(
    "--runbooks",
    default=_HERE.runbooks,
    show_default=True,
    metavar="URL",
    help="Where the pages of the alerts can be read, so that an alert links to its own.",
)
def dashboards(folder: Path, target: str, prometheus: str, runbooks: str) -> None:
    """Write the two Grafana dashboards, the alerts, and the settings that make Prometheus and Grafana find them.

    Files of the same names are replaced; others are left alone.
    """
    if not target.rpartition(":")[2].isdigit() or any(sign in target for sign in _ILL):
        raise click.BadParameter(f"{target!r} is no HOST:PORT", param_hint="--target")
    if not prometheus.startswith(("http://", "https://", "${")) or any(sign in prometheus for sign in _ILL):
        raise click.BadParameter(f"{prometheus!r} is no http address", param_hint="--prometheus")
    for name, text in files(Places(target, prometheus, runbooks.rstrip("/"))).items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"{path} can't be written: {error.strerror}") from error
        click.echo(str(path))
    click.echo(
        f"Import {folder / 'grafana/dashboards'} into Grafana, or mount both folders as `examples/deploy/compose/compose.yml` does.",
        err=True,
    )
