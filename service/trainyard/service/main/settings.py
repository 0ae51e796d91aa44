"""What the server was told, checked and made whole: a plain value that the wiring reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trainyard.linter.cli.exits import Refusal
from trainyard.service.main import addresses
from trainyard.service.main.addresses import Address


@dataclass(frozen=True, slots=True)
class Settings:
    """Folders are absolute; ``token_file`` is where the clients of this user look."""

    home: Path
    listen: Address
    metrics: Address
    data_root: Path
    slots: int
    device: str
    ready_file: Path | None
    token_file: Path


def settle(*, home: Path | None, listen: str, metrics: str, data_root: Path, slots: int, device: str, ready_file: Path | None) -> Settings:
    """Check the options; raises Refusal for what can not be served or written."""
    import platformdirs

    if ready_file is not None and not ready_file.absolute().parent.is_dir():
        raise Refusal(f"--ready-file {ready_file}: there is no folder {ready_file.absolute().parent}")
    return Settings(
        home=(home or Path(platformdirs.user_data_dir("trainyard"))).absolute(),
        listen=addresses.parse(listen, "--listen"),
        metrics=addresses.parse(metrics, "--metrics"),
        data_root=data_root.resolve(),
        slots=slots,
        device=device,
        ready_file=ready_file.absolute() if ready_file else None,
        token_file=Path(platformdirs.user_state_dir("trainyard")) / "token",
    )
