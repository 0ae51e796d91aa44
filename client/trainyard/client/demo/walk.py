"""The demonstration itself, act by act. Each act shows something and checks that it is as promised."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from trainyard.client.demo import promises
from trainyard.client.demo.house import Doors, House
from trainyard.client.demo.promises import BrokenPromiseError
from trainyard.client.demo.stage import Stage
from trainyard.client.documents import Document

BAD, GOOD = "digits/bad.trainspec.json", "digits/good.trainspec.json"
SCRAPE_AFTER_EPOCH = 2


class Walk:
    """Goes the whole way on the specs in ``examples``; ``folder`` is scratch space, ``models`` gets the model that comes out."""

    def __init__(self, stage: Stage, examples: Path, folder: Path, models: Path) -> None:
        self._stage = stage
        self._examples = examples
        self._folder = folder
        self._models = models
        self._check = ("trainlint", "check", "--data-root", self._typed(examples))
        self.house = House(folder, self._typed(examples), stage.environment)

    def go(self) -> None:
        """Play every act; raises BrokenPromiseError at the first thing that is not as promised."""
        began = time.monotonic()
        found = self._lint()
        doors = self._serve()
        self._refuse(found)
        job_id = self._submit()
        self._watch(job_id, doors)
        self._harvest(job_id)
        self._leave()
        self._stage.say(f"\nThat was the whole way, in {time.monotonic() - began:.0f} s.")

    def _lint(self) -> list[Document]:
        stage = self._stage
        stage.act("A spec with faults, before anything runs")
        stage.tell(
            "The linter needs no server, no TensorFlow and no GPU. It reads the spec and says what can't work, where, and what to write."
        )
        stage.run(*self._check, self._spec(BAD), expect=1)
        report = stage.ask(*self._check, "--format", "json", self._spec(BAD), expect=1)
        findings: list[Document] = report["files"][0]["findings"]
        stage.tell(f"Programs get the same as JSON: {len(findings)} findings, each with its pointer, line and column.")
        return findings

    def _serve(self) -> Doors:
        stage = self._stage
        stage.act("A server of our own")
        stage.tell("On free ports, with a home and a state folder that are gone when we leave. It never imports TensorFlow itself.")
        stage.announce(*self.house.command, "&")
        doors = self.house.open()
        stage.environment["TRAINYARD_SERVER"] = doors.listen
        stage.quote([f"answers at {doors.listen}, metrics at http://{doors.metrics}/metrics"])
        stage.announce("export", f"TRAINYARD_SERVER={doors.listen}")
        stage.run("trainyard", "info", expect=0)
        return doors

    def _refuse(self, found: list[Document]) -> None:
        stage = self._stage
        stage.act("The server trusts nobody's verdict")
        stage.tell("It lints again, with its own hardware in mind, and refuses the bad spec for the same reasons. Exit code 5.")
        stage.run("trainyard", "submit", self._spec(BAD), expect=5)
        refusal = stage.ask("trainyard", "submit", "--json", self._spec(BAD), expect=5)
        same = promises.same_findings(found, refusal)
        more = len(refusal["findings"]) - same
        stage.tell(f"The same {same} findings{f', and {more} that only the server could know' if more > 0 else ''}. No job was made.")

    def _submit(self) -> str:
        stage = self._stage
        stage.act("A good spec is accepted")
        stage.run(*self._check, self._spec(GOOD), expect=0)
        job_id: str = stage.ask("trainyard", "submit", "--json", self._spec(GOOD), expect=0)["id"]
        stage.quote([f"job {job_id}"])
        return job_id

    def _watch(self, job_id: str, doors: Doors) -> None:
        stage = self._stage
        stage.act("Epochs, one by one, from a process of its own")
        stage.tell(
            "The trainer imports TensorFlow now, which takes some seconds. What it writes reaches us through the server's event log."
        )
        with stage.follow("trainyard", "watch", job_id, "--progress", "plain") as lines:
            seen = self._until_scrape(lines)
            told = self._scrape(job_id, doors)
            later = sum(line.startswith("epoch ") for line in lines)
        if later == 0 or (told is not None and told >= seen + later):
            raise BrokenPromiseError("the metrics were read when the job had ended already")

    def _until_scrape(self, lines: Iterator[str]) -> int:
        seen = 0
        for line in lines:
            seen += line.startswith("epoch ")
            if seen == SCRAPE_AFTER_EPOCH:
                return seen
        raise BrokenPromiseError(f"the job ended before epoch {SCRAPE_AFTER_EPOCH}")

    def _scrape(self, job_id: str, doors: Doors) -> int | None:
        """Show what Prometheus would read now, and return the epoch that it tells."""
        url = f"http://{doors.metrics}/metrics"
        self._stage.say(f"\n  Meanwhile, over HTTP, what Prometheus reads while the job runs:\n\n  $ curl -s {url} | grep {job_id}")
        # No proxy: the address is this machine's.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
            series = promises.series_of(answer.read().decode(), job_id)
        self._stage.quote([f"  {line}" for line in series])
        self._stage.say()
        return promises.epoch_in(series)

    def _harvest(self, job_id: str) -> None:
        stage = self._stage
        stage.act("What came out")
        job = stage.ask("trainyard", "wait", "--json", job_id, expect=0)
        reached = promises.accuracy(job)
        model = promises.best_model(job)
        kept = self._keep(job, model)
        stage.quote(
            [
                f"validation accuracy {reached:.4f} in epoch {job['best_epoch']} (at least {promises.LEAST_ACCURACY} was promised)",
                f"best model          {kept} ({model['size_bytes']:,} bytes, SHA-256 {model['sha256'][:12]}…, verified)",
            ]
        )

    def _keep(self, job: Document, model: Document) -> Path:
        """Copy what the job made out of the home, which goes away; returns where the model lies now."""
        target = self._models / f"demo-{job['id']}"
        target.mkdir(parents=True, exist_ok=True)
        for artifact in job["artifacts"]:
            copy = target / artifact["name"]
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(artifact["path"], copy)
        kept: Path = target / model["name"]
        if hashlib.sha256(kept.read_bytes()).hexdigest() != model["sha256"]:
            raise BrokenPromiseError(f"{kept} is not the model that the server announced")
        return kept

    def _leave(self) -> None:
        stage = self._stage
        stage.act("A clean shutdown")
        stage.announce("kill", "-TERM", "%1")
        took = self.house.close()
        stage.quote([f"the server ended in {took:.1f} s, and no process is left"])

    def _spec(self, name: str) -> str:
        return self._typed(self._examples / name)

    @staticmethod
    def _typed(path: Path) -> str:
        """Return a path as one would type it from here."""
        return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
