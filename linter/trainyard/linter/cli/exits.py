"""Runs a click command with the exit codes that every program here promises. Imports click only.

===  =======================================================
0    fine
1    findings, or the job failed
2    usage: a wrong option, an absent file, a bad configuration
3    a fault of ours: a traceback and a request to report it
130  interrupted with Ctrl-C; 141 when the reader went away
===  =======================================================

The client adds 4 to 7 and 124 by raising ``Refusal`` with its own code. A command returns its exit code.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import IO, TYPE_CHECKING, Any, ClassVar

import click

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

OK, FINDINGS, USAGE, INTERNAL = 0, 1, 2, 3
INTERRUPTED, READER_GONE = 130, 141
# After so long the callback that swallowed a signal is over.
_AGAIN_SECONDS = 0.02


class Refusal(click.ClickException):
    """One clear line on standard error, and the exit code that scripts wait for."""

    def __init__(self, message: str, exit_code: int = USAGE) -> None:
        super().__init__(message)
        self.code = exit_code

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line."""
        click.echo(f"error: {self.format_message()}", file=file or sys.stderr)


class Signalled(BaseException):
    """A signal arrived whose handler ends what is under way by raising this."""

    number: ClassVar[int]


class ReaderGoneError(Exception):
    """The reader of our output went away, in a form that click does not take for exit code 1, which means findings here."""


def run(command: click.Command, arguments: Sequence[str] | None = None, *, program: str) -> int:  # noqa: PLR0911 -- one return per way to end
    """Run ``command`` and return the exit code of the process; no exception escapes."""
    if f"_{program.upper()}_COMPLETE" in os.environ:
        command.main(prog_name=program)  # the shell asks for completions; click answers and exits
    _take_any_text()
    try:
        # Not command.main(): that would turn a reader that went away into exit code 1, which means findings.
        with (
            _signals_that_nobody_misses(),
            command.make_context(program, list(sys.argv[1:] if arguments is None else arguments)) as context,
        ):
            outcome = command.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as exit_:
        return _told(exit_.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _told(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        return error.code if isinstance(error, Refusal) else USAGE
    except (BrokenPipeError, ReaderGoneError):
        return _leave_quietly(READER_GONE)
    except OSError as error:
        click.echo(f"error: {error.filename or 'standard output'}: {error.strerror or error}", err=True)
        return _leave_quietly(USAGE)
    except Exception:  # noqa: BLE001 - the last line of defence, and it says so
        return _report(program)
    return outcome if isinstance(outcome, int) else OK


@contextmanager
def _signals_that_nobody_misses() -> Iterator[None]:
    """Send a signal once more whose exception was lost.

    A handler may run inside of a callback that the interpreter calls for itself (a destructor, a lock of an import that goes
    away): what it raises there is printed and forgotten, and the program would go on as if nobody had asked it to end.
    """
    before = sys.unraisablehook

    def hook(lost: UnraisableHookArgs) -> None:
        number = signal.SIGINT if lost.exc_type is KeyboardInterrupt else getattr(lost.exc_type, "number", None)
        if number is None or not issubclass(lost.exc_type, (KeyboardInterrupt, Signalled)):
            before(lost)
            return
        again = threading.Timer(_AGAIN_SECONDS, _send, [number])
        again.daemon = True
        with suppress(RuntimeError):  # no thread starts any more: the program ends as it is
            again.start()

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def _send(number: int) -> None:
    """Send a signal to the thread that runs its handler, so that it wakes up for it."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)
    else:
        signal.raise_signal(number)


def _told(code: int) -> int:
    """Return the code, and see to it that an interruption ends with it.

    CPython notes that an interruption left the ``exec`` of a string (classes of a lazy import are made by one) and then dies
    of SIGINT at its very end, whoever caught it; the next ``exec`` takes the note back (Python/pythonrun.c, run_eval_code_obj).
    """
    if code == INTERRUPTED:
        exec("")  # noqa: S102 -- nothing is run
    return code


def _take_any_text() -> None:
    """Let no character of a spec or a path be more than a stream can take.

    Pipes and files get UTF-8 on every system, as their readers expect (Windows would give them its code page); a terminal
    keeps its own encoding, and shows what it lacks as an escape.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def _leave_quietly(exit_code: int) -> int:
    """Nothing more can be written (``| head``, a full disk): the interpreter must not complain when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return exit_code


def _report(program: str) -> int:
    import traceback

    traceback.print_exc()
    click.echo(f"{program}: this is a fault of ours, not of your input. Please report it with the lines above.", err=True)
    return INTERNAL
