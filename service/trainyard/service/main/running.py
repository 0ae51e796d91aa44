"""From settings to a server that answers, and back to nothing: start, signals, shutdown."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable

# Before gRPC is loaded: its own lines on standard error are no JSON.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import structlog

from trainyard.linter.cli.exits import Refusal
from trainyard.service.core.errors import ServiceError, StoreUnavailableError
from trainyard.service.executor import devices as machine
from trainyard.service.executor.devices import Device, NoGpuError
from trainyard.service.executor.janitor import Cleaned
from trainyard.service.main import addresses, descriptors, logs, place, ready, token, wiring
from trainyard.service.main.home import owned
from trainyard.service.main.settings import Settings
from trainyard.service.main.wiring import Command, Found, Parts
from trainyard.service.rpc.server import PortTakenError
from trainyard.service.store import NewerTablesError, sqlite

# Calls under way may finish; streams end at once and are resumed by their clients.
GRACE_SECONDS = 2.0
# How long a thread may keep the interpreter while the loop waits for it. The loop lets go of it a thousand times a second; with
# the default of 5 ms each of those may cost a stream that much whenever the supervisor or a linter is at work.
SWITCH_SECONDS = 0.0005
_log = structlog.get_logger("server")


def run(settings: Settings, command: Command | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code. Raises Refusal when the server can not start."""
    logs.configure(person=sys.stderr.isatty())
    sys.setswitchinterval(SWITCH_SECONDS)
    descriptors.claim()
    devices = _devices(settings.device)
    addresses.ensure_free(settings.listen, "--listen")
    addresses.ensure_free(settings.metrics, "--metrics")
    secret = token.obtain(settings.token_file)
    with owned(settings.home) as home:
        asyncio.run(_serve(settings, Found(home, devices, secret), command))
    return 0


def _devices(wanted: str) -> tuple[Device, ...]:
    try:
        return machine.discover(wanted)
    except NoGpuError:
        raise Refusal("--device gpu: the driver shows no GPU here (nvidia-smi lists none); --device cpu trains without one") from None


async def _serve(settings: Settings, found: Found, command: Command | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # Before there is something to read again, it must not be deadly either.
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: None)
    await serve_until(stop, settings, found, command=command, started=_heed_hangup)


def _heed_hangup(parts: Parts) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, parts.house.read_again)


async def serve_until(
    stop: asyncio.Event, settings: Settings, found: Found, *, command: Command | None = None, started: Callable[[Parts], None] | None = None
) -> None:
    """Serve until ``stop`` is set, then go politely. ``started`` is called with the parts when the server answers."""
    try:
        parts = wiring.build(settings, found, asyncio.get_running_loop(), command)
    except PortTakenError as error:
        raise addresses.busy(settings.listen, "--listen") from error
    except StoreUnavailableError as error:
        raise Refusal(f"{_store(settings, found)} can not be used: {_first_line(error.__cause__)}") from error
    except NewerTablesError as error:
        raise Refusal(f"{_store(settings, found)} was made by a later version of Trainyard: install that one") from error
    try:
        await _answer(settings, found, parts)
        if started is not None:
            started(parts)
        await stop.wait()
    finally:
        await _end(settings, parts)


async def _answer(settings: Settings, found: Found, parts: Parts) -> None:
    try:
        await parts.endpoint.start(*settings.metrics)
    except OSError as error:
        raise addresses.busy(settings.metrics, "--metrics", error) from error
    _settle(parts)
    parts.loop.start(Cleaned(parts.supervisor, parts.janitor))
    await parts.server.start()
    listen, metrics = str(settings.listen._replace(port=parts.server.port)), str(settings.metrics._replace(port=parts.endpoint.port))
    _log.info(
        "serving",
        listen=listen,
        metrics=metrics,
        home=str(settings.home),
        data_root=str(settings.data_root),
        devices=[device.name for device in found.devices],
        slots=parts.slots,
        store=_store(settings, found),
        node=parts.node,
        instance=parts.instance,
        sqlite=sqlite.library_version(),
    )
    if settings.ready_file is not None:
        try:
            ready.write(settings.ready_file, listen=listen, metrics=metrics, instance=parts.instance)
        except OSError as error:
            raise Refusal(f"--ready-file {settings.ready_file} can not be written: {error.strerror}") from error


def _settle(parts: Parts) -> None:
    """Finish removals that were cut short; a store that does not answer yet is no reason not to start."""
    try:
        parts.janitor.settle()
    except ServiceError as error:
        _log.warning("removals-not-finished", why=str(error))


async def _end(settings: Settings, parts: Parts) -> None:
    """Go politely: streams first, then calls, then the supervisor. Trainers are left alone."""
    _log.info("ending", instance=parts.instance)
    parts.bell.close()
    await parts.server.stop(GRACE_SECONDS)
    await parts.endpoint.stop()
    await asyncio.to_thread(parts.loop.stop)
    await asyncio.to_thread(parts.notices.close)
    await asyncio.to_thread(parts.pool.close)
    parts.launcher.close()
    parts.store.close()
    if settings.ready_file is not None:
        ready.remove(settings.ready_file, parts.instance)
    _log.info("ended", instance=parts.instance)


def _store(settings: Settings, found: Found) -> str:
    return place.shown(settings.store) if settings.store else f"sqlite:///{found.home.database}"


def _first_line(error: BaseException | None) -> str:
    """Return what a database said, without the statement that it said it about."""
    said = getattr(error, "orig", None) or error
    return str(said).strip().split("\n", maxsplit=1)[0] or type(said).__name__
