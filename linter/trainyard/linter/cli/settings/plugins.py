"""Loads the rules of the house that a configuration names: files beside it, modules, and what packages announce.

Loading a plugin runs its code. So a file is loaded from the folder of the configuration and below, never from
elsewhere; nothing is loaded that a configuration does not name; ``--isolated`` reads no configuration at all; and the
server has no configuration of this kind.
"""

# ruff: noqa: PTH112, PTH113, PTH116, PTH118, PTH119 - pathlib costs a tenth of the cold start; whoever has plugins pays enough

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType

from trainyard.linter.cli.exits import Refusal
from trainyard.linter.rules.plugin import HOLDS, Plugin, PluginError, demand_no_clash, plugin

#: Packages announce rules under this group of entry points; each names a module, or the tuple in one.
GROUP = "trainyard.rules"
#: Everything that installed packages announce.
EVERYTHING = "*"

_local: dict[tuple[str, int, int], Plugin] = {}


def load(names: Iterable[str], folder: str) -> tuple[Plugin, ...]:
    """Return the plugins that a configuration in ``folder`` names, each once.

    Raises:
        Refusal: when one cannot be found or imported, holds no proper rules, or claims a code that is taken.
    """
    from trainyard.linter.engine import catalogue

    found = tuple(dict.fromkeys(each for name in names for each in _named(name, folder)))
    try:
        demand_no_clash(found, ((entry.code, entry.name) for entry in catalogue.catalogue()))
    except PluginError as error:
        raise Refusal(str(error)) from None
    return found


def is_path(name: str) -> bool:
    """Tell whether a plugin is named by its place and not by its module."""
    return "/" in name or os.sep in name or name.endswith(".py")


def _named(name: str, folder: str) -> Iterator[Plugin]:
    if is_path(name):
        yield _from_file(name, folder)
    elif name == EVERYTHING:
        yield from (_announced(point) for _, point in sorted(_points().items()))
    elif "." not in name and (point := _points().get(name)) is not None:
        yield _announced(point)
    else:
        yield _from_module(name)


def _from_file(name: str, folder: str) -> Plugin:
    root, path = os.path.realpath(folder), os.path.realpath(os.path.join(folder, name))
    if not path.startswith(root.rstrip(os.sep) + os.sep):
        raise Refusal(f"{name} lies outside the folder of the configuration; install what is shared as a package and name its module")
    source = os.path.join(path, "__init__.py") if os.path.isdir(path) else path
    if not os.path.isfile(source):
        raise Refusal(f"{name} is not there: {source} is no file")
    state = os.stat(source)
    key = (source, state.st_mtime_ns, state.st_size)
    if key not in _local:
        _local[key] = _made(name, _run(name, source))
    return _local[key]


def _run(name: str, source: str) -> ModuleType:
    """Run a file as a module of its own, under a name that no other has."""
    import hashlib
    from importlib.util import module_from_spec, spec_from_file_location

    unique = f"trainlint_plugin_{hashlib.sha256(source.encode(errors='surrogateescape')).hexdigest()[:12]}"
    spec = spec_from_file_location(unique, source)
    if spec is None or spec.loader is None:
        raise Refusal(f"{name} is no Python file: its name ends in .py")
    for stale in [each for each in sys.modules if each == unique or each.startswith(unique + ".")]:
        del sys.modules[stale]
    module = sys.modules[unique] = module_from_spec(spec)
    try:
        with _watched(name):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[unique]
        raise
    return module


def _from_module(name: str) -> Plugin:
    from importlib import import_module
    from importlib.util import find_spec

    try:
        is_there = find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        is_there = False
    if not is_there:
        announced = ", ".join(sorted(_points())) or "none"
        raise Refusal(f"there is no module {name}, and no package announces rules under that name (announced: {announced})")
    with _watched(name):
        module = import_module(name)
    return _made(name, module)


def _points() -> dict[str, object]:
    """Return what installed packages announce; looking through them costs tens of milliseconds."""
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=GROUP)}


def _announced(point: object) -> Plugin:
    name = str(getattr(point, "name", ""))
    with _watched(name):
        found = point.load()  # type: ignore[attr-defined]  # an EntryPoint; importing the class costs what looking them up costs
    return _made(name, found)


def _made(origin: str, found: object) -> Plugin:
    rules = getattr(found, HOLDS, None) if isinstance(found, ModuleType) else found
    try:
        return plugin(origin, rules)
    except PluginError as error:
        raise Refusal(f"{origin}: {error}") from None


@contextlib.contextmanager
def _watched(name: str) -> Iterator[None]:
    """Turn whatever goes wrong in strange code into one line; what it prints does not get between our output."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a module may raise anything, SystemExit included
        said = " ".join(str(error).split())
        raise Refusal(f"{name} cannot be imported: {type(error).__name__}: {said}{_place(error)}") from None


def _place(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return ""  # it says so itself
    trace, place = error.__traceback__, ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith("<") and file != __file__:
            place = f" ({os.path.basename(file)}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return place
