"""A signal whose exception the interpreter forgot ends the program all the same."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from trainyard.linter.cli import exits

# The handler runs inside of a destructor: what it raises there is printed and forgotten.
PROGRAM = """
import os, signal, sys, time
import click
from trainyard.linter.cli import exits

class Asked(exits.Signalled):
    number = signal.SIGTERM

def asked(number, frame):
    raise Asked

class Held:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        for _ in range(1000):
            pass

@click.command()
def work():
    signal.signal(signal.SIGTERM, asked)
    try:
        Held()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            time.sleep(0.5)
    except Asked:
        raise click.exceptions.Exit(143)

sys.exit(exits.run(work, [], program="work"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number,code", [(signal.SIGINT, exits.INTERRUPTED), (signal.SIGTERM, 143)])
def test_a_signal_that_comes_inside_of_a_destructor_is_not_lost(number: signal.Signals, code: int) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(int(number))], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (code, "")
