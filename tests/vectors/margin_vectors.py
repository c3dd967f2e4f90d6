"""The peers' margin vectors, found through their index; a runner gives figures, and one comparison judges them all.

No case is special-cased: weights become factors, tiers become markets, grids become scenarios, and the figures come out
of the engine. Each file states its tolerance: `|got − expected| ≤ max(abs, rel·|expected|)`.
"""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.conftest import shared_folder

Given = dict[str, Any]


def folder_files() -> dict[str, dict[str, Any]]:
    folder = shared_folder() / "data" / "margin"
    if not folder.is_dir():
        return {}
    index = json.loads((folder / "index.json").read_text())
    files = {name: json.loads((folder / name).read_text(), parse_float=Decimal) for name in sorted(index["files"])}
    for name, file in files.items():
        assert len(file["cases"]) == index["files"][name]["cases"]
    return files


FILES = folder_files()


def index() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_folder() / "data" / "margin" / "index.json").read_text())
    return found


def load() -> list[tuple[str, dict[str, Any]]]:
    return [(name, case) for name, file in FILES.items() for case in file["cases"]]


def kind_of(case: dict[str, Any]) -> str:
    kind = case["inputs"].get("kind", "")
    return kind if isinstance(kind, str) else ""


def cases(*runners: tuple[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """All cases of these files and kinds, in the index's order."""
    return [(name, case) for name, case in load() if (name, kind_of(case)) in runners]


def ids(found: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [f"{name[:-5]}-{case['id']}" for name, case in found]


def defaults(name: str) -> dict[str, Any]:
    found: dict[str, Any] = FILES[name].get("defaults", {})
    return found


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Parameters of a case: those of the file, with parts replaced."""
    made = dict(base)
    for key, value in over.items():
        made[key] = merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
    return made


def differences(name: str, case: dict[str, Any], got: Given, expected: Given | None = None) -> list[str]:
    """Every expected figure that the engine does not give, within the case's own tolerance, else its file's."""
    wanted = case["expected"] if expected is None else expected
    tolerance = case.get("tolerance", FILES[name].get("tolerance", {}))
    found: list[str] = []
    for key, value in wanted.items():
        if key not in got:
            found.append(f"{key}: not given")
        else:
            _compare(key, got[key], value, tolerance, found)
    return found


def _compare(key: str, got: Any, wanted: Any, tolerance: dict[str, Any], found: list[str]) -> None:
    if isinstance(wanted, list):
        if not isinstance(got, list | tuple) or len(got) != len(wanted):
            found.append(f"{key}: another shape")
            return
        for i, (one, two) in enumerate(zip(got, wanted, strict=True)):
            _compare(f"{key}[{i}]", one, two, tolerance, found)
    elif isinstance(wanted, bool) or wanted is None or not isinstance(wanted, int | Decimal):
        if got != wanted:
            found.append(f"{key}: {got} is not {wanted}")
    elif not _close(key, got, wanted, tolerance):
        found.append(f"{key}: {got} is not {wanted}")


def _close(key: str, got: Any, wanted: int | Decimal, tolerance: dict[str, Any]) -> bool:
    if isinstance(got, str | bool):
        return False
    exact = Fraction(got)
    rel, absolute = Fraction(str(tolerance.get("rel", 0))), Fraction(str(tolerance.get("abs", 0)))
    if key.endswith("_truncated"):
        slack = max(absolute, rel * abs(exact))
        return wanted in (int(exact - slack), int(exact + slack))
    if "dp" in key.rsplit("_", maxsplit=1)[-1]:
        places = int(key.rsplit("_", maxsplit=1)[-1].split("dp", maxsplit=1)[0])
        return round(Decimal(repr(float(exact))), places) == Decimal(wanted)
    target = Fraction(wanted)
    return abs(exact - target) <= max(absolute, rel * abs(target))


def moved(value: Any) -> Any:
    """Another figure than the expected one: what a runner must notice."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return [moved(item) for item in value]
    if isinstance(value, str):
        return {"free": "warn", "warn": "free", "reduce_only": "free", "liquidate": "free"}.get(value, value + "1")
    return 1 if value is None else value * 2 + 1
