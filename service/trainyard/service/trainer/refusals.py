"""Keras refuses a value with a page of text; a person gets the sentence in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from trainyard.service.trainer.failures import SpecError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FRAME = "Exception encountered"


@contextmanager
def as_spec_errors(what: str) -> Iterator[None]:
    """Turn a ValueError of Keras into a SpecError that begins with ``what``: only the spec's values go in."""
    try:
        yield
    except ValueError as error:
        raise SpecError(f"{what}: {sentence(error)}") from error


def sentence(error: ValueError) -> str:
    """Return what Keras says in one line, without its colours, its frame and its list of arguments."""
    lines = [_COLOUR.sub("", line).strip() for line in str(error).splitlines()]
    telling = [line for line in lines if line and not line.startswith(_FRAME)]
    return telling[0] if telling else type(error).__name__
