"""`xmargin margin` with the risk reports: what a user reads, what a program reads, and what is refused."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.cli.test_cli import DEMO, ROOT, run
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
    assert tail["horizon"] == 86_400 and 0 < float(tail["floor"]) < float(tail["stressed"])
    figures = [tail["historical"]["expected_shortfall"], tail["filtered"]["expected_shortfall"], tail["floor"]]
    assert float(tail["required"]) >= max(map(float, figures))
    longer = margin(tmp_path, *BUNDLE, "--allocate", "--horizon", "4d", account=dated)["allocation"]["tail"][0]
    mixed = margin(tmp_path, *BUNDLE, "--allocate", "--horizon", "4d", "--horizon", "ETH=8d", account=dated)
    assert mixed["allocation"]["tail"][0]["horizons"] == {"ETH": 8 * 86_400}
    assert float(mixed["allocation"]["tail"][0]["required"]) > float(longer["required"])
    assert longer["horizon"] == 4 * 86_400 and float(longer["required"]) > 1.5 * float(tail["required"])
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


def peers(folder: Path, extra: str = "") -> Path:
    """The file that docs/risk.md shows."""
    page = (ROOT / "docs" / "risk.md").read_text()
    path = folder / "peers.toml"
    path.write_text(page.split("```toml\n")[1].split("```")[0] + extra)
    return path


def test_several_accounts_fall_in_an_order(tmp_path: Path, dated: Path) -> None:
    """The page's own example: a fund of 3 million that owes 3.5; what it owes the account is paid in part."""
    shown = margin(tmp_path, *BUNDLE, "--contagion", "--accounts", peers(tmp_path), account=dated)
    own, fund = shown["contagion"]["among"]["accounts"]
    assert (own["name"], fund["name"]) == ("demo", "fund-b")
    assert fund["fallen"] == 1 and float(fund["direct"]) == pytest.approx(300_000)
    assert 0 < float(own["received"]) < float(own["due"]) == 1_500_000
    (eth,) = [a for a in shown["contagion"]["among"]["assets"] if a["asset"] == "ETH"]
    assert eth["move"] == -100_000 and eth["effect"] < 0 and float(eth["sold"]) > 0
    done = run(
        "margin", dated, *BUNDLE, "--contagion", "--accounts", peers(tmp_path), "--db", tmp_path / "x.db", cwd=tmp_path
    )
    assert "Among accounts, as the file has them" in done.stdout and "as number 1" in done.stdout


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ('[[claims]]\ndebtor = "demo"\ncreditor = "nobody"\nusd = "1"\n', "one of demo, fund-b"),
        ('[[accounts]]\nname = "demo"\nholds = {}\n', "each name once"),
        ('[[claims]]\ndebtor = "demo"\ncreditor = "demo"\nusd = "1"\n', "another creditor"),
        ('[[claims]]\ndebtor = "demo"\ncreditor = "fund-b"\nusd = "0"\n', "above zero"),
        ('[[accounts]]\nname = "x"\nhold = {}\n', "holds"),
        ('[[accounts]]\nname = "x"\nholds = { ETH = 1.5 }\n', "float"),
    ],
)
def test_a_file_of_accounts_that_cannot_be_is_wrong_usage(tmp_path: Path, extra: str, words: str) -> None:
    """Exit 2, and what is wrong with it."""
    args = (*BUNDLE, "--contagion", "--accounts", peers(tmp_path, extra), "--db", tmp_path / "x.db")
    done = run("margin", DEMO / "account.toml", *args, cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr, done.stderr


def test_a_plan_is_spread_over_a_time(tmp_path: Path, dated: Path) -> None:
    """Of a healthy account, everything open; of a failing one, its plan; without the option, nothing."""
    calm = margin(tmp_path, *BUNDLE, "--liquidate", "--over", "4h", "--aversion", "0.01", account=dated)
    (found,) = calm["liquidation"]["schedules"]
    assert (found["asset"], found["everything"], found["pace"]["seconds"]) == ("ETH", True, 14_400)
    assert found["pace"]["left"][-1] == "0" and len(found["pace"]["left"]) == 13
    assert float(found["pace"]["expected_cost"]) >= float(found["pace"]["even"]["expected_cost"])
    failing = margin(tmp_path, *BUNDLE, "--liquidate", "--over", "4h", "--shock", "ETH=+380%", account=dated, code=6)
    assert not any(one["everything"] for one in failing["liquidation"]["schedules"])
    assert margin(tmp_path, *BUNDLE, "--liquidate", account=dated)["liquidation"]["schedules"] == []


def test_another_mix_of_the_collateral_is_the_engine_s(tmp_path: Path, dated: Path) -> None:
    """The same value in other parts, none of which moves by more than the turnover."""
    shown = margin(tmp_path, *BUNDLE, "--optimise", "--turnover", "1%", account=dated)
    mix = shown["optimisation"][0]["mix"]
    now, then = (sum(float(h[key]) for h in mix["holdings"]) for key in ("now", "then"))
    assert {h["asset"] for h in mix["holdings"]} == {"ETH", "USD"} and then == pytest.approx(now)
    assert all(abs(float(h["then"]) - float(h["now"])) <= now / 100 + 1 for h in mix["holdings"])
    assert float(mix["shortfall_after"]) <= float(mix["shortfall_before"])
    bare = margin(tmp_path, *BUNDLE, "--optimise")["optimisation"][0]["mix"]
    assert bare["note"].startswith("no past returns") and bare["after"] is None


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
        (("--over", "0s"), "--over '0s': from 1s to 30d"),
        (("--horizon", "31d"), "--horizon '31d': from 1s to 30d"),
        (("--horizon", "4h", "--horizon", "5h"), "--horizon '5h' is said twice"),
        (("--horizon", "DOGE=5h", "--allocate"), "--horizon DOGE=…: the account has"),
        (("--over", "soon"), "--over 'soon'"),
        (("--aversion", "2"), "--aversion '2': from 0 to 1"),
        (("--aversion", "1e-6"), "--aversion '1e-6'"),
        (("--turnover", "0%"), "--turnover '0%': from above 0% to 100%"),
        (("--accounts", "account.toml"), "--accounts"),
    ],
)
def test_a_rate_that_is_none_is_wrong_usage(tmp_path: Path, args: tuple[Any, ...], words: str) -> None:
    """Exit 2, and the option by name."""
    done = run("margin", DEMO / "account.toml", *BUNDLE, "--liquidate", *args, "--db", tmp_path / "x.db", cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr


def test_an_option_without_its_report_is_wrong_usage(tmp_path: Path) -> None:
    """It would change nothing, and says to which report it belongs."""
    for option, value, report in (
        ("--over", "4h", "--liquidate"), ("--aversion", "0.1", "--over"), ("--accounts", peers(tmp_path), "--contagion"),
        ("--turnover", "5%", "--optimise"), ("--step", "2d", "--history"), ("--horizon", "4h", "--allocate"),
    ):  # fmt: skip
        done = run("margin", DEMO / "account.toml", *BUNDLE, option, value, cwd=tmp_path)
        assert done.returncode == 2 and f"{option} without {report}" in done.stderr


def test_parts_go_by_names_that_people_read_and_each_by_its_own(tmp_path: Path, dated: Path) -> None:
    """Two holders of one coin on one network are told apart; a program still gets the whole ids."""
    done = run("margin", dated, *BUNDLE, "--optimise", "--contagion", "--db", tmp_path / "x.db", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    names = ("withdraw ETH on alpha ", "withdraw ETH on gamma of 0xa11ce000… ", "withdraw ETH on gamma of 0xe4100000… ")
    assert all(name in done.stdout for name in (*names, "position ETH-PERP-1", "oracle fixture"))
    assert "holding:31337" not in done.stdout
    shown = margin(tmp_path, *BUNDLE, "--optimise", account=dated)
    assert shown["optimisation"][0]["leverage"]["withdrawals"][0]["name"].startswith("holding:31337:native:0xa11ce")


def test_a_coin_margined_contract_is_worth_its_dollars(tmp_path: Path, dated: Path) -> None:
    """A hundred of 10 USD are 1,000 whatever the price: not a hundred coins, in exposures, edges, leverage and sales."""
    page = dated.read_text()
    dated.write_text(
        page
        + """
[[positions]]
market = "ETH-PERP"
kind = "inverse"
multiplier = "10"
entry = "3000"
size = "-100"
name = "inverse"
"""
    )
    shown = margin(tmp_path, *BUNDLE, "--contagion", "--optimise", "--allocate", "--liquidate", account=dated)
    edges = {(e["source"], e["target"]): float(e["money"]) for e in shown["contagion"]["edges"]}
    assert edges["asset:ETH", "position:declared-position:inverse"] == 1_000
    bare = margin(tmp_path, *BUNDLE, "--optimise", account=DEMO / "account.toml")
    gross = [float(one["optimisation"][0]["leverage"]["gross"]) for one in (shown, bare)]
    assert gross[0] - gross[1] == 1_000
    (sigma,) = [m for m in shown["allocation"]["measures"] if m["measure"] == "sigma"]
    share = {c["part"]: float(c["share"]) for c in sigma["contributions"]}
    assert 0 < share["declared-position:inverse"] < share["declared-position:ETH-PERP-1"] / 100
    failing = margin(tmp_path, *BUNDLE, "--liquidate", "--fee", "1%", "--shock", "ETH=+6000%", account=dated, code=6)
    (plan,) = failing["liquidation"]["plans"]
    (cost,) = [float(s["cost"]) for s in plan["steps"] if s["part"] == "declared-position:inverse"]
    assert cost < 200
