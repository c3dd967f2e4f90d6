"""Runs a scheduler in a forked child each time it is told to, so that it can be killed often without long starts.

Reads lines on stdin: `go <tick>` forks a child that serves the jobs file, and prints its process id. The imports are made
once, before the first fork; the child then is what `xmargin schedule` would be.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import eth_keys.datatypes  # noqa: F401 - loaded before the fork, as everything heavy is

import chains.execution  # noqa: F401
import verifier.app.alerts
import verifier.app.attesting
import verifier.crypto.bls  # noqa: F401
from verifier.app.commands.schedule import open_scheduler
from verifier.app.commands.state import State


def main(path: Path) -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        tick = float(line.split()[1])
        child = os.fork()
        if child == 0:
            scheduler = open_scheduler(State(), path, None)
            scheduler.serve(tick=tick)
            os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("gone", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
