"""A rollup's endpoint that proves new state only: said with the age that is needed, and no hindrance to seeing roots."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.test_cli import run
from tests.cli.test_schemas import checked
from tests.nodes.anvil import Anvil
from tests.simulators import lies
from tests.simulators.rpc import LyingProxy
from tests.system.settled_accounts import Account, settled_account, settled_block

PRUNED = lies.error(-32_000, "distance to target block exceeds maximum proof window")


@pytest.fixture(scope="module")
def account(anvil_factory: Callable[..., Anvil]) -> Iterator[Account]:
    with settled_account(anvil_factory) as made:
        yield made


def through(account: Account, parent: LyingProxy, op: LyingProxy, folder: Path) -> None:
    """The account file, both networks asked through proxies."""
    text = account.toml().replace(account.op.url, op.url).replace(account.parent.url, parent.url)
    (folder / "account.toml").write_text(text)


@pytest.mark.node("ethereumjs")
def test_what_no_endpoint_proves_is_refused_with_its_age_before_the_parent_proves_anything(
    account: Account, lying_proxy: Callable[..., LyingProxy], tmp_path: Path
) -> None:
    """The one rollup is missing, by the age of the proof that it needs; the same account is whole where it is served."""
    parent, op = lying_proxy(account.parent.url), lying_proxy(account.op.url)
    through(account, parent, op, tmp_path)
    whole = run("verify", "account.toml", "--json", cwd=tmp_path)
    assert whole.returncode == 0
    asked = proofs(parent, account.games.portal.address)
    assert asked
    parent.clear()
    op.tell(PRUNED, method="eth_getProof")
    done = run("verify", "account.toml", "--json", cwd=tmp_path)
    assert done.returncode == 4
    (lost,) = [one for one in json.loads(done.stdout)["claims"] if one["status"] != "proven"]
    assert (lost["network"], lost["status"], lost["refusal"]["error"]) == ("op", "missing", "OutOfReach")
    assert "hours behind the newest; an archive node would" in lost["refusal"]["message"]
    assert proofs(parent, account.games.portal.address) == 0


@pytest.mark.node("ethereumjs")
def test_who_proves_no_old_state_is_asked_for_it_last_until_that_expires(
    account: Account, lying_proxy: Callable[..., LyingProxy], tmp_path: Path
) -> None:
    """Found out once, by the first endpoint's refusal, and kept with its habits; without the store, found out anew."""
    proxy = lying_proxy(account.op.url)
    proxy.tell(PRUNED, method="eth_getProof")
    node = f', {{ name = "archive", url = "{account.op.url}" }}'
    text = account.toml(second=node).replace(f'"node-op", url = "{account.op.url}"', f'"node-op", url = "{proxy.url}"')
    (tmp_path / "account.toml").write_text(text)
    for store, refused in (("one.db", True), ("one.db", False), ("other.db", True)):
        proxy.seen.clear()
        done = run("verify", "account.toml", "--db", store, cwd=tmp_path)
        assert done.returncode == 0, done.stdout
        assert any(call["method"] == "eth_getProof" for seen in proxy.seen for call in seen.calls) is refused
    with sqlite3.connect(tmp_path / "one.db") as connection:
        kept = dict(connection.execute("SELECT endpoint, unproven FROM endpoint_capacities WHERE unproven NOT NULL"))
        assert kept == {"node-op": settled_block(account)}


def proofs(proxy: LyingProxy, contract: str) -> int:
    """How often the proxy was asked for a proof of a contract."""
    calls = [call for seen in proxy.seen for call in seen.calls if call["method"] == "eth_getProof"]
    return sum(call["params"][0].lower() == contract.lower() for call in calls)


@pytest.mark.node("ethereumjs")
def test_the_age_of_a_root_is_shown_though_its_state_is_not_served(
    account: Account, lying_proxy: Callable[..., LyingProxy], tmp_path: Path
) -> None:
    """Through the outbox's rollup, whose header needs no proof of its own; the depth that is missing stands beside it."""
    proxy = lying_proxy(account.arb.url)
    (tmp_path / "account.toml").write_text(account.toml().replace(account.arb.url, proxy.url))
    served = roots(tmp_path)
    proxy.tell(PRUNED, method="eth_getProof")
    pruned = roots(tmp_path, code=4)
    assert (served["settled"]["state_proofs"], pruned["settled"]["state_proofs"]) == (True, False)
    assert served["settled"]["unserved"] is None
    assert "hours behind the newest; an archive node would" in pruned["settled"]["unserved"]
    assert {key: served["settled"][key] for key in ("block", "hash", "age", "entry")} == {
        key: pruned["settled"][key] for key in ("block", "hash", "age", "entry")
    }


def roots(folder: Path, code: int = 0) -> dict:
    done = run("networks", "arb", "--probe", "--account", "account.toml", "--json", cwd=folder)
    assert done.returncode == code, done.stderr
    return checked("probe", done.stdout)["roots"]
