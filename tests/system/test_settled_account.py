"""One account over a parent and two rollups that settle on it, by the program as a user runs it."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from tests.cli.test_cli import run
from tests.cli.test_schemas import checked
from tests.nodes.anvil import Anvil
from tests.nodes.contracts import ALICE
from tests.system.settled_accounts import PROPOSED, Account, fresh_game, settled_account, settled_block
from tests.verifier.app.account import compiled
from verifier.app.findings import of_run
from verifier.app.json_view import findings_json
from verifier.app.report.tables import findings_view
from verifier.app.service import verify_account
from verifier.primitives import Timestamp


@pytest.fixture(scope="module")
def account(anvil_factory: Callable[..., Anvil]) -> Iterator[Account]:
    with settled_account(anvil_factory) as made:
        yield made


@pytest.mark.node("ethereumjs")
def test_an_account_over_a_parent_and_two_rollups_is_healthy(account: Account, tmp_path: Path) -> None:
    """Only the parent's block is pinned; the balances are what the contracts report, each rollup's settled."""
    (tmp_path / "account.toml").write_text(account.toml())
    done = run("verify", "account.toml", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    found = json.loads(done.stdout)
    amounts = {one["network"]: int(one["amount"]) for one in found["claims"]}
    assert amounts == {name: token.balance_of(ALICE) for name, token in account.tokens.items()}
    trusts = {one["network"]: one["trust"]["settlement"] for one in found["claims"]}
    assert trusts == {"parent": None, "op": "settled", "arb": "settled"}


@pytest.mark.node("ethereumjs")
def test_the_trail_passes_the_settlement_and_ends_at_the_parents_pin(account: Account, tmp_path: Path) -> None:
    """`gather`, then `explain` offline: from the pin over the game to the token's units."""
    (tmp_path / "account.toml").write_text(account.toml())
    assert run("gather", "account.toml", "-o", "one.bundle", cwd=tmp_path).returncode == 0
    done = run("explain", "one.bundle", "--account", "account.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    for words in (
        "trust root parent",
        "op settled by op_portal: dispute game 0x",
        "arb settled by bold: send root 0x5e",
    ):
        assert words in text
    checked = run("check", "one.bundle", "--account", "account.toml", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.node("ethereumjs")
def test_code_that_nobody_reviewed_refuses_the_rollups_alone(account: Account, tmp_path: Path) -> None:
    """Without pins of code the rollups are refused by name, and the parent's balance stands."""
    (tmp_path / "account.toml").write_text(account.toml(codes=False))
    done = run("verify", "account.toml", "--json", cwd=tmp_path)
    assert done.returncode == 3
    found = json.loads(done.stdout)
    errors = {one["network"]: one.get("error", {}).get("kind") for one in found["claims"] if one["status"] != "proven"}
    assert set(errors) == {"op", "arb"}
    assert "no code was reviewed" in done.stdout


@pytest.mark.node("ethereumjs")
def test_a_denied_game_is_refused_whatever_its_portal_says(account: Account, tmp_path: Path) -> None:
    game, _ = account.games.factory.view("gameAtIndex(uint256)(uint32,uint64,address)", 0)[1:], None
    (tmp_path / "account.toml").write_text(account.toml(denied=f'"{game[1].lower()}"'))
    done = run("verify", "account.toml", cwd=tmp_path)
    assert done.returncode == 3
    assert "denylist" in " ".join((done.stdout + done.stderr).split())


# --- how old the newest root is --------------------------------------------------------------------------


def roots_of(name: str, cwd: Path, code: int = 0) -> tuple[dict, str]:
    """What `networks NAME --probe` says of a rollup's roots, as an object and as its table."""
    done = run("networks", name, "--probe", "--account", "account.toml", "--json", cwd=cwd)
    assert done.returncode == code, done.stderr
    assert json.loads(done.stdout)["exit_code"] == code
    table = run("networks", name, "--probe", "--account", "account.toml", cwd=cwd)
    assert table.returncode == code, table.stderr
    return checked("probe", done.stdout)["roots"], " ".join(table.stdout.split())


@pytest.mark.node("ethereumjs")
def test_the_newest_settled_and_posted_roots_are_shown_with_their_ages(account: Account, tmp_path: Path) -> None:
    """Of the authors' games: the settled one's block, and beside it the fresh one's; ages by the parent's clock."""
    old = account.op.block(hex(settled_block(account)))
    fresh = fresh_game(account)
    (tmp_path / "account.toml").write_text(account.toml())
    now = int(account.parent.block("latest")["timestamp"], 16)
    roots, table = roots_of("op", tmp_path)
    assert (roots["parent"]["network"], roots["parent"]["anchor"]) == ("parent", "pinned")
    for grade, block in (("settled", old), ("proposed", fresh)):
        found = roots[grade]
        assert (found["status"], found["hash"], found["state_proofs"]) == ("proven", block["hash"], True)
        assert found["age"] == now - int(block["timestamp"], 16)
        assert found["entry"].startswith("dispute game 0x")
    assert roots["settled"]["open_points"] == []
    assert roots["proposed"]["open_points"]
    assert f"block {int(old['number'], 16)}," in table
    assert "anchor pinned" in table


@pytest.mark.node("ethereumjs")
def test_the_outbox_of_the_authors_holds_a_settled_root_and_nothing_newer(account: Account, tmp_path: Path) -> None:
    """Its newest send root, confirmed; there is nothing beside it that is only posted."""
    (tmp_path / "account.toml").write_text(account.toml())
    roots, table = roots_of("arb", tmp_path)
    now = int(account.parent.block("latest")["timestamp"], 16)
    assert roots["settled"]["age"] == now - roots["settled"]["time"]["unix"]
    assert roots["settled"]["entry"].startswith("send root 0x5e")
    assert roots["proposed"] == {"status": "none", "refusal": None}
    assert "none is newer than the settled one" in table


@pytest.mark.node("ethereumjs")
def test_roots_under_code_that_nobody_reviewed_are_refused_by_name(account: Account, tmp_path: Path) -> None:
    """The rejecting sibling: the same contracts without pins of their code. The endpoint itself is fine; exit 3."""
    (tmp_path / "account.toml").write_text(account.toml(codes=False))
    for name in ("op", "arb"):
        roots, table = roots_of(name, tmp_path, code=3)
        assert (roots["settled"]["status"], roots["settled"]["refusal"]["error"]) == ("refused", "UnreviewedCode")
        assert "UnreviewedCode" in table


@pytest.mark.node("ethereumjs")
def test_without_a_pin_the_parents_block_is_an_endpoints_word_and_says_so(account: Account, tmp_path: Path) -> None:
    """The ages are shown all the same, under the anchor that there is."""
    text = account.toml()
    pin = next(line for line in text.splitlines() if line.startswith("pin = "))
    (tmp_path / "account.toml").write_text(text.replace(pin, ""))
    account.parent.mine(8)  # what endpoints say is taken some blocks below their newest
    roots, table = roots_of("op", tmp_path)
    assert (roots["parent"]["anchor"], roots["settled"]["status"]) == ("rpc", "proven")
    assert "anchor rpc" in table


def test_without_endpoints_a_rollup_says_how_to_get_its_newest_root(tmp_path: Path) -> None:
    """Nothing is asked unless told to, and a network with a consensus of its own has no such root."""
    shown = run("networks", "base", "--json", cwd=tmp_path)
    (base,) = checked("networks", shown.stdout)["networks"]
    assert base["newest_root"].startswith("not asked: xmargin networks base --probe")
    asked = run("networks", "base", "--probe", cwd=tmp_path)
    assert asked.returncode == 2
    assert "base has no endpoint" in asked.stderr
    (ethereum,) = checked("networks", run("networks", "ethereum", "--json", cwd=tmp_path).stdout)["networks"]
    assert "newest_root" not in ethereum


# --- roots that are only posted --------------------------------------------------------------------------


@pytest.mark.node("ethereumjs")
def test_a_proposed_root_counts_by_its_conditions_beside_its_settled_floor(
    account: Account, tmp_path: Path, second_host: str
) -> None:
    """A fresh game: refused without a quorum, counted at its haircut with one; the settled figure stands beside it."""
    settled = account.tokens["op"].balance_of(ALICE)
    account.tokens["op"].transfer(ALICE, account.op.accounts[5], 7)
    fresh_game(account)
    (tmp_path / "account.toml").write_text(account.toml(proposed=PROPOSED))
    done = run("verify", "account.toml", "--json", cwd=tmp_path)
    assert done.returncode == 3, done.stdout[-2000:]
    (lost,) = [one for one in json.loads(done.stdout)["claims"] if one["status"] != "proven"]
    assert lost["network"] == "op"
    assert "a proposed root: the quorum on its block" in lost["refusal"]["message"]
    url = account.op.url.replace("127.0.0.1", second_host)
    text = account.toml(proposed=PROPOSED, second=f', {{ name = "other-op", url = "{url}", operator = "other" }}')
    findings = of_run("verify", verify_account(compiled(text, environ={}), now=Timestamp(int(time.time()))))
    found = checked("run", json.dumps(findings_json(findings)))
    by_network = {one["network"]: one for one in found["claims"]}
    assert by_network["op"]["trust"]["settlement"] == "proposed"
    assert int(by_network["op"]["amount"]) == settled - 7
    assert found["exit_code"] == 0
    (floor,) = found["settled_floor"]
    assert (floor["network"], int(floor["amount"]), floor["trust"]["settlement"]) == ("op", settled, "settled")
    assert any(note.startswith("op: a proposed root") for note in found["notes"])
    assert any(note.startswith("arb: a settled root") for note in found["notes"])
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(findings_view(findings))
    assert "and their settled floor" in console.export_text()


@pytest.mark.node("ethereumjs")
def test_a_settled_figure_stands_beside_what_a_proposed_root_gives(account: Account, tmp_path: Path) -> None:
    """The floor counts; the fresh figure, by one endpoint's word on its block, is shown and weighs nothing."""
    settled = account.tokens["op"].balance_of(ALICE, hex(settled_block(account)))
    account.tokens["op"].transfer(ALICE, account.op.accounts[5], 11)
    fresh_game(account)
    now = account.tokens["op"].balance_of(ALICE)
    (tmp_path / "account.toml").write_text(account.toml())
    done = run("verify", "account.toml", "--json", cwd=tmp_path)
    found = checked("run", done.stdout)
    assert done.returncode == 0
    by_network = {one["network"]: one for one in found["claims"]}
    assert (int(by_network["op"]["amount"]), by_network["op"]["trust"]["settlement"]) == (settled, "settled")
    (fresh,) = found["fresh"]
    assert (fresh["network"], int(fresh["amount"]), fresh["trust"]["settlement"]) == ("op", now, "proposed")
    assert fresh["block"]["time"]["unix"] > by_network["op"]["block"]["time"]["unix"]
    assert any(note.startswith("op: a settled root") and "beside it stands" in note for note in found["notes"])
    assert any(note.startswith("arb: a settled root") and "no root is posted" in note for note in found["notes"])
    table = " ".join(run("verify", "account.toml", cwd=tmp_path).stdout.split())
    assert "what proposed roots give: shown, and counted nowhere" in table


@pytest.mark.node("ethereumjs")
def test_a_fresh_root_with_a_rival_is_not_shown(account: Account, tmp_path: Path) -> None:
    """Somebody contradicts the newest claim: the look passes on to an older one, and the floor stands as it was."""
    block = fresh_game(account)
    (tmp_path / "account.toml").write_text(account.toml())
    before = json.loads(run("verify", "account.toml", "--json", cwd=tmp_path).stdout)
    assert before["fresh"][0]["block"]["hash"] == block["hash"]
    account.games.propose(b"\xbb" * 32, int(block["number"], 16))
    account.parent.mine(2)
    (tmp_path / "account.toml").write_text(account.toml())
    after = json.loads(run("verify", "account.toml", "--json", cwd=tmp_path).stdout)
    assert block["hash"] not in {one["block"] and one["block"]["hash"] for one in after["fresh"]}
    assert [one["amount"] for one in after["claims"]] == [one["amount"] for one in before["claims"]]


@pytest.mark.node("ethereumjs")
def test_where_the_settled_root_is_too_old_the_fresh_one_is_shown_all_the_same(
    account: Account, tmp_path: Path
) -> None:
    """The claim is refused for the lag; what a proposed root would give stands beside it."""
    fresh_game(account)
    (tmp_path / "account.toml").write_text(account.toml().replace('max_head_lag = "20d"', 'max_head_lag = "1d"'))
    done = run("verify", "account.toml", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert done.returncode == 3
    refused = {one["network"]: one["refusal"]["error"] for one in found["claims"] if one["status"] != "proven"}
    assert refused == {"op": "TooOld", "arb": "TooOld"}
    (fresh,) = found["fresh"]
    assert (fresh["network"], fresh["trust"]["settlement"]) == ("op", "proposed")
