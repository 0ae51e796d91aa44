"""Small parts of the start: addresses, devices, names, logs."""

from __future__ import annotations

import errno
import io
import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from trainyard.linter.cli.exits import Refusal
from trainyard.linter.estimate.hardware import profile
from trainyard.linter.estimate.speed import UNKNOWN_CARD, UNKNOWN_PROCESSOR
from trainyard.service.core import hardware
from trainyard.service.executor.devices import NoGpuError, discover
from trainyard.service.main import addresses, logs, ready, token
from trainyard.service.main.addresses import Address
from trainyard.service.main.policy_file import HARDWARE, read_hardware
from trainyard.service.main.surroundings import RandomIds, SystemClock

SMI = "GPU-1111, 143771, NVIDIA H200\nGPU-2222, [N/A], NVIDIA Odd, with a comma\n"


@pytest.mark.parametrize(
    "text,address",
    [
        ("127.0.0.1:50051", Address("127.0.0.1", 50051)),
        ("localhost:0", Address("127.0.0.1", 0)),
        ("[::1]:7", Address("::1", 7)),
        ("127.9.9.9:7", Address("127.9.9.9", 7)),
    ],
)
def test_addresses_of_this_machine_are_read(text: str, address: Address) -> None:
    assert addresses.parse(text, "--listen") == address


@pytest.mark.parametrize("text", ["", "1", "127.0.0.1:-1", "127.0.0.1:70000", "a..b:1", f"{'x' * 70}.example:1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="--listen"):
        addresses.parse(text, "--listen")


@pytest.mark.parametrize("text", ["host:1", "10.0.0.1:1", "0.0.0.0:1", "127.0.0.1.evil.org:1", "[::]:1"])
def test_an_address_that_others_reach_is_refused_until_nothing_is_missing_that_guards_it(text: str) -> None:
    address = addresses.parse(text, "--listen")
    with pytest.raises(Refusal, match=r"--listen .* needs --tls-cert and --tls-key;"):
        addresses.ensure_guarded(address, "--listen", ["--tls-cert", "--tls-key"])
    addresses.ensure_guarded(address, "--listen", [])
    addresses.ensure_guarded(addresses.parse("127.0.0.1:1", "--listen"), "--listen", ["--tls-cert"])


def test_gpus_are_what_the_driver_lists() -> None:
    for wanted in ("auto", "gpu"):
        first, second = discover(wanted, lambda: SMI)
        assert (first.kind, first.key, first.name, first.memory_bytes) == ("gpu", "GPU-1111", "NVIDIA H200", 143771 * 1024**2)
        assert (second.name, second.memory_bytes) == ("NVIDIA Odd, with a comma", 0)


def test_without_a_gpu_auto_takes_the_processor_and_gpu_refuses() -> None:
    (device,) = discover("auto", lambda: "")
    assert (device.kind, device.key) == ("cpu", "cpu")
    assert device.memory_bytes > 0
    with pytest.raises(NoGpuError):
        discover("gpu", lambda: "No devices were found\n")


def test_cpu_does_not_look_for_gpus() -> None:
    assert [device.kind for device in discover("cpu", lambda: SMI)] == ["cpu"]


def test_a_known_card_gets_its_profile_and_an_unknown_one_its_memory() -> None:
    known = hardware.understood(hardware.describe("NVIDIA H200", 143771 * 1024**2, gpu=True))
    assert known is not None
    assert known.name == "h200"
    odd = hardware.understood(hardware.describe("NVIDIA Odd", 8 * 1024**3, gpu=True))
    assert odd is not None
    assert (odd.device, odd.memory_bytes, odd.calibrated) == ("NVIDIA Odd", 8 * 1024**3, False)
    assert hardware.understood(hardware.describe("NVIDIA Odd", 0, gpu=True)) is None
    processor = hardware.understood(hardware.describe("x86_64, 2 cores", 8 * 1024**3, gpu=False))
    assert processor is not None
    assert processor.context.low > 0


@pytest.mark.parametrize("device, gpu, kind", [("NVIDIA H200", True, "gpu"), ("NVIDIA Odd", True, "gpu"), ("Some processor", False, "cpu")])
def test_what_is_described_says_its_kind_and_its_speed_and_that_nobody_measured_it(device: str, gpu: bool, kind: str) -> None:
    described = json.loads(json.dumps(hardware.describe(device, 8 * 1024**3, gpu=gpu)))
    known = profile(described)
    assert (described["kind"], known.kind) == (kind, kind)
    assert known.speed == (profile("h200").speed if device == "NVIDIA H200" else UNKNOWN_CARD if gpu else UNKNOWN_PROCESSOR)
    assert not known.speed_is_measured


def test_ids_are_short_lower_case_and_never_the_same() -> None:
    ids = {RandomIds().job_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(job_id) == 12 and job_id.isalnum() and job_id[0].isalpha() and job_id == job_id.lower() for job_id in ids)


def test_the_clock_says_utc_and_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert abs((datetime.now(UTC) - clock.now()).total_seconds()) < 5
    assert clock.monotonic() <= clock.monotonic()


def test_a_token_that_is_there_is_taken_and_nonsense_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a" / "token"
    made = token.obtain(path)
    assert token.obtain(path) == made
    assert len(made) >= 40
    for nonsense in ("", "short", "two words that are long enough", "ü" * 40):
        path.write_text(nonsense, encoding="utf-8")
        with pytest.raises(Refusal):
            token.obtain(path)


def test_a_ready_file_of_another_server_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    ready.write(path, listen="a", metrics="b", instance="one")
    ready.remove(path, "another")
    assert json.loads(path.read_text())["instance"] == "one"
    ready.remove(path, "one")
    ready.remove(path, "one")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def configured() -> object:
    before = structlog.get_config()
    handlers = logging.getLogger().handlers[:]
    yield
    structlog.configure(**before)
    logging.getLogger().handlers[:] = handlers


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("person", [True, False])
def test_secrets_are_blanked_and_no_line_can_be_forged(capsys: pytest.CaptureFixture[str], person: bool) -> None:
    logs.configure(person=person)
    structlog.get_logger().info("call", token="s3cret", authorization="Bearer s3cret", said='x\n{"event": "forged"}')
    logging.getLogger("lib").warning("from a %s", "library")
    try:
        int("boom")
    except ValueError:
        structlog.get_logger().exception("failed")
    written = capsys.readouterr().err
    assert "s3cret" not in written
    assert "boom" in written
    assert "from a library" in written
    if not person:
        assert [json.loads(line)["event"] for line in written.splitlines()] == ["call", "library", "failed"]


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("person", [True, False])
def test_no_text_in_a_log_drives_a_terminal_forges_a_line_or_tells_a_token(capsys: pytest.CaptureFixture[str], *, person: bool) -> None:
    logs.configure(person=person)
    token = "ty_" + "Zx9-" * 10
    structlog.get_logger("x").warning("said", why=f"\x1b[2J\x9b31m\u202e\nforged line\r{token} authorization: Bearer {token}abc")
    try:
        int(f"\x1b]0;owned\x07 {token}")
    except ValueError:
        structlog.get_logger("x").exception("failed")
    structlog.get_logger("x").error("failed", exc_info=ValueError(f"\x9b\x1b {token}"))
    said = capsys.readouterr().err
    assert "forged" in said
    assert not any(line.startswith("forged") for line in said.splitlines())
    assert token not in said
    assert not set("\x1b\x9b\x07\u202e\r") & set(said)


class Moody(io.StringIO):
    """A stream on a disk that is full now and then."""

    full = False

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


@pytest.mark.parametrize("person", [True, False])
def test_lines_that_could_not_be_written_are_counted_when_one_can_be_again(*, person: bool) -> None:
    stream = Moody()
    lines = logs.Lines(stream, person=person)
    lines.msg("one")
    stream.full = True
    lines.msg("two")
    lines.warning("three")
    stream.full = False
    lines.msg("four")
    lines.msg("five")
    written = stream.getvalue().splitlines()
    assert written[:2] == ["one", "four"]
    assert "log-was-unwritable" in written[2]
    assert "2" in written[2]
    assert written[3:] == ["five"]
    if not person:
        assert json.loads(written[2])["lines"] == 2


def test_a_stream_that_is_closed_is_no_trouble() -> None:
    stream = Moody()
    stream.close()
    logs.Lines(stream, person=False).msg("one")


@pytest.mark.parametrize("other", [{"device": "another card"}, {"backend": "jax"}])
def test_a_profile_that_was_measured_elsewhere_is_not_gone_by(tmp_path: Path, other: dict[str, str]) -> None:
    here = hardware.describe("x86_64, 2 cores", 2 * 1024**3, gpu=False)
    (tmp_path / HARDWARE).write_text(json.dumps({**here, "calibrated": True, **other}), encoding="utf-8")
    assert read_hardware(tmp_path, here) == here
    (tmp_path / HARDWARE).write_text(json.dumps({**here, "calibrated": True}), encoding="utf-8")
    assert read_hardware(tmp_path, here)["calibrated"]
