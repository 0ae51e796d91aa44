"""``python -m trainyard.service.main``: ``trainyard serve`` without the umbrella."""

import sys

from trainyard.linter.cli import exits
from trainyard.service.main import serve

sys.exit(exits.run(serve, program="trainyard serve"))
