"""``trainlint resolve``: the complete spec, every default written out."""

from __future__ import annotations

import json
import sys

import click

from trainyard.linter.cli import exits, targets
from trainyard.linter.cli.outputs import palette
from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.engine.lint import lint
from trainyard.linter.report.full import FullReporter
from trainyard.linter.source.severity import Severity

# Rules have their own command; a spec is resolved when text and schema are sound.
_NO_RULES = Configuration(ignore=("ALL",), fail_on=Severity.ERROR)


@click.command()
@click.argument("path", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("--digest", is_flag=True, help="Print only the digest of the resolved spec.")
def resolve(path: str, *, digest: bool) -> int:
    """Print FILE (or - for standard input) with every default filled in and every preset spelt out."""
    (file,) = targets.expand([path])
    report = lint(targets.read(file, _NO_RULES.limits.bytes), configuration=_NO_RULES)
    if report.resolved is None:
        reporter = FullReporter(sys.stderr, palette(sys.stderr, "auto"))
        reporter.file(path, report)
        reporter.close()
        return exits.INTERNAL if report.crashes else exits.FINDINGS
    click.echo(report.spec_digest if digest else json.dumps(report.resolved, indent=2, ensure_ascii=False))
    return exits.OK
