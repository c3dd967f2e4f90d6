"""Every MUST of the adversarial catalogue that this release's claims reach has a test that names it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import shared_folder

pytestmark = pytest.mark.shared
"""The catalogue stands beside the data: where that is promised, a missing page has failed and is not skipped."""

TESTS = Path(__file__).resolve().parents[1]
SECTIONS = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21}
OF_MARGIN = {"MRG-01", "MRG-02", "MRG-03", "MRG-04", "MRG-05", "MRG-06"}
OUT_OF_REACH = {}
"""Entries that nothing in this release can meet, each with the reason."""


def marked(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "covers":
            yield from (a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str))


@cache
def covered() -> set[str]:
    return {name for path in TESTS.rglob("test_*.py") for name in marked(ast.parse(path.read_text(encoding="utf-8")))}


def catalogue() -> dict[str, tuple[int, bool]]:
    """Each entry's id with its section, and whether it is a MUST."""
    page = shared_folder() / "reference" / "adversarial.md"
    if not page.is_file():
        pytest.skip(f"no adversarial catalogue at {page}")
    entries: dict[str, tuple[int, bool]] = {}
    section = 0
    for line in page.read_text(encoding="utf-8").splitlines():
        heading = re.match(r"## (\d+)\. ", line)
        if heading:
            section = int(heading[1])
        entry = re.match(r"\d+\. \*\*([A-Z0-9]+-\d+) (.*)", line)
        if entry:
            entries[entry[1]] = (section, "MUST" in entry[2])
    return entries


def test_every_must_in_reach_has_a_test_that_names_it() -> None:
    """Sections 1 to 17 and 21, and of section 20 what claims and declared positions reach."""
    entries = catalogue()
    due = {name for name, (section, must) in entries.items() if must and (section in SECTIONS or name in OF_MARGIN)}
    missing = sorted(due - covered() - OUT_OF_REACH.keys())
    assert not missing


def test_no_test_names_an_entry_that_does_not_exist() -> None:
    """A typing mistake in a mark would otherwise look like cover."""
    assert covered() <= catalogue().keys()


def test_what_is_out_of_reach_is_not_also_covered() -> None:
    """The list of exceptions shrinks as soon as it can."""
    assert not OUT_OF_REACH.keys() & covered()
