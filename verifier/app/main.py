"""The console script. `--version` is answered before anything else is imported."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the program and end with its exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from verifier._version import __version__

        sys.stdout.write(f"xmargin {__version__}\n")
        sys.exit(0)
    from verifier.app.cli import run

    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
