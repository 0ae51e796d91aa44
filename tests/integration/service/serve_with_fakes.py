"""``trainyard serve`` with trainers that start no Keras. Options are the program's own.

When it ends it writes the names of all modules it has imported into the file that MODULES_FILE names.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from trainyard.linter.cli import exits
from trainyard.service.executor.launching import Order
from trainyard.service.main import running, serve
from trainyard.service.main.settings import settle

FAKE = Path(__file__).parent / "fake_trainer.py"


def fake_command(order: Order) -> list[str]:
    mode = json.loads(order.run.resolved.read_text())["experiment"]["name"]
    return [sys.executable, str(FAKE), str(order.run.path), "--attempt", str(order.attempt), mode]


def serve_with_fakes(**options: Any) -> int:
    code = running.run(settle(**options), command=fake_command)
    Path(os.environ["MODULES_FILE"]).write_text("\n".join(sorted(sys.modules)))
    return code


if __name__ == "__main__":
    sys.exit(exits.run(click.Command("serve", params=serve.params, callback=serve_with_fakes), program="trainyard serve"))
