"""``trainyard doctor``: looks at everything that a server needs before one is started, and says what to do. Changes nothing."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from trainyard.linter.cli.exits import Refusal
from trainyard.service.executor import devices as machine
from trainyard.service.executor.devices import NoGpuError
from trainyard.service.main import addresses, place, tls
from trainyard.service.main.certificates import validities
from trainyard.service.main.home import Home
from trainyard.service.main.policy_file import HARDWARE, read_hardware, read_policy
from trainyard.service.main.token_book import Entry, TokenBook
from trainyard.service.store.postgresql import CONNECT_SECONDS

WELL, WARNING, BROKEN = "ok", "warning", "broken"
_LEAST_FREE_BYTES, _FEW_FREE_BYTES = 1024**3, 20 * 1024**3
_FOREIGN_BITS = 0o077
_SOON, _OLD_DAYS = timedelta(days=14), 365
_UNDEFINED_TABLE = "42P01"
_YEAR_2026 = 1_767_225_600
_PACKAGES = ("trainyard", "keras", "tensorflow", "grpcio", "protobuf", "sqlalchemy", "numpy")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, what was seen, and what to do about it (empty when nothing is to be done)."""

    check: str
    state: str
    seen: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Ward:
    """What a server would be started with; ``tls`` is chain, key and the CA of clients."""

    home: Path
    data_root: Path | None
    listen: str
    metrics: str
    device: str
    token_file: Path
    store: str | None = None
    store_password_file: Path | None = None
    policy: Path | None = None
    tls: tuple[Path | None, Path | None, Path | None] = (None, None, None)
    metrics_tls: tuple[Path | None, Path | None] = (None, None)


def examine(ward: Ward) -> list[Finding]:
    """Look at everything; a look that fails is a finding too."""
    looks: tuple[tuple[str, Callable[[Ward], Iterator[Finding]]], ...] = (
        ("versions", _versions),
        ("device", _device),
        ("home", _home),
        ("disk", _disk),
        ("store", _store),
        ("ports", _ports),
        ("data root", _data_root),
        ("token file", _token_file),
        ("tokens", _tokens),
        ("certificates", _certificates),
        ("policy", _policy),
        ("hardware profile", _hardware),
        ("clock", _clock),
    )
    return [finding for name, look in looks for finding in _safely(name, look, ward)]


def _safely(name: str, look: Callable[[Ward], Iterator[Finding]], ward: Ward) -> list[Finding]:
    try:
        return list(look(ward))
    except Refusal as error:
        return [Finding(name, BROKEN, str(error), "mend what this says")]
    except OSError as error:
        return [Finding(name, BROKEN, f"{error.filename or name}: {error.strerror}", "see that this user may use it")]


def _versions(_: Ward) -> Iterator[Finding]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            yield Finding("versions", BROKEN, f"{name} is not installed", "pip install 'trainyard[service]'")
    yield Finding("versions", WELL, ", ".join([f"python {sys.version.split()[0]}", *(f"{name} {known}" for name, known in found.items())]))


def _device(ward: Ward) -> Iterator[Finding]:
    try:
        found = machine.discover(ward.device)
    except NoGpuError:
        yield Finding("device", BROKEN, "the driver shows no GPU here", "see what nvidia-smi says, or serve with --device cpu")
        return
    names = ", ".join(device.name for device in found)
    if any(device.uuid for device in found):
        yield Finding("device", WELL, f"GPU: {names}")
    else:
        yield Finding(
            "device", WELL, f"no GPU: {names}", "" if ward.device == "cpu" else "trains on the processor; --device gpu would refuse"
        )


def _home(ward: Ward) -> Iterator[Finding]:
    if not ward.home.exists():
        yield Finding("home", WELL, f"{ward.home} is not there yet: the first start makes it")
    elif not os.access(ward.home, os.W_OK | os.X_OK):
        yield Finding("home", BROKEN, f"{ward.home} can not be written by this user", f"chown it to {os.getuid()}, or name another --home")
    elif ward.home.stat().st_mode & _FOREIGN_BITS:
        yield Finding("home", WARNING, f"{ward.home} can be read by others", f"chmod 700 {ward.home}")
    else:
        yield Finding("home", WELL, str(ward.home))


def _disk(ward: Ward) -> Iterator[Finding]:
    there = next(folder for folder in (ward.home, *ward.home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    seen = f"{free / 1024**3:.1f} GiB free at {there}"
    if free < _LEAST_FREE_BYTES:
        yield Finding("disk", BROKEN, seen, "make room: jobs fail with disk_full; serve --keep-days removes what is old")
    elif free < _FEW_FREE_BYTES:
        yield Finding("disk", WARNING, seen, "bundles and models need some GiB for each job; serve --keep-days removes what is old")
    else:
        yield Finding("disk", WELL, seen)


def _store(ward: Ward) -> Iterator[Finding]:
    if ward.store is None and not Home(ward.home).database.exists():
        yield Finding("store", WELL, "a SQLite file in the home; the first start makes it")
        return
    own = URL.create("sqlite", database=str(Home(ward.home).database))
    url = place.database(ward.store, ward.store_password_file) if ward.store else own
    if url.drivername == "sqlite":
        # Only read: a server may be at work in it.
        url = url.set(database=f"file:{quote(str(url.database))}", query={"mode": "ro", "uri": "true"})
    engine = create_engine(url, connect_args={} if url.drivername == "sqlite" else {"connect_timeout": CONNECT_SECONDS})
    try:
        with engine.connect() as connection:
            jobs = connection.execute(text("SELECT count(*) FROM job")).scalar_one()
            yield Finding("store", WELL, f"{place.shown(url)}: {jobs} jobs")
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", error)).strip().split("\n")[0]
        if "no such table" in said or getattr(getattr(error, "orig", None), "sqlstate", None) == _UNDEFINED_TABLE:
            yield Finding("store", WARNING, f"{place.shown(url)}: {said}", "the first start makes the tables")
        else:
            yield Finding("store", BROKEN, f"{place.shown(url)}: {said}", "see that the database runs and lets this user in")
    finally:
        engine.dispose()


def _ports(ward: Ward) -> Iterator[Finding]:
    for option, written in (("--listen", ward.listen), ("--metrics", ward.metrics)):
        address = addresses.parse(written, option)
        try:
            addresses.ensure_free(address, option)
        except Refusal:
            host = "127.0.0.1" if address.host in {"0.0.0.0", "::"} else address.host  # noqa: S104 - nothing is bound
            with closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
                probe.settimeout(1)
                answers = probe.connect_ex((host, address.port)) == 0
            what = "something answers there already" if answers else "it can not be bound here"
            yield Finding("ports", WARNING, f"{option} {address}: {what}", "fine if it is your server; else choose another port")
        else:
            yield Finding("ports", WELL, f"{option} {address} is free")


def _data_root(ward: Ward) -> Iterator[Finding]:
    if ward.data_root is None:
        yield Finding("data root", WARNING, "none was named", "say --data-root DIR: serve needs one, too")
    elif not ward.data_root.is_dir():
        yield Finding("data root", BROKEN, f"{ward.data_root} is no folder", "mount it, or name another")
    elif not os.access(ward.data_root, os.R_OK | os.X_OK):
        yield Finding("data root", BROKEN, f"{ward.data_root} can not be read by this user", "let this user read it")
    else:
        count = sum(1 for _ in os.scandir(ward.data_root))
        yield Finding("data root", WELL if count else WARNING, f"{ward.data_root}: {count} entries", "" if count else "put datasets there")


def _token_file(ward: Ward) -> Iterator[Finding]:
    if not ward.token_file.exists():
        yield Finding("token file", WELL, f"{ward.token_file} is not there yet: the first start makes it")
    elif ward.token_file.stat().st_mode & _FOREIGN_BITS:
        yield Finding(
            "token file",
            BROKEN,
            f"{ward.token_file} can be read by others",
            f"chmod 600 {ward.token_file}; better, remove it for a new one",
        )
    else:
        yield Finding("token file", WELL, f"{ward.token_file} is this user's alone")


def _tokens(ward: Ward) -> Iterator[Finding]:
    now, book = datetime.now(UTC), TokenBook(ward.home)
    entries = book.entries()
    states = [entry.state(now) for entry in entries]
    yield Finding("tokens", WELL, ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states))) or "none was given out")
    if entries and book.path.stat().st_mode & _FOREIGN_BITS:
        yield Finding("tokens", WARNING, f"{book.path} can be read by others", f"chmod 600 {book.path}: it tells who may come in")
    for entry in entries:
        if entry.state(now) == "valid":
            yield from _age(entry, now)


def _age(entry: Entry, now: datetime) -> Iterator[Finding]:
    """Look at a token that is valid: soon over, or old and without an end."""
    ends, days = entry.ends(), (now - datetime.fromisoformat(entry.created_at)).days
    if ends is not None and ends - now < _SOON:
        yield Finding("tokens", WARNING, f"the token of {entry.name} ({entry.id}) expires on {ends:%Y-%m-%d}", "give out a new one")
    elif ends is None and days > _OLD_DAYS:
        seen = f"the token of {entry.name} ({entry.id}) is {days} days old and never expires"
        yield Finding("tokens", WARNING, seen, f"trainyard token revoke {entry.id}, and create one with --days")


def _certificates(ward: Ward) -> Iterator[Finding]:
    for option, (cert, key), client_ca in (("--tls", ward.tls[:2], ward.tls[2]), ("--metrics-tls", ward.metrics_tls, None)):
        found = tls.files(cert, key, option, client_ca)
        if found is None:
            continue
        if found.key.stat().st_mode & _FOREIGN_BITS:
            yield Finding("certificates", BROKEN, f"{found.key} can be read by others", f"chmod 600 {found.key}; better, make a new pair")
        for path in filter(None, (found.certificate, found.client_ca)):
            yield _validity(path)


def _validity(path: Path) -> Finding:
    """Look at the moments of all certificates of a file: the chain is as good as its first that ends."""
    now = datetime.now(UTC)
    try:
        found = validities(path)
    except (ValueError, IndexError) as error:
        return Finding("certificates", BROKEN, f"{path}: {error}", "see that it is a PEM file of certificates")
    begins, ends = max(one.begins for one in found), min(one.ends for one in found)
    if ends <= now:
        return Finding("certificates", BROKEN, f"{path} expired on {ends:%Y-%m-%d %H:%M} UTC", "renew it: no client connects")
    if begins > now:
        return Finding("certificates", BROKEN, f"{path} is not valid before {begins:%Y-%m-%d %H:%M} UTC", "wait, or set the clock")
    if ends - now < _SOON:
        return Finding("certificates", WARNING, f"{path} expires on {ends:%Y-%m-%d}", "renew it; a running server takes the new one")
    return Finding("certificates", WELL, f"{path} is valid until {ends:%Y-%m-%d}")


def _policy(ward: Ward) -> Iterator[Finding]:
    changes = read_policy(None).changes(read_policy(ward.policy))
    yield Finding("policy", WELL, "; ".join(changes) or "no limits of the house")


def _hardware(ward: Ward) -> Iterator[Finding]:
    if (ward.home / HARDWARE).exists():
        read_hardware(ward.home, {"device": "", "memory_bytes": 0})
        yield Finding("hardware profile", WELL, f"measured: {ward.home / HARDWARE}")
    else:
        yield Finding("hardware profile", WARNING, "not measured: predicted times are wide", "trainyard calibrate, some quiet minutes")


def _clock(_: Ward) -> Iterator[Finding]:
    now = time.time()
    if now < _YEAR_2026:
        yield Finding(
            "clock", BROKEN, f"the clock says {time.strftime('%Y-%m-%d', time.gmtime(now))}", "set it: tokens and certificates expire by it"
        )
    else:
        yield Finding("clock", WELL, time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)))
