"""What the pages say is what the program does: code blocks run, links lead somewhere, commands exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_to_files(page: Path) -> None:
    """Every relative link of a page exists."""
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_readme_s_library_example_runs(tmp_path: Path) -> None:
    """The Python block of the README, as it stands, on a bundle: it prints one line for each claim."""
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    shutil.copy(ROOT / "fixtures" / "demo" / "account.bundle", tmp_path)
    (tmp_path / "example.py").write_text(block)
    done = subprocess.run(
        [sys.executable, "example.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 9


def test_the_readme_shows_what_the_demo_shows() -> None:
    """Each line of the README's demo block is a line of the demo's output, or with "…" at its end the beginning of one."""
    block = re.findall(r"\$ make demo\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[0]
    done = subprocess.run(
        [sys.executable, "-m", "verifier.app.main", "demo"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    shown = [line.rstrip() for line in done.stdout.splitlines()]
    for line in block.splitlines():
        assert line in {"", "…"} or any(_shows(full, line) for full in shown), line


def _shows(full: str, line: str) -> bool:
    return full.startswith(line.removesuffix("…")) if line.endswith("…") else full == line


def test_every_command_is_documented() -> None:
    """Each command and database verb of the program stands on the page of the command line."""
    page = (ROOT / "docs" / "cli.md").read_text()
    for args in ((), ("db",), ("config",)):
        done = subprocess.run(
            [sys.executable, "-m", "verifier.app.main", *args, "--help"],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=True,
        )
        for name in re.findall(r"^  ([a-z]+)  ", done.stdout.partition("Commands:")[2], re.MULTILINE):
            assert name in page, name
