"""Descriptors: as many as the kernel allows, and some always left for the server itself."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from trainyard.service.main import descriptors

_PROGRAM = """
import resource, sys
from trainyard.service.main import descriptors
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, min(int(sys.argv[1]), hard) if hard != resource.RLIM_INFINITY else int(sys.argv[1])))
print(descriptors.claim(), descriptors.connections())
"""


def claimed(hard: int) -> tuple[int, int, str]:
    """Claim descriptors in a process that is allowed so many; return what it has, how many may connect, and what it logged."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM, str(hard)], capture_output=True, text=True, check=True, timeout=60)
    limit, connections = done.stdout.splitlines()[-1].split()
    return int(limit), int(connections), done.stdout


def test_a_small_limit_is_raised_as_far_as_it_may_be() -> None:
    limit, connections, said = claimed(1024)
    assert (limit, connections) == (1024, 1024 - descriptors.RESERVED)
    assert "few-descriptors" in said


def test_a_limit_that_is_large_enough_is_no_news() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 8192:
        pytest.skip(f"only {hard} descriptors are allowed here")
    limit, connections, said = claimed(8192)
    assert (limit, connections) == (8192, descriptors.MOST_FOR_CALLERS)
    assert "few-descriptors" not in said


@pytest.mark.parametrize("limit", [64, 400, 1024, 4096, 65_536, 10**6])
def test_callers_never_get_all_descriptors_of_a_server_that_has_enough_to_run(limit: int) -> None:
    connections = descriptors.connections(limit)
    assert descriptors.LEAST_FOR_CALLERS <= connections <= descriptors.MOST_FOR_CALLERS
    assert limit < descriptors.RESERVED + descriptors.LEAST_FOR_CALLERS or connections <= limit - descriptors.RESERVED
