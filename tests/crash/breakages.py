"""Trainyard with one promise broken at a time: what is taken away, and the tests that must then be red.

A breakage is a text of the source and what stands there instead. ``python -m tests.crash.breaking`` puts one after the other into a
copy of the tree and runs its tests there; a test that stays green with its mechanism gone proves nothing, and is named.
``test_breakages.py`` sees in every run that each text still stands where it is looked for and that no promise is without one.
"""

from __future__ import annotations

from dataclasses import dataclass

_SERVICE = "service/trainyard/service/"
_CLIENT = "client/trainyard/client/"
_ENGINE = "linter/trainyard/linter/engine/"
_TESTS = "tests/integration/service/"
_VANISHED = "tests/crash/test_vanished_host.py::test_a_host_that_disappears_with_its_trainer_alive_is_followed_by_another_and_never_doubled"
_KILLED = (
    "tests/crash/test_killed_trainers.py::test_killed_in_an_epoch_after_one_and_while_its_bundle_is_written_a_run_ends_as_if_it_had_lived"
)
_IN_TIME = f"{_TESTS}executor/test_limits.py::test_the_slot_of_a_trainer_that_ignores_everything_is_free_within_its_grace_and_two_seconds"


@dataclass(frozen=True, slots=True)
class Breakage:
    """One mechanism taken away.

    Attributes:
        promise: number of the promise that it holds up, as in ``docs/promises.md``.
        name: what is broken, in a few words.
        file: where it stands.
        old: the text, which stands there once.
        new: what stands there instead.
        tests: each must be red.
    """

    promise: int
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


BREAKAGES = (
    # 1. The server is killed: nothing is lost or doubled.
    Breakage(
        1,
        "a restarted server knows no trainer",
        f"{_SERVICE}executor/launching.py",
        "        wanted = list(self._command(order))\n        for found",
        "        wanted = [str(self)]\n        for found",
        (f"{_TESTS}executor/test_supervisor.py::test_a_trainer_whose_start_was_never_written_down_is_found",),
    ),
    Breakage(
        1,
        "trainers die with their server",
        f"{_SERVICE}executor/launching.py",
        '        """Leave running trainers alone: they outlive the server. Standbys do not."""\n',
        "        for child in self._children.values():\n            child.kill()\n",
        (f"{_TESTS}main/test_serve.py::test_a_graceful_end_leaves_trainers_running_too",),
    ),
    Breakage(
        1,
        "a living trainer is taken for a dead one",
        f"{_SERVICE}executor/launching.py",
        "return process.pid in self._children or processes.alive(process)",
        "return process.pid in self._children",
        (
            f"{_TESTS}main/test_serve.py::test_a_server_that_was_killed_re_attaches_to_a_living_trainer",
            f"{_TESTS}executor/test_supervisor.py::test_a_new_server_re_attaches_to_a_trainer_that_went_on",
        ),
    ),
    Breakage(
        1,
        "a word that is said again counts again",
        f"{_SERVICE}core/journal.py",
        "    if entry.key in seen:\n        return _again(job, entry, seen)\n",
        "",
        ("tests/unit/service/core/test_journal.py::test_a_word_that_comes_twice_counts_once",),
    ),
    Breakage(
        1,
        "the offset is not what the events were read from",
        f"{_SERVICE}store/changes.py",
        "    if job.spool_offset != batch.start:\n        raise StaleOffsetError\n",
        "",
        (f"{_TESTS}store/test_conformance.py::test_the_offset_and_its_events_are_kept_together",),
    ),
    Breakage(
        1,
        "a death is seen before the last word is read",
        f"{_SERVICE}executor/supervisor.py",
        "        lives = process is not None and self._launcher.alive(process)\n        job, more = self._ingest(job)\n",
        "        job, more = self._ingest(job)\n        lives = process is not None and self._launcher.alive(process)\n",
        (f"{_TESTS}executor/test_supervisor.py::test_a_last_word_said_between_two_looks_is_heard",),
    ),
    Breakage(
        1,
        "a job is taken over while its trainer may live",
        f"{_SERVICE}store/leases.py",
        "JOB.c.lease_until + patience < now",
        "JOB.c.lease_until < now",
        (
            f"{_TESTS}executor/test_two_servers.py::test_no_job_ever_has_two_trainers_and_every_job_ends",
            f"{_TESTS}executor/test_two_servers.py::test_another_node_waits_for_lease_and_orphan_limit_to_the_second",
            _VANISHED,
        ),
    ),
    Breakage(
        1,
        "a server that comes back does not notice that its job is somebody else's",
        f"{_SERVICE}executor/supervisor.py",
        "        for job_id in self._held.keys() - renewed:\n            self._let_go(job_id, self._held[job_id])\n",
        "",
        (f"{_VANISHED}[for-a-while]",),
    ),
    # 2. The trainer is killed: it goes on, and ends where it would have ended.
    Breakage(
        2,
        "a lost trainer is not replaced",
        f"{_SERVICE}core/journal.py",
        "_WORTH_ANOTHER = frozenset({Reason.TRAINER_LOST})",
        "_WORTH_ANOTHER: frozenset[Reason] = frozenset()",
        (f"{_TESTS}executor/test_limits.py::test_a_killed_trainer_with_attempts_left_goes_on_from_its_bundle",),
    ),
    Breakage(
        2,
        "the manifest of a bundle is written in place",
        f"{_SERVICE}trainer/bundle/files.py",
        "    temporary = path.with_name(path.name + _PART)\n",
        "    temporary = path\n",
        ("tests/unit/trainer/test_bundle_files.py::test_a_full_disk_leaves_the_old_bundle",),
    ),
    Breakage(
        2,
        "a torn bundle is taken for a whole one",
        f"{_SERVICE}trainer/bundle/files.py",
        '        if len(raw) != entry["size_bytes"] or hashlib.sha256(raw).hexdigest() != entry["sha256"]:\n',
        "        if len(raw) < 0:\n",
        ("tests/unit/trainer/test_bundle_files.py::test_a_torn_or_changed_file_is_refused_with_a_sentence",),
    ),
    Breakage(
        2,
        "a resumed run begins anew",
        f"{_SERVICE}trainer/bundle/files.py",
        "        record = self._read_manifest()\n        if record is None:",
        "        record = None\n        if record is None:",
        (
            "tests/unit/trainer/test_bundle_files.py::test_the_next_bundle_takes_the_place_of_the_last_and_kept_weights_are_written_once",
            f"{_KILLED}[tensorflow]",
        ),
    ),
    # 3. A client that comes back sees the same list; clients are not needed.
    Breakage(
        3,
        "the store hands out the last event seen again",
        f"{_SERVICE}store/statements.py",
        'EVENT.c.seq > bindparam("after_seq"))\n    .order_by(EVENT.c.seq)\n',
        'EVENT.c.seq >= bindparam("after_seq"))\n    .order_by(EVENT.c.seq)\n',
        (f"{_TESTS}store/test_conformance.py::test_events_are_paged_by_number",),
    ),
    Breakage(
        3,
        "a watcher is not told the first of what it has not seen",
        f"{_SERVICE}rpc/feed.py",
        "        found = self._ring[seq - self._floor :]\n",
        "        found = self._ring[seq - self._floor + 1 :]\n",
        (f"{_TESTS}rpc/test_watching.py::test_many_watchers_of_one_job_all_see_everything",),
    ),
    Breakage(
        3,
        "a client shows what it was sent twice",
        f"{_CLIENT}pursuit.py",
        "            if item.seq <= self.last_seq:\n                return None\n            if item.seq > self.last_seq + 1:\n",
        "            if item.seq > self.last_seq + 1:\n",
        ("tests/integration/client/test_client_watching.py::test_a_server_that_repeats_itself_is_heard_once",),
    ),
    Breakage(
        3,
        "a client that comes back asks for all from the beginning of its watch",
        f"{_CLIENT}pursuit.py",
        "            self.last_seq, self.ended = item.seq, item.terminal\n",
        "            self.ended = item.terminal\n",
        ("tests/integration/client/test_client_watching.py::test_a_hundred_cuts_at_random_lose_and_double_nothing",),
    ),
    Breakage(
        3,
        "a job ends with the last of its watchers",
        f"{_SERVICE}rpc/watching.py",
        "            feed.progress_wanted -= with_progress\n            self._meter.stream_closed()\n",
        "            feed.progress_wanted -= with_progress\n"
        "            self._meter.stream_closed()\n"
        "            if job.process is not None:\n"
        "                __import__('os').kill(job.process.pid, 9)\n",
        (f"{_TESTS}rpc/test_watching.py::test_a_job_does_not_notice_that_all_who_watched_it_are_gone",),
    ),
    # 4. A slot is given on when nothing is left of who had it, and in time.
    Breakage(
        4,
        "the leader's death is taken for that of its whole group",
        f"{_SERVICE}executor/processes.py",
        "return [found.pid for found in everybody() if process.pid in (found.group, found.session)]",
        "return [found.pid for found in everybody() if process.pid == found.pid]",
        (f"{_TESTS}executor/test_supervisor.py::test_cancel_kills_what_ignores_it_and_frees_the_slot_only_when_nothing_is_left",),
    ),
    Breakage(
        4,
        "nobody looks whether the GPU still shows a process",
        f"{_SERVICE}executor/launching.py",
        "if company or not members.isdisjoint(self._on_device()):",
        "if company:",
        (f"{_TESTS}executor/test_limits.py::test_a_slot_is_not_free_while_a_gpu_shows_a_process_of_its_last_trainer",),
    ),
    Breakage(
        4,
        "after TERM comes nothing",
        f"{_SERVICE}executor/ladder.py",
        "            self._send(process, signal.SIGKILL)\n",
        "            pass\n",
        (_IN_TIME,),
    ),
    Breakage(
        4,
        "KILL comes the usual time after a pause that took all of its own",
        f"{_SERVICE}executor/patience.py",
        "    late_seconds: float = 1.0\n",
        "    late_seconds: float = 10.0\n",
        (f"{_IN_TIME}[pause]", f"{_IN_TIME}[stop]"),
    ),
    Breakage(
        4,
        "KILL does not wait",
        f"{_SERVICE}executor/ladder.py",
        "        if waited >= (self._grace_seconds if grace_seconds is None else grace_seconds):\n",
        "        if waited >= 0.0:\n",
        (f"{_IN_TIME}[cancel]",),
    ),
    # 5. One request, one job.
    Breakage(
        5,
        "a request is not looked up",
        f"{_SERVICE}store/changes.py",
        "    if new.request_id is None:\n        return None\n",
        "    if new.request_id is not None:\n        return None\n",
        (f"{_TESTS}store/test_conformance.py::test_the_same_request_makes_one_job",),
    ),
    Breakage(
        5,
        "another body under the same id is taken for the same request",
        f"{_SERVICE}core/submission.py",
        '    return _sha256(b"%d\\n" % submission.priority + submission.source)\n',
        '    return _sha256(b"")\n',
        (f"{_TESTS}rpc/test_errors.py::test_a_request_id_with_another_body_already_exists",),
    ),
    Breakage(
        5,
        "the store does not compare bodies",
        f"{_SERVICE}store/changes.py",
        "    if earlier is not None and earlier.request_digest != new.request_digest:\n",
        "    if earlier is not None and False:\n",
        (f"{_TESTS}store/test_conformance.py::test_a_request_id_with_another_body_is_refused",),
    ),
    # 6. Whatever fails has a name, and the server answers.
    Breakage(
        6,
        "the database's own error gets through",
        f"{_SERVICE}store/reader.py",
        "    except (OperationalError, InterfaceError, PoolTimeoutError) as error:\n        raise StoreUnavailableError from error\n",
        "    except PoolTimeoutError as error:\n        raise StoreUnavailableError from error\n",
        (
            f"{_TESTS}store/test_promises_of_the_store.py::test_a_full_disk_has_a_name_and_what_was_kept_stays",
            f"{_TESTS}store/test_promises_of_the_store.py::test_a_store_that_somebody_locks_is_unavailable_for_as_long_and_no_longer",
            f"{_TESTS}rpc/test_errors.py::test_a_store_that_can_not_write_is_unavailable_and_says_when_to_try_again",
        ),
    ),
    Breakage(
        6,
        "events stand in the order of the clock",
        f"{_SERVICE}store/statements.py",
        'EVENT.c.seq > bindparam("after_seq"))\n    .order_by(EVENT.c.seq)\n',
        'EVENT.c.seq > bindparam("after_seq"))\n    .order_by(EVENT.c.at)\n',
        (f"{_TESTS}store/test_promises_of_the_store.py::test_a_clock_that_steps_back_loses_nothing",),
    ),
    Breakage(
        6,
        "the age of a trainer is counted by the time of day",
        f"{_SERVICE}executor/minding.py",
        "        self._monotonic = clock.monotonic\n",
        "        self._monotonic = lambda: clock.now().timestamp()\n",
        (f"{_TESTS}executor/test_limits.py::test_nothing_is_measured_by_the_time_of_day",),
    ),
    Breakage(
        6,
        "a full disk at the start of a trainer has no name",
        f"{_SERVICE}executor/supervisor.py",
        "        except OSError as error:\n            full = error.errno in {errno.ENOSPC, errno.EDQUOT}\n",
        "        except FileNotFoundError as error:\n            full = error.errno in {errno.ENOSPC, errno.EDQUOT}\n",
        (f"{_TESTS}executor/test_supervisor.py::test_a_full_disk_has_a_name",),
    ),
    Breakage(
        6,
        "a full disk in a run has another name",
        f"{_SERVICE}trainer/failures.py",
        "    if isinstance(error, OSError) and _is_disk_full(error):\n",
        "    if isinstance(error, OSError) and False:\n",
        ("tests/integration/trainer/test_what_goes_wrong.py::test_a_full_disk_is_named_and_the_folder_holds_no_half_file",),
    ),
    Breakage(
        6,
        "a log may grow for ever",
        f"{_SERVICE}executor/run_folder.py",
        "        if path.stat().st_size <= most_bytes or path.is_symlink():\n            return\n",
        "        return\n",
        (f"{_TESTS}executor/test_limits.py::test_a_log_is_cut_in_the_middle_and_goes_on",),
    ),
    Breakage(
        6,
        "a spool may grow for ever",
        f"{_SERVICE}executor/minding.py",
        "        if _size(run.events) > self._patience.spool_bytes:\n",
        "        if _size(run.events) < 0:\n",
        (f"{_TESTS}executor/test_limits.py::test_a_flooded_spool_ends_the_trainer_with_a_name",),
    ),
    Breakage(
        6,
        "a line of junk stops the reading of a spool",
        f"{_SERVICE}executor/spool.py",
        "        except WireError:\n            junk += 1\n",
        "        except ZeroDivisionError:\n            junk += 1\n",
        (f"{_TESTS}executor/test_supervisor.py::test_a_flood_is_taken_in_without_junk_or_gaps",),
    ),
    Breakage(
        6,
        "a fault with one job stops the others",
        f"{_SERVICE}executor/supervisor.py",
        '            _log.exception("job-not-attended", job=job.id)\n',
        "            raise\n",
        (f"{_TESTS}executor/test_supervisor.py::test_a_fault_with_one_job_does_not_stop_the_others",),
    ),
    # 7. No call without a row, no error that is large, no error that tells of the inside.
    Breakage(
        7,
        "a method has no row",
        f"{_SERVICE}rpc/interceptors/allowed.py",
        '    f"{_TRAINING}TailLog": Role.VIEWER,\n',
        "",
        ("tests/contract/service/test_rpc_tables.py::test_every_method_that_is_offered_has_an_authorization_row_and_every_row_a_method",),
    ),
    Breakage(
        7,
        "no row means yes",
        f"{_SERVICE}rpc/interceptors/allowed.py",
        "    if least is None or role < least:\n",
        "    if least is not None and role < least:\n",
        (f"{_TESTS}rpc/test_errors.py::test_a_method_without_a_row_in_the_table_is_nobodys_not_even_the_operators",),
    ),
    Breakage(
        7,
        "jobs of others are found",
        f"{_SERVICE}rpc/asking.py",
        "await self._run(self._found, prefix, PRINCIPAL.get().scope)",
        "await self._run(self._found, prefix, None)",
        (f"{_TESTS}security/test_tokens.py::test_a_job_of_another_owner_does_not_exist_for_any_method",),
    ),
    Breakage(
        7,
        "whoever knows its digest reads a report",
        f"{_SERVICE}rpc/looking.py",
        "self._store.report, request.digest, PRINCIPAL.get().scope)",
        "self._store.report, request.digest, None)",
        (f"{_TESTS}security/test_tokens.py::test_a_job_of_another_owner_does_not_exist_for_any_method",),
    ),
    Breakage(
        7,
        "an error is as large as it happens to be",
        f"{_SERVICE}rpc/status.py",
        "MAX_STATUS_BYTES = 6 * 1024\n",
        "MAX_STATUS_BYTES = 60 * 1024\n",
        ("tests/contract/service/test_rpc_tables.py::test_the_largest_possible_error_stays_below_six_kibibytes",),
    ),
    Breakage(
        7,
        "a fact is as long as it happens to be",
        f"{_SERVICE}rpc/status.py",
        "MAX_FACT = 200\n",
        "MAX_FACT = 20_000\n",
        ("tests/contract/service/test_rpc_tables.py::test_the_largest_possible_error_stays_below_six_kibibytes",),
    ),
    Breakage(
        7,
        "a fault of ours tells what it was",
        f"{_SERVICE}rpc/interceptors/mapped.py",
        "        await _abort(call, status.internal(request_id))\n",
        "        await _abort(call, status.internal(f'{request_id}: {error!r}'))\n",
        (f"{_TESTS}rpc/test_errors.py::test_a_fault_of_ours_tells_nothing_but_a_request_id",),
    ),
    # 8. Any bytes get an answer, small and soon.
    Breakage(
        8,
        "a rule that crashes ends the judgement",
        f"{_ENGINE}run.py",
        "        except Exception as error:  # noqa: BLE001 - one broken rule must not hide what the others know\n",
        "        except KeyboardInterrupt as error:\n",
        ("tests/unit/linter/engine/test_lint.py::test_a_crashing_rule_is_reported_and_the_others_go_on",),
    ),
    Breakage(
        8,
        "there may be any number of findings",
        f"{_ENGINE}configuration.py",
        "MAX_FINDINGS = 200\n",
        "MAX_FINDINGS = 20_000\n",
        (
            "tests/unit/linter/engine/test_lint.py::test_a_flood_of_findings_is_cut_to_the_worst_and_counted",
            "tests/unit/linter/engine/test_hostile_files.py::test_the_largest_file_of_nothing_but_one_thing_is_answered",
        ),
    ),
    Breakage(
        8,
        "a text of any length is read",
        "linter/trainyard/linter/source/limits.py",
        "    bytes: int = 64 * 1024\n",
        "    bytes: int = 1024 * 1024 * 1024\n",
        (f"{_TESTS}rpc/test_errors.py::test_a_spec_that_is_too_large_is_refused_in_words_of_ours",),
    ),
    Breakage(
        8,
        "a judgement takes its time",
        f"{_ENGINE}lint.py",
        "    document = Document.parse(raw, configuration.limits)\n",
        "    document = Document.parse(raw, configuration.limits)\n    sum(one * one for one in range(5_000_000))\n",
        ("tests/unit/linter/engine/test_hostile_files.py::test_any_bytes_get_a_bounded_answer_soon",),
    ),
    Breakage(
        8,
        "a judgement takes its room",
        f"{_ENGINE}lint.py",
        "    document = Document.parse(raw, configuration.limits)\n",
        "    document = Document.parse(raw, configuration.limits)\n    bytearray(200 * 2**20)\n",
        ("tests/unit/linter/engine/test_hostile_files.py::test_a_broken_text_takes_little_memory",),
    ),
)
