"""``trainlint completion``: the script that teaches a shell to complete commands, options, files and rule names."""

from __future__ import annotations

import click

from trainyard.linter.cli import exits

SHELLS = ("bash", "zsh", "fish")


@click.command(epilog='For bash: eval "$(trainlint completion bash)" in ~/.bashrc. For fish: trainlint completion fish | source')
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print the completion script for a shell."""
    from click.shell_completion import get_completion_class

    root = context.find_root()
    program = root.info_name or "trainlint"
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - the choice is closed
    script = kind(root.command, {}, program, f"_{program.upper()}_COMPLETE")
    click.echo(script.source_template % script.source_vars(), nl=False)
    return exits.OK


def rule_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - click's signature
    """Return codes and names that begin with what was typed; after a comma, of the last one."""
    from trainyard.linter.engine.catalogue import catalogue, families

    before, comma, last = incomplete.rpartition(",")
    known = sorted({*families(), *(entry.code for entry in catalogue()), *(entry.name for entry in catalogue())})
    return [f"{before}{comma}{name}" for name in known if name.lower().startswith(last.lower())]
