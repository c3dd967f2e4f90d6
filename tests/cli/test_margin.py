"""`xmargin margin`, as a user runs it: from a bundle and from the store, as it is and under what-ifs."""

from __future__ import annotations

import json
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.test_cli import DEMO, run
from tests.cli.test_schemas import checked
from verifier.app.report.tables import cents, cents_up
from verifier.margin.fixed import usd

BUNDLE = ("--bundle", DEMO / "account.bundle")
EXTRA = """
[margin]
settlement = "USD"

[[positions]]
market = "ETH-PERP"
kind = "put"
strike = "2800"
expiry = "2026-12-24T08:00:00Z"
size = "-5"
name = "short-put"

[[positions]]
market = "ETH-PERP"
kind = "future"
expiry = "2026-12-24T08:00:00Z"
entry = "3000"
size = "4"
name = "future"

[[positions]]
market = "ETH-PERP"
kind = "inverse"
multiplier = "10"
entry = "3000"
size = "-100"
name = "inverse"

[[orders]]
market = "ETH-PERP"
size = "-10"
limit = "2950"

[[expiries]]
group = "ETH"
expiry = "2026-12-24T08:00:00Z"
at = "2026-11-24T05:15:54Z"
forward = "3020"
rate = "4%"
volatility = "65%"

[[routes]]
start = "alpha"
end = "beta"
capacity = "10000"
cost = "0.1%"
latency = "10m"
"""


def margin(tmp_path: Path, *args: Any, account: Path = DEMO / "account.toml", code: int = 0) -> dict[str, Any]:
    done = run("margin", account, *args, "--db", tmp_path / "x.db", "--json", cwd=tmp_path)
    assert done.returncode == code, done.stderr + done.stdout
    shown: dict[str, Any] = checked("margin", done.stdout)
    return shown


@pytest.fixture
def richer(tmp_path: Path) -> Path:
    path = tmp_path / "richer.toml"
    path.write_text((DEMO / "account.toml").read_text() + EXTRA)
    return path


def test_a_bundle_is_weighed_in_every_mode(tmp_path: Path, richer: Path) -> None:
    """Options, futures, inverse perpetuals and orders; each position under each mode; a schema holds it all."""
    shown = margin(tmp_path, *BUNDLE, "--mode", "portfolio", "--scenarios", account=richer)
    assert [row["mode"] for row in shown["modes"]["account"]] == ["cross", "isolated", "portfolio", "mixed"]
    assert len(shown["modes"]["positions"]) == 4
    assert shown["hypothetical"] is True
    (scenarios,) = shown["scenarios"]
    assert len(scenarios["scenarios"]) == 30
    charged = {name for name, both in scenarios["contingencies"].items() if float(both["initial"])}
    assert charged == {"perp", "short-option", "future", "calendar", "collateral"}
    parts = [scenarios["required"], scenarios["contingencies"]["collateral"], scenarios["contingencies"]["data"]]
    parts += scenarios["beside"].values()
    for level in ("initial", "maintenance"):
        assert sum(Decimal(part[level]) for part in parts) == Decimal(scenarios["total"][level])
        assert scenarios["total"][level] == shown["margin"]["pockets"][0]["low"][level]
    kinds = [p.get("terms", {}).get("kind") for p in shown["margin"]["pockets"][0]["positions"]]
    assert kinds == [None, "put", "future", "inverse"]
    assert shown["margin"]["pockets"][0]["orders"][0]["side"] == "asks"


def test_a_shock_moves_the_price_and_a_sibling_in_bad_form_is_refused(tmp_path: Path) -> None:
    """-30 % of 3,000 is 2,100; a shock without a percent sign, or of an unknown asset, is not guessed at."""
    shown = margin(tmp_path, *BUNDLE, "--shock", "ETH=-30%")
    prices = {line["group"]: line["price"]["usd"] for line in shown["margin"]["pockets"][0]["lines"]}
    assert prices["ETH"] == "2100"
    for bad, error in (("ETH=-30", "UsageError"), ("ETH=-100%", "UsageError"), ("ETC=-30%", "UnknownName")):
        done = run("margin", DEMO / "account.toml", *BUNDLE, "--shock", bad, "--json", cwd=tmp_path)
        assert (done.returncode, json.loads(done.stdout)["error"]) == (2, error)


def test_a_deep_shock_calls_for_margin_and_says_what_would_do(tmp_path: Path) -> None:
    """A short position and a price that doubles: the exit code says it, and cures stand beside it."""
    account = tmp_path / "a.toml"
    text = (DEMO / "account.toml").read_text()
    account.write_text(
        text.replace('size = "-40"', 'size = "-100"').replace("accept_contracts = [\n", "accept_contracts = [\n")
    )
    shown = margin(tmp_path, *BUNDLE, "--shock", "ETH=+150%", account=account, code=6)
    (cure,) = shown["cures"]
    assert float(cure["cash"]) > 0
    assert {deposit["group"] for deposit in cure["deposits"]} == {"ETH", "USD"}
    assert shown["quality"][0]["certain"] is True
    (rungs,) = shown["ladder"]
    low = shown["margin"]["pockets"][0]["low"]
    assert Decimal(rungs["above"]["liquidation"]) == Decimal(low["equity"]) - Decimal(low["maintenance"]) < 0
    assert Decimal(rungs["above"]["warning"]) <= Decimal(rungs["above"]["margin-call"]) < 0


@pytest.mark.parametrize(("name", "code"), [("aave-like", 6), ("derive-like", 0), ("perp-venue", 0), ("span-like", 0)])
def test_every_bundled_profile_weighs_the_account(tmp_path: Path, name: str, code: int) -> None:
    """A venue's rules in place of the file's own; a lending market knows no perpetual, and asks for all of it."""
    shown = margin(tmp_path, *BUNDLE, "--profile", name, code=code)
    assert shown["profile"] == name


def test_a_profile_of_one_s_own_and_one_with_a_misspelt_rule(tmp_path: Path) -> None:
    """TOML or JSON; an unknown key is an error that names it."""
    good = tmp_path / "own.toml"
    good.write_text(
        'format = "xmargin/margin-profile"\nversion = 1\nname = "own"\ntitle = "t"\nsource = "s"\nmode = "cross"\n'
    )
    assert margin(tmp_path, *BUNDLE, "--profile", good, code=6)["profile"] == "own"
    bad = tmp_path / "bad.toml"
    bad.write_text(good.read_text() + "[rules]\nlader = {}\n")
    done = run("margin", DEMO / "account.toml", *BUNDLE, "--profile", bad, "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert "lader" in json.loads(done.stdout)["message"]


def test_from_the_store_with_history(tmp_path: Path) -> None:
    """What check kept is found again by name; what-ifs never become the account's snapshot."""
    account = tmp_path / "a.toml"
    account.write_text(
        (DEMO / "account.toml").read_text().replace('preset = "strict"', 'preset = "strict"\nmax_age = "9999d"')
    )
    db = tmp_path / "x.db"
    assert run("check", DEMO / "account.bundle", "--account", account, "--db", db, cwd=tmp_path).returncode == 0
    shown = margin(tmp_path, "--history", account=account)
    assert shown["hypothetical"] is False
    (kept,) = shown["history"]["reports"]
    done = run("margin", account, "--history", "--db", db, cwd=tmp_path)
    row = next(row for row in done.stdout.split("Reports", 1)[1].splitlines() if kept["status"] in row)
    for figure, rounded in (("equity_low", cents), ("initial", cents_up), ("maintenance", cents_up)):
        assert rounded(usd(kept[figure])) in row.split()
    assert margin(tmp_path, "--shock", "ETH=-10%", account=account)["hypothetical"] is True
    with sqlite3.connect(db) as connection:
        assert connection.execute("SELECT count(*) FROM margin_snapshots").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (4,)


def test_what_was_declared_of_markets_is_listed(tmp_path: Path, richer: Path) -> None:
    """In the report of the account itself, beside declared prices and positions; a plain file's has no such key."""
    done = run("check", DEMO / "account.bundle", "--account", richer, "--json", "--db", tmp_path / "y.db", cwd=tmp_path)
    declared = json.loads(done.stdout)["margin"]["declared"]
    assert declared["market"]["expiries"][0]["forward"] == "3020"
    assert declared["market"]["orders"][0]["size"] == "-10"
    assert declared["market"]["routes"][0]["latency"] == 600
    plain = run(
        "check",
        DEMO / "account.bundle",
        "--account",
        DEMO / "account.toml",
        "--json",
        "--db",
        tmp_path / "y.db",
        cwd=tmp_path,
    )
    assert "market" not in json.loads(plain.stdout)["margin"]["declared"]


def test_a_wrapped_asset_falls_with_its_bridge(tmp_path: Path) -> None:
    """Named in the file it is a node of its own; a key that is no place is named."""
    account = tmp_path / "a.toml"
    text = (DEMO / "account.toml").read_text()
    account.write_text(text + '\n[bridges]\n"beta:PKD" = "portal"\n')
    shown = margin(tmp_path, *BUNDLE, "--contagion", account=account)
    assert '"portal"' in json.dumps(shown["contagion"])
    assert '"portal"' not in json.dumps(margin(tmp_path, *BUNDLE, "--contagion")["contagion"])
    account.write_text(text + '\n[bridges]\nPKD = "portal"\n')
    done = run("margin", account, *BUNDLE, "--json", cwd=tmp_path)
    assert [p["path"] for p in json.loads(done.stdout)["problems"]] == ["bridges.PKD"]


def test_without_evidence_the_remedy_is_named(tmp_path: Path) -> None:
    """Nothing kept, nothing named: exit 2."""
    done = run("margin", DEMO / "account.toml", "--db", tmp_path / "none.db", "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert "--bundle" in done.stderr


def test_a_key_that_a_kind_does_not_have_is_named(tmp_path: Path, richer: Path) -> None:
    """A strike on a future is a mistake, and an option without one too."""
    richer.write_text(richer.read_text().replace('kind = "future"', 'kind = "future"\nstrike = "3000"'))
    done = run("margin", richer, *BUNDLE, "--json", cwd=tmp_path)
    paths = [p["path"] for p in json.loads(done.stdout)["problems"]]
    assert (done.returncode, paths) == (2, ["positions[2].strike"])


def test_the_table_shows_what_the_object_holds(tmp_path: Path, richer: Path) -> None:
    """For people: the account, the modes and the scenarios."""
    done = run("margin", richer, *BUNDLE, "--scenarios", "--db", tmp_path / "x.db", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for words in (
        "hypothetical, mode cross",
        "By mode",
        "What each position requires",
        "+18% vol up",
        "= the pool requires",
    ):
        assert words in done.stdout


def test_a_changed_field_does_not_fit_the_schema(tmp_path: Path) -> None:
    """Money is decimal text: a number in its place is refused by the published schema."""
    shown = margin(tmp_path, *BUNDLE)
    schema = json.loads((Path(__file__).resolve().parents[2] / "docs" / "schema" / "margin.json").read_text())
    shown["venues"]["offset"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(shown, schema)


def test_a_place_is_judged_by_the_profile_that_the_file_names(tmp_path: Path) -> None:
    """A position on alpha by a perpetual venue's rules; a profile that is not there is named with its line."""
    account = tmp_path / "a.toml"
    text = (
        (DEMO / "account.toml")
        .read_text()
        .replace('size = "-40"', 'size = "-40"\nnetwork = "alpha"\nprotocol = "perps one"')
    )
    account.write_text(text + '\n[[venues]]\nprotocol = "perps"\nprofile = "perp-venue"\n')
    places = {(v["network"], v["protocol"]): v for v in margin(tmp_path, *BUNDLE, account=account)["venues"]["venues"]}
    assert places["alpha", "perps one"]["initial"].startswith("4800")
    account.write_text(text)
    places = {(v["network"], v["protocol"]): v for v in margin(tmp_path, *BUNDLE, account=account)["venues"]["venues"]}
    assert places["alpha", "perps one"]["initial"].startswith("6000")
    account.write_text(text + '\n[[venues]]\nprotocol = "perps"\nprofile = "perp-venu"\n')
    done = run("margin", account, *BUNDLE, "--json", cwd=tmp_path)
    assert [p["path"] for p in json.loads(done.stdout)["problems"]] == ["venues[0].profile"]
