"""`xmargin margin` with past prices: from the store, from a file, too few, and files that are none."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.cli.test_cli import DEMO, run
from tests.cli.test_margin import BUNDLE, margin

DAY = 86_400
START = 1_790_000_000


def walk(seed: int, start: float, spread: float, count: int) -> list[str]:
    random, price = Random(seed), start
    made = []
    for _ in range(count):
        price *= 1 + random.gauss(0, spread)
        made.append(f"{price:.6f}")
    return made


def rows(count: int) -> list[tuple[int, str, str]]:
    eth, usd = walk(1, 3_000, 0.03, count), walk(2, 1, 0.0005, count)
    return [(START + n * DAY, eth[n], usd[n]) for n in range(count)]


def as_csv(folder: Path, count: int) -> Path:
    path = folder / "past.csv"
    path.write_text("time,ETH,USD\n" + "".join(f"{at},{eth},{usd}\n" for at, eth, usd in rows(count)))
    return path


def as_json(folder: Path, count: int) -> Path:
    path = folder / "past.json"
    prices = {
        "ETH": [{"at": at, "usd": eth} for at, eth, _ in rows(count)],
        "USD": [{"at": at, "usd": usd} for at, _, usd in rows(count)],
    }
    path.write_text(json.dumps({"prices": prices}))
    return path


def test_a_file_of_prices_gives_the_tail_risk_and_both_forms_the_same(tmp_path: Path) -> None:
    """Three hundred days: 299 joint moves, a backtest, and what rests on them is hypothetical."""
    shown = margin(tmp_path, *BUNDLE, "--past", as_csv(tmp_path, 300), "--allocate")
    past = shown["past"]
    assert (past["origin"], past["moves"], past["used"], past["step"]) == ("file", 299, True, DAY)
    assert past["tail"][0]["historical"]["observations"] == 299
    assert past["tail"] == shown["allocation"]["tail"]
    assert shown["hypothetical"] is True
    again = margin(tmp_path, *BUNDLE, "--past", as_json(tmp_path, 300))
    assert again["past"] == past


def keep(folder: Path, count: int, *, source: str = "proven: chainlink 0x01 on alpha") -> Path:
    """A store as earlier runs leave it: one report a day, each with its own prices."""
    account = folder / "a.toml"
    account.write_text(
        (DEMO / "account.toml").read_text().replace('preset = "strict"', 'preset = "strict"\nmax_age = "9999d"')
    )
    done = run("check", DEMO / "account.bundle", "--account", account, "--db", folder / "x.db", cwd=folder)
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(folder / "x.db") as sql:
        keys = [row[1] for row in sql.execute("PRAGMA table_info(margin_snapshots)") if row[1] != "id"]
        (kept,) = sql.execute(f"SELECT {', '.join(keys)} FROM margin_snapshots").fetchall()
        for at, eth, usd in rows(count):
            row = dict(zip(keys, kept, strict=True))
            report = json.loads(row["report"])
            for pool in report["margin"]["pockets"]:
                for part in (*pool["lines"], *pool["positions"]):
                    part["price"] |= {"usd": eth if part["group"] == "ETH" else usd, "age": 60, "source": source}
            row |= {"as_of": at + 60, "report": json.dumps(report)}
            marks = ", ".join("?" for _ in keys)
            sql.execute(
                f"INSERT INTO margin_snapshots ({', '.join(keys)}) VALUES ({marks})", [row[key] for key in keys]
            )
    sql.close()
    return account


def test_prices_of_earlier_runs_are_taken_from_the_store(tmp_path: Path) -> None:
    """By proof where there are such: the typed-in one of the latest run is left out; and said how many there were."""
    account = keep(tmp_path, 40)
    shown = margin(tmp_path, "--history", "--allocate", account=account)
    past = shown["past"]
    assert (past["origin"], past["moves"], past["used"]) == ("store", 39, True)
    eth = next(one for one in past["assets"] if one["asset"] == "ETH")
    assert (eth["prices"], eth["proven"]) == (40, True)
    assert (eth["first"]["unix"], eth["last"]["unix"]) == (START, START + 39 * DAY)
    assert shown["allocation"]["tail"][0]["historical"]["observations"] == 39
    assert len(shown["history"]["reports"]) == 41
    done = run("margin", account, "--history", "--db", tmp_path / "x.db", cwd=tmp_path)
    assert "39 joint moves in the store are used" in done.stderr and "by proof" in done.stdout


def test_too_few_prices_are_not_used_and_the_report_stays_the_account_s(tmp_path: Path) -> None:
    """Ten days in the store: said, and nothing rests on them; in a file that was named it is an error."""
    account = keep(tmp_path, 10)
    shown = margin(tmp_path, "--history", "--allocate", account=account)
    assert (shown["past"]["used"], shown["past"]["tail"], shown["hypothetical"]) == (False, [], False)
    assert shown["allocation"]["tail"][0]["note"] == "no past returns of ETH, USD"
    done = run("margin", account, "--history", "--db", tmp_path / "x.db", cwd=tmp_path)
    assert "30 are needed: not used; too few prices of ETH, USD" in done.stderr
    done = run("margin", account, *BUNDLE, "--past", as_csv(tmp_path, 10), cwd=tmp_path)
    assert done.returncode == 2 and "30 are needed: not used" in done.stderr


def test_typed_in_prices_are_taken_only_where_none_was_proven_and_spoilt_ones_never(tmp_path: Path) -> None:
    """They are called typed in; a row whose price is none is passed over."""
    account = keep(tmp_path, 40, source="me")
    with sqlite3.connect(tmp_path / "x.db") as sql:
        sql.execute('UPDATE margin_snapshots SET report = replace(report, \'"usd": "\', \'"usd": "-\') WHERE id = 30')
    sql.close()
    past = margin(tmp_path, "--history", account=account)["past"]
    assert [(one["proven"], one["prices"]) for one in past["assets"]] == [(False, 40), (False, 40)]
    assert past["moves"] == 37


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("p.csv", "", "the first line is not `time`"),
        ("p.csv", "ETH,time\n", "the first line is not `time`"),
        ("p.csv", "time,ETH,ETH\n", "each once"),
        ("p.csv", "time,ETH\n1,2,3\n", "line 2 has 3 cells"),
        ("p.csv", "time,ETH\n1790000000,NaN\n", "line 2, ETH"),
        ("p.csv", "time,ETH\n1790000000,-3\n", "line 2, ETH: expected a number above zero"),
        ("p.csv", "time,ETH\nyesterday,3\n", "line 2, ETH: expected a time"),
        ("p.csv", "time,ETH\n1790000000,3\n1790000000,4\n", "a second price of the same time"),
        ("p.json", "[]", "the one key"),
        ("p.json", '{"prices": {"ETH": 3}}', "prices.ETH is no list"),
        ("p.json", '{"prices": {"ETH": [{"at": 1790000000, "usd": 3.5}]}}', "prices.ETH[0]"),
        ("p.json", '{"prices": {"ETH": [{"at": 1790000000}]}}', "prices.ETH[0]"),
        ("p.json", "{", "p.json"),
        ("p.json", '{"prices": {}}', "no past prices in the file"),
    ],
)
def test_a_file_that_is_none_is_wrong_usage(tmp_path: Path, name: str, text: str, words: str) -> None:
    """Exit 2, and where it is wrong."""
    path = tmp_path / name
    path.write_text(text)
    done = run("margin", DEMO / "account.toml", *BUNDLE, "--past", path, cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr, done.stderr


def test_another_step_counts_other_moves_and_no_step_is_none(tmp_path: Path) -> None:
    """Each second day of a hundred; a step of no time is refused."""
    args: tuple[Any, ...] = (*BUNDLE, "--past", as_csv(tmp_path, 100))
    assert margin(tmp_path, *args, "--step", "2d")["past"]["moves"] == 49
    done = run("margin", DEMO / "account.toml", *args, "--step", "0s", cwd=tmp_path)
    assert done.returncode == 2 and "--step '0s'" in done.stderr
