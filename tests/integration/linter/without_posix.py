"""Runs a module as if Python were one of Windows: ``python without_posix.py trainyard.linter.cli.main check .``

What only POSIX has is refused to our code and to the tests: modules when they are imported, functions of ``os`` and names
of ``signal`` when they are asked for. The libraries keep it, since they have their own ways for Windows.
"""

from __future__ import annotations

import builtins
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

_MODULES = "_posixsubprocess crypt curses fcntl grp nis ossaudiodev pipes posix pty pwd readline resource spwd syslog termios tty"
_OS_NAMES = """
chown chroot ctermid fchmod fchown fork forkpty getegid geteuid getgid getgroups getloadavg getpgid getpgrp getpriority getsid getuid
initgroups killpg lchown major minor mkfifo mknod nice openpty pathconf posix_fadvise posix_spawn posix_spawnp pread preadv pwrite
pwritev readv register_at_fork sched_getaffinity sched_yield sendfile setegid seteuid setgid setpgid setpriority setsid setuid statvfs
sync sysconf tcgetpgrp tcsetpgrp ttyname uname unshare wait wait3 wait4 waitid writev
O_CLOEXEC O_DIRECTORY O_DSYNC O_NOCTTY O_NOFOLLOW O_NONBLOCK O_SYNC WNOHANG
"""
_SIGNAL_NAMES = """
SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 alarm pause
setitimer pthread_kill
"""
MODULES, OS_NAMES, SIGNAL_NAMES = (frozenset(names.split()) for names in (_MODULES, _OS_NAMES, _SIGNAL_NAMES))
OURS = ("trainyard", "tests", "__main__")


def _is_ours(name: object) -> bool:
    return isinstance(name, str) and name.partition(".")[0] in OURS


def _guarded(module: ModuleType, missing: frozenset[str]) -> None:
    """Hide names of a module from our code."""

    class Guarded(ModuleType):
        def __getattribute__(self, name: str) -> Any:
            if name in missing and _is_ours(sys._getframe(1).f_globals.get("__name__")):
                raise AttributeError(f"Windows has no {module.__name__}.{name}")
            return super().__getattribute__(name)

    module.__class__ = Guarded


def forbid() -> None:
    """Refuse our code whatever only POSIX has, from now on."""
    import_module = builtins.__import__

    def guarded_import(
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - the signature of __import__
        locals: Mapping[str, object] | None = None,  # noqa: A002 - the same
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        if name in MODULES and _is_ours((globals or {}).get("__name__")):
            raise ModuleNotFoundError(f"Windows has no module {name}", name=name)
        return import_module(name, globals, locals, fromlist or (), level)

    builtins.__import__ = guarded_import
    _guarded(os, OS_NAMES)
    _guarded(signal, SIGNAL_NAMES)


if __name__ == "__main__":
    forbid()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
