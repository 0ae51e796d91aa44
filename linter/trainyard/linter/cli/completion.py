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
    root = context.find_root()
    click.echo(script(shell, root.command, root.info_name or "trainlint"), nl=False)
    return exits.OK


def script(shell: str, command: click.Command, program: str) -> str:
    """Return the script for one of ``SHELLS``. It asks the program, so that names are those of the version that is installed."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - the choice is closed
    made = kind(command, {}, program, f"_{program.upper()}_COMPLETE")
    text = made.source_template % made.source_vars()
    # In fish, click cuts an answer at every comma, and a list of rules has commas.
    return text.replace('string split ","', 'string split --max 1 ","')


def rule_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - click's signature
    """Return codes and names that begin with what was typed; after a comma, of the last one."""
    from trainyard.linter.engine.catalogue import catalogue, families

    before, comma, last = incomplete.rpartition(",")
    known = sorted({*families(), *(entry.code for entry in catalogue()), *(entry.name for entry in catalogue())})
    return [f"{before}{comma}{name}" for name in known if name.lower().startswith(last.lower())]
