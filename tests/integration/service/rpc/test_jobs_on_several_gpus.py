"""A server with two GPUs, as far as it knows: one job may have both, and nobody starts on half of them."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from trainyard.service.executor.devices import Device
from trainyard.v1 import training_service_pb2 as pb

GIB = 2**30


@pytest.fixture
def live_devices() -> tuple[Device, ...]:
    return tuple(Device("gpu", "A card", f"GPU-{place}", 16 * GIB) for place in range(2))


def info(live: Any) -> Any:
    return live.call("GetServerInfo", pb.GetServerInfoRequest()).server


def test_a_job_on_both_gpus_holds_both_slots_and_gives_them_back(live: Any, scrape: Callable[[], str]) -> None:
    assert (info(live).slots, info(live).free_slots, info(live).limits.max_gpus) == (2, 2, 2)
    wide = live.submit("hold", gpus=2)
    live.until_epoch(wide)
    assert info(live).free_slots == 0
    assert "trainyard_slots_held 2.0" in scrape()
    narrow = live.submit()
    live.until(lambda: info(live).free_slots == 0)
    assert live.parts.store.job(narrow).attempt == 0
    assert live.parts.store.job(wide).devices == ("GPU-0", "GPU-1")
    live.go(wide)
    live.events(narrow)
    live.until(lambda: info(live).free_slots == 2)


def test_a_job_for_more_gpus_than_there_are_is_refused_with_a_finding(live: Any, spec: Callable[..., bytes]) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        live.call("CreateJob", pb.CreateJobRequest(spec=spec(resources={"gpus": 4})))
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    report = live.call("LintSpec", pb.LintSpecRequest(spec=spec(resources={"gpus": 4}))).report
    (finding,) = [one for one in report.findings if one.code == "SRV004"]
    assert finding.pointer == "/resources/gpus"
    assert "can give a job 2 at once" in finding.message
