"""A bundle on disk: a few files of raw arrays, and a manifest that names them with their digests and is replaced last.

The manifest is the bundle: until it is renamed into place the old one counts, with the old files, which are removed only
afterwards. A file of kept weights is written once and named again by every later manifest. What does not agree with its
digest is refused, as is a manifest of another format; there is no pickle anywhere.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from trainyard.service import wire
from trainyard.service.trainer.bundle.contents import Bundle, Named, Origin, Position
from trainyard.service.trainer.data.samples import Array
from trainyard.service.trainer.failures import BundleError

FORMAT = 1
_SUFFIX = ".arrays"
_PART = ".part"
_CHUNK_BYTES = 16 * 2**20


class BundleFiles:
    """The bundle of one run folder; one writer at a time."""

    def __init__(self, folder: wire.RunFolder) -> None:
        self._folder = folder.bundle
        self._manifest = folder.bundle_manifest
        self._known: dict[str, dict[str, Any]] = {}
        self._number = 0

    def write(self, bundle: Bundle) -> None:
        """Put ``bundle`` in place of the one that is there; raises OSError and leaves the old one when it can not."""
        self._folder.mkdir(exist_ok=True)
        written = self._free_name()
        try:
            files = {"state": self._put(written, bundle.variables)}
            kept = {name: self._put_once(name, arrays) for name, arrays in bundle.kept.items()}
            _write_whole(self._manifest, json.dumps(_record(bundle, files, kept)).encode())
        except BaseException:
            (self._folder / written).unlink(missing_ok=True)
            raise
        self._known = kept
        self._sweep({entry["file"] for entry in [*files.values(), *kept.values()]})

    def read(self) -> Bundle | None:
        """Return the bundle, or None when there is none; raises BundleError when it is torn or of another format."""
        record = self._read_manifest()
        if record is None:
            return None
        try:
            position, origin = Position(**record["position"]), Origin(**record["origin"])
            kept = {name: self._get(entry) for name, entry in record["kept"].items()}
            variables = self._get(record["files"]["state"])
            attempt, state = int(record["head"]["attempt"]), dict(record["state"])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(f"its manifest is incomplete ({type(error).__name__})") from error
        self._known = dict(record["kept"])
        return Bundle(position, attempt, origin, state, variables, kept)

    def _free_name(self) -> str:
        """Return a name that no bundle has: what the present manifest names must not be written over."""
        while True:
            self._number += 1
            name = f"state-{self._number}{_SUFFIX}"
            if not (self._folder / name).exists():
                return name

    def _read_manifest(self) -> dict[str, Any] | None:
        try:
            record = json.loads(self._manifest.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise BundleError("its manifest can not be read") from error
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise BundleError("it has another format: another version of Trainyard wrote it")
        checked: dict[str, Any] = record
        return checked

    def _put(self, name: str, arrays: Sequence[Named]) -> dict[str, Any]:
        digest, offset, entries = hashlib.sha256(), 0, []
        with (self._folder / name).open("wb") as file:
            for array in arrays:
                raw = np.ascontiguousarray(array.value).reshape(-1).view(np.uint8).data
                _append(file, raw)
                digest.update(raw)
                entries.append([array.name, array.value.dtype.name, list(array.value.shape), offset])
                offset += len(raw)
            file.flush()
            os.fsync(file.fileno())
        return {"file": name, "size_bytes": offset, "sha256": digest.hexdigest(), "arrays": entries}

    def _put_once(self, name: str, arrays: Sequence[Named]) -> dict[str, Any]:
        known = self._known.get(name)
        return known if known is not None else self._put(f"{name}{_SUFFIX}", arrays)

    def _get(self, entry: Mapping[str, Any]) -> tuple[Named, ...]:
        name = str(entry["file"])
        if Path(name).name != name:
            raise BundleError(f"its manifest names a file elsewhere ({name})")
        raw = self._read_file(name)
        if len(raw) != entry["size_bytes"] or hashlib.sha256(raw).hexdigest() != entry["sha256"]:
            raise BundleError(f"{name} is not what was written: it is cut or changed")
        return tuple(_array(raw, *told) for told in entry["arrays"])

    def _read_file(self, name: str) -> bytearray:
        try:
            with (self._folder / name).open("rb") as file:
                raw = bytearray(os.fstat(file.fileno()).st_size)
                file.readinto(raw)
        except FileNotFoundError:
            raise BundleError(f"{name} is missing") from None
        return raw

    def _sweep(self, wanted: Iterable[str]) -> None:
        """Remove what no manifest names any more."""
        keep = {*wanted, self._manifest.name}
        for path in self._folder.iterdir():
            if path.name not in keep:
                path.unlink(missing_ok=True)


def _record(bundle: Bundle, files: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    place, origin = bundle.position, bundle.origin
    head = {"epoch": place.epoch, "step": place.step, "rollback": place.rollback}
    return {
        "format": FORMAT,
        "head": {**head, "attempt": bundle.attempt, "spec_digest": origin.spec_digest},
        "position": {**head, "logs": None if place.logs is None else dict(place.logs)},
        "origin": {
            "spec_digest": origin.spec_digest,
            "data_mark": origin.data_mark,
            "backend": origin.backend,
            "versions": dict(origin.versions),
        },
        "state": dict(bundle.state),
        "files": dict(files),
        "kept": dict(kept),
    }


def _array(raw: bytearray, name: str, dtype: str, shape: Sequence[int], offset: int) -> Named:
    kind = _dtype(dtype)
    count = int(np.prod(shape, dtype=np.int64))
    value: Array = np.frombuffer(raw, kind, count, offset).reshape(shape)
    return Named(name, value)


def _dtype(name: str) -> np.dtype[Any]:
    """Return a dtype by name; bfloat16 is one that NumPy learns from ml_dtypes, which every framework brings along."""
    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes

        kind: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
        return kind


def _append(file: BinaryIO, raw: memoryview) -> None:
    file.writelines(raw[begin : begin + _CHUNK_BYTES] for begin in range(0, len(raw), _CHUNK_BYTES))


def _write_whole(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + _PART)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
