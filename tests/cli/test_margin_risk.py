"""`xmargin margin` with the risk reports: what a user reads, what a program reads, and what is refused."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.cli.test_cli import DEMO, run
from tests.cli.test_margin import BUNDLE, margin

ALL = ("--liquidate", "--contagion", "--allocate", "--optimise")


def with_past() -> str:
    random = Random(3)
    eth = [f"{random.gauss(0, 0.03):.6f}" for _ in range(300)]
    usd = [f"{random.gauss(0, 0.0005):.6f}" for _ in range(300)]
    series = ", ".join(f'"{x}"' for x in eth)
    quiet = ", ".join(f'"{x}"' for x in usd)
    return f"""
[depths.ETH]
volume = "1000000"
volatility = "3%"

[returns]
step = "1d"

[returns.series]
ETH = [{series}]
USD = [{quiet}]
"""


@pytest.fixture
def dated(tmp_path: Path) -> Path:
    path = tmp_path / "dated.toml"
    path.write_text((DEMO / "account.toml").read_text() + with_past())
    return path


def test_every_report_is_there_for_a_program(tmp_path: Path, dated: Path) -> None:
    """Each under its key, held by the published schema; nothing where it was not asked for."""
    shown = margin(tmp_path, *BUNDLE, *ALL, "--fee", "0.1%", "--bonus", "5%", account=dated)
    assert {"liquidation", "contagion", "allocation", "optimisation"} <= shown.keys()
    (eth,) = [p for p in shown["liquidation"]["prices"] if p["asset"] == "ETH"]
    assert eth["lower"] is None and float(eth["upper"]) > float(eth["price"])
    assert float(shown["liquidation"]["joint"]["cross"]["distance"]) > 0
    assert (shown["liquidation"]["fee"], shown["liquidation"]["bonus"]) == (1_000, 50_000)
    kinds = {node["kind"] for node in shown["contagion"]["nodes"]}
    assert kinds == {"position", "asset", "network", "oracle"}
    assert shown["contagion"]["single_points"] == ["oracle:fixture"]
    for measure in shown["allocation"]["measures"]:
        total = sum(float(c["share"]) for c in measure["contributions"])
        assert abs(total - float(measure["total"])) <= 1e-6 * max(1.0, float(measure["total"]))
    (tail,) = shown["allocation"]["tail"]
    assert tail["historical"]["observations"] == 300 and tail["historical"]["backtest"]["periods"] == 50
    assert tail["simulated"]["seed"] == 1 and float(tail["required"]) > 0
    (limits,) = shown["optimisation"]
    assert limits["leverage"]["scale"] > 10**6 and limits["hedges"][0]["asset"] == "ETH"
    plain = margin(tmp_path, *BUNDLE, account=dated)
    assert not {"liquidation", "contagion", "allocation", "optimisation"} & plain.keys()


def test_the_same_question_has_the_same_bytes_on_any_number_of_threads(tmp_path: Path, dated: Path) -> None:
    """Drawn moves come from the seed, sums from a fixed order."""
    texts = []
    for threads in ("1", "2"):
        env = {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        args = ("margin", dated, *BUNDLE, *ALL, "--db", tmp_path / "x.db", "--json")
        done = run(*args, cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stderr
        texts.append([line for line in done.stdout.splitlines() if '"unix"' not in line and '"utc"' not in line
                      and '"evidence_age"' not in line])  # fmt: skip
    assert texts[0] == texts[1]


def test_a_failing_account_gets_a_plan(tmp_path: Path) -> None:
    """A rise fails the short: the plan closes it first, and exit code 6 says so."""
    args = (*BUNDLE, "--shock", "ETH=+380%", "--liquidate", "--optimise", "--fee", "0.1%", "--bonus", "5%")
    shown = margin(tmp_path, *args, code=6)
    (plan,) = shown["liquidation"]["plans"]
    assert plan["end"] == "restored" and plan["steps"][0]["act"] == "reduce"
    assert float(plan["after"]["equity"]) >= float(plan["after"]["initial"])
    assert shown["liquidation"]["loop"]["fallen"] == ["cross"]
    assert shown["optimisation"][0]["cheapest"]["reached"] is True
    assert shown["optimisation"][0]["cures"]


def test_a_person_reads_tables(tmp_path: Path, dated: Path) -> None:
    """Each report with its own heading."""
    done = run("margin", dated, *BUNDLE, *ALL, "--db", tmp_path / "x.db", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for title in ("Liquidation prices", "Joint moves", "Forced sales after a fall of 10%", "Failures: 1 single point",
                  "What hangs on what", "initial of cross", "Tail risk", "Capital efficiency", "Limits of cross",
                  "What would lower the risk"):  # fmt: skip
        assert title in done.stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--fee", "0.1"), "--fee '0.1' is no percentage"),
        (("--bonus", "101%"), "--bonus '101%': from 0% to 100%"),
        (("--bonus", "x%"), "--bonus 'x%'"),
        (("--seed", "-1"), "seed"),
    ],
)
def test_a_rate_that_is_none_is_wrong_usage(tmp_path: Path, args: tuple[Any, ...], words: str) -> None:
    """Exit 2, and the option by name."""
    done = run("margin", DEMO / "account.toml", *BUNDLE, "--liquidate", *args, "--db", tmp_path / "x.db", cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr
