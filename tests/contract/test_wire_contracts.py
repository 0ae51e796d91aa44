"""The wire contracts say what the server's core says, and run on every protobuf that TensorFlow allows."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf.descriptor import EnumDescriptor

from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import State
from trainyard.v1 import event_pb2, job_pb2, lint_pb2, server_info_pb2, training_service_pb2

FILES = (event_pb2, job_pb2, lint_pb2, server_info_pb2, training_service_pb2)
CALLS = {
    "LintSpec", "PlanSpec", "CreateJob", "GetJob", "ListJobs", "WatchJob", "PauseJob", "ResumeJob", "StopJob", "CancelJob", "DeleteJob",
    "GetLintReport", "GetHistory", "ListArtifacts", "DownloadArtifact", "TailLog", "ListDatasets", "GetServerInfo",
}  # fmt: skip
STREAMS = {"WatchJob", "DownloadArtifact", "TailLog"}


def words(enum: EnumDescriptor) -> set[str]:
    """Return an enum's values without the prefix that the style of the contracts asks for, and without "not set"."""
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return {value.name.removeprefix(prefix) for value in enum.values} - {"UNSPECIFIED"}


def test_the_whole_surface_is_there_so_that_clients_can_be_written_against_it() -> None:
    methods = training_service_pb2.DESCRIPTOR.services_by_name["TrainingService"].methods
    assert {method.name for method in methods} == CALLS
    assert {method.name for method in methods if method.server_streaming} == STREAMS
    assert not [method.name for method in methods if method.client_streaming]


def test_every_call_has_messages_of_its_own() -> None:
    methods = training_service_pb2.DESCRIPTOR.services_by_name["TrainingService"].methods
    assert [(method.input_type.name, method.output_type.name) for method in methods] == [
        (f"{method.name}Request", f"{method.name}Response") for method in methods
    ]


def test_states_and_reasons_on_the_wire_are_those_of_the_core() -> None:
    assert words(job_pb2.DESCRIPTOR.enum_types_by_name["JobState"]) == {state.name for state in State}
    assert words(job_pb2.DESCRIPTOR.enum_types_by_name["JobReason"]) == {reason.name for reason in Reason}


@pytest.mark.parametrize("generated", FILES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_the_generated_code_asks_for_no_newer_protobuf_than_tensorflows_oldest(generated: object) -> None:
    text = Path(str(getattr(generated, "__file__", ""))).read_text(encoding="utf-8")
    assert "# Protobuf Python Version: 6.31.1\n" in text
