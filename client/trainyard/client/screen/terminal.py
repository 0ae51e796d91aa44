"""A terminal that is drawn on as a whole and given back as it was, however the program ends or is stopped meanwhile.

Only rows that changed are written, in one go and between the marks of a synchronized update, so nothing flickers. Ctrl-Z
gives the screen back and takes it again; a size that changes is noticed with the next picture. The keyboard is read without
waiting, and only where there is one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any, TextIO

from trainyard.linter.charts.text.screen import Screen
from trainyard.linter.report.terminal import COLOURED, PLAIN

# Another page, no cursor; and back. The saved cursor lets a terminal without a second page show the prompt below.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
_FALLBACK = (80, 24)


class Terminal:
    """Draws on ``stream``, reads keys from ``keyboard``."""

    def __init__(self, stream: TextIO, keyboard: TextIO, environment: Mapping[str, str]) -> None:
        self._stream = stream
        self._keyboard = keyboard
        self._palette = PLAIN if environment.get("NO_COLOR") else COLOURED
        self._unicode = (stream.encoding or "").lower().replace("-", "").startswith("utf")
        self._drawn: list[str] = []
        self._size: tuple[int, int] | None = None
        self._open = False
        self._modes: list[Any] | None = None
        self._handlers: dict[int, Any] = {}
        self._pressed = ""

    @property
    def size(self) -> tuple[int, int]:
        """Cells across and rows."""
        try:
            cells, rows = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            return _FALLBACK
        return (cells or _FALLBACK[0], rows or _FALLBACK[1])

    def screen(self) -> Screen:
        """Return what pictures need to know of it."""
        return Screen(self.size[0], self._unicode, self._palette)

    @property
    def has_keys(self) -> bool:
        """Whether keys can be read one by one."""
        return sys.platform != "win32" and self._keyboard.isatty()

    def enter(self) -> None:
        """Take the screen."""
        self._take()
        if sys.platform != "win32" and threading.current_thread() is threading.main_thread():
            self._handlers = {number: signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT)}
            signal.signal(signal.SIGTSTP, self._suspend)
            signal.signal(signal.SIGCONT, self._resume)

    def leave(self) -> None:
        """Give it back; doing so twice is doing so once."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}
        self._give()

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines, from the top."""
        if self._size != self.size:
            self._size, self._drawn = self.size, []
            self._write("\x1b[2J")
        rows = max(len(lines), len(self._drawn))
        wanted = [*lines, *([""] * (rows - len(lines)))]
        before = [*self._drawn, *([None] * (rows - len(self._drawn)))]
        changed = [f"\x1b[{row};1H{line}\x1b[K" for row, (line, old) in enumerate(zip(wanted, before, strict=True), 1) if line != old]
        self._drawn = list(lines)
        if changed:
            self._write(f"{_BEGIN}{''.join(changed)}{_END}")

    def key(self) -> str:
        """Return a key that was pressed; empty when there was none."""
        if self._open and self.has_keys and not self._pressed:
            self._pressed = self._read()
        key, self._pressed = self._pressed[:1], self._pressed[1:]
        return key

    def say(self, lines: Sequence[str]) -> None:
        """Write lines that stay, on the screen that was there before."""
        self._write("".join(f"{line}\n" for line in lines))

    def _read(self) -> str:
        import select

        descriptor = self._keyboard.fileno()
        if not select.select([descriptor], [], [], 0)[0]:
            return ""
        # A keyboard that is gone reads as nothing, for ever. An arrow is a sequence with letters in it, and none of our keys.
        typed = os.read(descriptor, 64).decode(errors="replace")
        return "" if typed.startswith("\x1b") else typed

    def _take(self) -> None:
        self._open, self._size, self._drawn = True, None, []
        if self.has_keys:
            import termios
            import tty

            with contextlib.suppress(termios.error):
                self._modes = self._modes or termios.tcgetattr(self._keyboard.fileno())
                tty.setcbreak(self._keyboard.fileno(), termios.TCSADRAIN)
        self._write(_ENTER)

    def _give(self) -> None:
        if not self._open:
            return
        self._open = False
        with contextlib.suppress(OSError, ValueError):
            self._write(_LEAVE)
        if self._modes is not None:
            import termios

            with contextlib.suppress(termios.error, OSError, ValueError):
                # What was typed blindly is no input for the shell.
                termios.tcsetattr(self._keyboard.fileno(), termios.TCSAFLUSH, self._modes)

    def _suspend(self, _number: int, _frame: FrameType | None) -> None:
        self._give()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        # To this very thread, so that it stops here and not a moment later; where nobody could wake it, it does not stop at all.
        signal.raise_signal(signal.SIGTSTP)
        self._resume(0, None)

    def _resume(self, _number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTSTP, self._suspend)
        self._take()

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
