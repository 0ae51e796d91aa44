"""What an editor sees while somebody types, over the wire."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest_names import edited, text_at  # replaced below
