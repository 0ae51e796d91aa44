"""What the server was told, checked and made whole: a plain value that the wiring reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import URL

from trainyard.linter.cli.exits import Refusal
from trainyard.service.core.identity import Role
from trainyard.service.executor.patience import Patience
from trainyard.service.main import addresses, place, tls
from trainyard.service.main.addresses import Address
from trainyard.service.main.tls import TlsFiles


@dataclass(frozen=True, slots=True)
class Settings:
    """Folders are absolute; ``token_file`` is where the clients of this user look.

    ``slots`` is 0 for one per device. ``store`` and ``runs`` are None for places in the home. ``keep`` is None for ever.
    """

    home: Path
    listen: Address
    metrics: Address
    data_root: Path
    slots: int
    device: str
    ready_file: Path | None
    token_file: Path
    store: URL | None = None
    runs: Path | None = None
    keep: timedelta | None = None
    standby: bool = False
    patience: Patience = field(default_factory=Patience)
    # A trainer that lost its server has to be gone before this is over: see trainer.start.SAVING_SECONDS.
    lease_seconds: float = 60.0
    tls: TlsFiles | None = None
    certificate_role: Role = Role.SUBMITTER
    metrics_tls: TlsFiles | None = None
    metrics_token_file: Path | None = None
    policy: Path | None = None


def settle(
    *,
    home: Path | None,
    listen: str,
    metrics: str,
    data_root: Path,
    slots: int | None,
    device: str,
    ready_file: Path | None,
    store: str | None = None,
    store_password_file: Path | None = None,
    runs: Path | None = None,
    keep_days: float | None = None,
    standby: bool = True,
    most_hours: float | None = None,
    stall_minutes: float = 30.0,
    orphan_minutes: float = 60.0,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    tls_client_ca: Path | None = None,
    tls_client_role: str = "submitter",
    metrics_tls_cert: Path | None = None,
    metrics_tls_key: Path | None = None,
    metrics_token_file: Path | None = None,
    policy: Path | None = None,
) -> Settings:
    """Check the options; raises Refusal for what can not be served or written."""
    import platformdirs

    if ready_file is not None and not ready_file.absolute().parent.is_dir():
        raise Refusal(f"--ready-file {ready_file}: there is no folder {ready_file.absolute().parent}")
    door = tls.files(tls_cert, tls_key, "--tls", tls_client_ca)
    metrics_door = tls.files(metrics_tls_cert, metrics_tls_key, "--metrics-tls")
    return Settings(
        home=(home or Path(platformdirs.user_data_dir("trainyard"))).absolute(),
        listen=_guarded(listen, "--listen", [] if door else ["--tls-cert", "--tls-key"]),
        metrics=_guarded(metrics, "--metrics", _missing_for_metrics(metrics_door, metrics_token_file)),
        data_root=data_root.resolve(),
        slots=slots or 0,
        device=device,
        ready_file=_whole(ready_file),
        token_file=Path(platformdirs.user_state_dir("trainyard")) / "token",
        store=place.database(store, store_password_file) if store else None,
        runs=_whole(runs),
        keep=timedelta(days=keep_days) if keep_days is not None else None,
        standby=standby,
        patience=_patience(most_hours, stall_minutes, orphan_minutes),
        tls=door,
        certificate_role=Role[tls_client_role.upper()],
        metrics_tls=metrics_door,
        metrics_token_file=_whole(metrics_token_file),
        policy=_whole(policy),
    )


def _guarded(text: str, option: str, missing: Sequence[str]) -> Address:
    address = addresses.parse(text, option)
    addresses.ensure_guarded(address, option, missing)
    return address


def _missing_for_metrics(door: TlsFiles | None, token_file: Path | None) -> list[str]:
    wanted = {"--metrics-tls-cert": door, "--metrics-tls-key": door, "--metrics-token-file": token_file}
    return [option for option, given in wanted.items() if given is None]


def _patience(most_hours: float | None, stall_minutes: float, orphan_minutes: float) -> Patience:
    wall_seconds = most_hours * 3600 if most_hours is not None else None
    return Patience(wall_seconds=wall_seconds, stall_seconds=stall_minutes * 60, orphan_seconds=orphan_minutes * 60)


def _whole(path: Path | None) -> Path | None:
    return path.absolute() if path else None
