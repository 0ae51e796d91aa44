"""The state machine, pair by pair: this table is written by hand from the design, not derived from the code."""

from __future__ import annotations

import itertools

import pytest

from trainyard.service.core import reasons
from trainyard.service.core.errors import IllegalCommandError
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import ATTENDED, LIVE, TERMINAL, Command, State, advance, sources

# Rows: commands. Columns: states in this order. A dot is refused; "=" changes nothing.
COLUMNS = ["queued", "starting", "running", "pausing", "paused", "stopping", "cancelling", "succeeded", "failed", "cancelled"]
TABLE = """
start   starting   .          .          .          .          .          .          .  .  .
begin   .          running    =          =          .          =          =          .  .  .
pause   .          .          pausing    =          =          .          .          .  .  .
hold    .          .          .          paused     .          .          =          .  .  .
resume  =          .          .          .          queued     .          .          .  .  .
stop    .          .          stopping   stopping   .          =          .          .  .  .
keep    .          .          .          .          succeeded  succeeded  .          .  .  .
cancel  cancelling cancelling cancelling cancelling cancelling cancelling =          .  .  =
clear   .          .          .          .          .          .          cancelled  .  .  .
succeed .          .          succeeded  succeeded  .          succeeded  =          .  .  .
fail    .          failed     failed     failed     .          failed     =          .  .  .
retry   .          queued     queued     paused     .          .          =          .  .  .
"""
ROWS = {line.split()[0]: line.split()[1:] for line in TABLE.strip().splitlines()}


def test_the_table_of_this_test_names_every_command_and_state() -> None:
    assert set(ROWS) == {command.value for command in Command}
    assert [state.value for state in State] == COLUMNS
    assert {len(row) for row in ROWS.values()} == {len(COLUMNS)}


@pytest.mark.parametrize("command,state", list(itertools.product(Command, State)))
def test_every_pair_of_command_and_state_does_what_the_design_says(command: Command, state: State) -> None:
    expected = ROWS[command.value][COLUMNS.index(state.value)]
    if expected == ".":
        with pytest.raises(IllegalCommandError) as refused:
            advance(state, command)
        assert (refused.value.facts["state"], refused.value.facts["command"]) == (state.value, command.value)
        assert state not in sources(command)
        return
    assert advance(state, command) is (state if expected == "=" else State(expected))
    assert state in sources(command)


def test_nothing_leaves_a_terminal_state() -> None:
    for command, state in itertools.product(Command, TERMINAL):
        if state in sources(command):
            assert advance(state, command) is state


def test_every_live_state_can_be_cancelled_and_every_attended_one_ends() -> None:
    assert all(advance(state, Command.CANCEL) is State.CANCELLING for state in LIVE)
    assert all(advance(state, Command.FAIL) in {State.FAILED, State.CANCELLING} for state in ATTENDED)
    assert set(State) == TERMINAL | LIVE


def test_every_reason_explains_one_outcome_as_the_design_lists_them() -> None:
    assert [reason.value for reason in reasons.of(State.SUCCEEDED)] == ["completed", "early_stopped", "stopped", "time_limit"]
    assert [reason.value for reason in reasons.of(State.CANCELLED)] == ["user"]
    failed = ["spec", "data", "oom_device", "oom_host", "nonfinite_loss", "diverged", "timeout", "trainer_lost", "disk_full", "server"]
    assert [reason.value for reason in reasons.of(State.FAILED)] == failed
    assert sum(len(reasons.of(state)) for state in State) == len(Reason)


def test_a_refused_command_says_in_words_where_the_job_stands_and_what_would_do() -> None:
    with pytest.raises(IllegalCommandError) as refused:
        advance(State.SUCCEEDED, Command.CANCEL)
    assert str(refused.value) == "The job has succeeded and can not be cancelled: it is over."
    with pytest.raises(IllegalCommandError) as refused:
        advance(State.QUEUED, Command.PAUSE)
    assert str(refused.value) == "The job waits in the queue and can not be paused: only a job that runs can."
