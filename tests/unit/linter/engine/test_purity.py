"""``lint`` in a warm process touches nothing: no file, no socket, no process, no clock of its own."""

from __future__ import annotations

import subprocess
import sys

# Audit events of the interpreter; a hook cannot be taken away again, so it lives in a process of its own.
PROGRAM = """
import json, pathlib, sys, time
from trainyard.linter import Configuration, lint

texts = [path.read_bytes() for path in sorted(pathlib.Path("examples").glob("*/*.trainspec.json"))]
texts += [b"", b"{", b"[]", b"\\xff", b'{"version": "v9", "lr": 1, "banana": 2}', b"{'a': NaN, // x\\n}"]
texts += [texts[0].replace(b"adam", b"adamm")]
configurations = [Configuration(ruleset=ruleset, partial=partial) for ruleset in ("recommended", "strict") for partial in (False, True)]


def everything():
    for text in texts:
        for configuration in configurations:
            report = lint(text, configuration=configuration)
            json.dumps(report.to_json("a"))
            report.digest, report.spec_digest


everything()
seen, asked = [], []
sys.addaudithook(lambda event, _: seen.append(event) if watching else None)
time.time = time.perf_counter = time.monotonic = lambda: asked.append(1) or 0.0
watching = True
everything()
watching = False
touching = ("open", "os.", "socket.", "subprocess.", "shutil.", "glob.", "import", "urllib.", "tempfile.")
print(sorted({event for event in seen if event.startswith(touching)}), len(asked))
"""


def test_judging_touches_neither_disk_nor_network_nor_clock() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout == "[] 0\n"
