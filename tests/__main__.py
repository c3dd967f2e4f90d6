"""
The whole suite in two processes side by side, what needs a node in one and the rest in the other: `python -m tests`.

Most of the time goes by in one interpreter, or in waiting for a node, so two cores are done in little more than half of
it. What needs nodes stays in one process: its tests take turns at the same nodes, and nodes are what minds a busy
machine. With arguments, or on one core, this is plain pytest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

LEFT_OUT = "not soak and not live"
WITHOUT, WITH = f"not node and {LEFT_OUT}", f"node and {LEFT_OUT}"


def pytest(*arguments: str) -> list[str]:
    """The command line of one process."""
    return [sys.executable, "-m", "pytest", *arguments]


def side_by_side(arguments: Sequence[str] = ()) -> int:
    """Both parts; what the one without nodes said is shown after the other. The first code that is not 0, or 0."""
    without, with_nodes = (pytest("-m", part, *arguments) for part in (WITHOUT, WITH))
    with tempfile.TemporaryFile() as said, subprocess.Popen(without, stdout=said, stderr=said) as other:
        try:
            code = subprocess.run(with_nodes, check=False).returncode
            others = other.wait()
        except BaseException:
            other.terminate()
            raise
        finally:
            said.seek(0)
            sys.stdout.flush()
            shutil.copyfileobj(said, sys.stdout.buffer)
    print(f"tests with nodes: exit {code}; tests without: exit {others}")
    return code or others


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main(arguments: Sequence[str]) -> int:
    """The exit code; no test found is one of pytest's own, and no success."""
    if arguments or cores() < 2:
        return subprocess.run(pytest(*arguments), check=False).returncode
    return side_by_side()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
