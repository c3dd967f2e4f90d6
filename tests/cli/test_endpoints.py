"""Endpoints of other kinds than HTTP, and what is remembered of endpoints from one run to the next."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from chains.behaviour import Capacity
from chains.dialects.eth import KEYS_PER_CALL
from chains.endpoint import Endpoint
from chains.probe import DEPTHS, stated_oldest
from tests.cli.test_cli import run, write
from tests.cli.test_schemas import checked
from tests.simulators import lies
from verifier.app.kept import CAPACITY_SECONDS, KeptCapacity, Record
from verifier.app.store import Store
from verifier.errors import BadInput
from verifier.primitives import ChainId, Timestamp

NOW = Timestamp(1_800_000_000)
REFUSED = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch too large"}}'
NO_BATCHES = lies.text(lambda body: REFUSED if body.startswith(b"[") else body, "no batches")


# --- WebSocket and IPC -----------------------------------------------------------------------------------


def test_a_web_socket_serves_and_is_marked(three_chains, tmp_path: Path) -> None:
    """The account file names ws://: the balances are proven, and a warning says whose limits do not hold."""
    chain = three_chains[0]
    path = write(tmp_path, [chain], {chain.chain_id: [chain.url.replace("http://", "ws://")]})
    done = run("verify", path, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = checked("run", done.stdout)
    assert [e["limits_enforced"] for e in shown["endpoints"]] == [False]
    assert "limits on the size and pace of its answers are not enforced" in done.stderr
    assert "ws://" not in done.stdout + done.stderr
    plain = run("verify", write(tmp_path, [chain]), "--json", cwd=tmp_path)
    assert [e["limits_enforced"] for e in json.loads(plain.stdout)["endpoints"]] == [True]
    assert "not enforced" not in plain.stderr
    assert [c["amount"] for c in shown["claims"]] == [c["amount"] for c in json.loads(plain.stdout)["claims"]]


def test_a_socket_in_the_file_system_serves(fresh_chain, tmp_path: Path) -> None:
    """ipc:///PATH; a path where nothing listens is network trouble, exit 4, and does not show the path."""
    socket = tmp_path / "node.ipc"
    chain = fresh_chain(31_341, extra=["--ipc", str(socket)])
    path = write(tmp_path, [chain], {chain.chain_id: [f"ipc://{socket}"]}, tokens=("OZD",))
    done = run("verify", path, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    path = write(tmp_path, [chain], {chain.chain_id: [f"ipc://{tmp_path}/nobody.ipc"]}, tokens=("OZD",))
    gone = run("--timeout", 3, "verify", path, "--json", "--db", "fresh.db", cwd=tmp_path)
    assert gone.returncode == 4
    assert "nobody.ipc" not in gone.stdout + gone.stderr
    assert "Traceback" not in gone.stderr


@pytest.mark.covers("RPC-10")
@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("ipc://relative/path", {}),
        ("ipc:///run/node.ipc", {"x-api-key": "1"}),
        ("ws://rpc.example.org/v3/0123456789abcdef0123456789abcdef", {}),
        ("ftp://rpc.example.org/", {}),
    ],
)
def test_other_kinds_of_endpoints_have_their_own_rules(url: str, headers: dict[str, str]) -> None:
    """A socket needs a whole path and takes no headers; a key does not go over ws:// to another machine."""
    with pytest.raises(BadInput) as caught:
        Endpoint(url, headers=headers)
    assert "0123456789abcdef" not in str(caught.value)
    assert Endpoint("wss://rpc.example.org/v3/0123456789abcdef0123456789abcdef").kind == "ws"
    assert (Endpoint("ipc:///run/node.ipc").kind, Endpoint("ipc:///run/node.ipc").host) == ("ipc", "localhost")


# --- what is remembered ----------------------------------------------------------------------------------


def test_a_probe_is_kept_and_fits_its_schema(three_chains, lying_proxy, tmp_path: Path) -> None:
    """What was found is in the store before it is shown, and the next run asks in batches of that size."""
    chain, proxy = three_chains[0], lying_proxy(three_chains[0].url)
    path = write(tmp_path, [chain], {chain.chain_id: [proxy.url]})
    proxy.tell(NO_BATCHES)
    done = run("networks", "local31337", "--probe", "--account", path, "--db", "x.db", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (found,) = checked("probe", done.stdout)["endpoints"]
    assert (found["proofs"], found["by_hash"], found["batch"], found["limits_enforced"]) == (True, True, 1, True)
    with sqlite3.connect(tmp_path / "x.db") as connection:
        rows = connection.execute("SELECT endpoint, host, found_by, batch, proofs FROM endpoint_capacities").fetchall()
        assert rows == [("node-31337-0", "127.0.0.1", "probe", 1, 1)]
        assert connection.execute("SELECT command, shown FROM runs").fetchall() == [("probe", done.stdout.rstrip("\n"))]
    for options, batches in ((["--db", "x.db"], False), (["--db", "other.db"], True)):
        proxy.seen.clear()
        assert run("verify", path, *options, cwd=tmp_path).returncode == 0
        assert any(len(seen.calls) > 1 for seen in proxy.seen) is batches


STATED = {"head": {}, "stateproofs": {"disabled": False, "oldestBlock": "0x2", "deleteStrategy": {"type": "none"}}}


def test_what_an_endpoint_says_it_keeps_is_a_hint_beside_what_is_found(
    three_chains, lying_proxy, tmp_path: Path
) -> None:
    """Said by eth_capabilities: shown and kept, except where it was found to prove more than it says."""
    chain, proxy = three_chains[0], lying_proxy(three_chains[0].url)
    path = write(tmp_path, [chain], {chain.chain_id: [proxy.url]})
    height = int(chain.node.rpc("eth_blockNumber"), 16)
    ladder = max(depth for depth in DEPTHS if depth < height)
    for oldest, kept in ((2, 1), (height + 9, height - ladder - 1)):
        proxy.clear()
        told = STATED | {"stateproofs": {"disabled": False, "oldestBlock": hex(oldest)}}
        proxy.tell(lies.Lie("told", answer=lambda _, said, told=told: answered(said, told)), method="eth_capabilities")
        done = run("networks", "local31337", "--probe", "--account", path, "--db", "x.db", "--json", cwd=tmp_path)
        (found,) = checked("probe", done.stdout)["endpoints"]
        assert found["oldest_stated"] == min(oldest, height + 1)
        with sqlite3.connect(tmp_path / "x.db") as connection:
            assert connection.execute("SELECT unproven FROM endpoint_capacities").fetchall() == [(kept,)]


def answered(said: dict, told: dict) -> dict:
    return {"jsonrpc": "2.0", "id": said["id"], "result": told}


@pytest.mark.parametrize(
    ("said", "oldest"),
    [
        (STATED, 2),
        ({"stateproofs": {"disabled": True}}, 101),
        ({"stateproofs": {"disabled": False, "oldestBlock": "0xffffffffff"}}, 101),
        ({"stateproofs": {"disabled": False}}, None),
        ({"stateproofs": {"oldestBlock": 2}}, None),
        ({"stateproofs": {"oldestBlock": "0x02"}}, None),
        ({"stateproofs": {"oldestBlock": "-0x2"}}, None),
        ({"stateproofs": []}, None),
        ({"state": {"oldestBlock": "0x2"}}, None),
    ],
)
def test_what_an_endpoint_says_of_old_state_is_read_strictly(said: dict[str, object], oldest: int | None) -> None:
    """Of the newest block 100: a number in the one spelling, or that it keeps none; anything else is not told."""
    assert stated_oldest(said, 100) == oldest


def test_what_a_run_learned_outlives_it(three_chains, lying_proxy, tmp_path: Path) -> None:
    """An endpoint that takes no batches costs detours once; it is found out anew when the memory expires."""
    chain, proxy = three_chains[0], lying_proxy(three_chains[0].url)
    path = write(tmp_path, [chain], {chain.chain_id: [proxy.url]})
    proxy.tell(NO_BATCHES)

    def batches() -> bool:
        proxy.seen.clear()
        assert run("verify", path, "--db", "x.db", cwd=tmp_path).returncode == 0
        return any(len(seen.calls) > 1 for seen in proxy.seen)

    assert [batches(), batches()] == [True, False]
    with sqlite3.connect(tmp_path / "x.db") as connection:
        (row,) = connection.execute("SELECT found_by, batch, expires - at FROM endpoint_capacities").fetchall()
        assert row == ("run", 1, CAPACITY_SECONDS)
        connection.execute("UPDATE endpoint_capacities SET at = at - 100000, expires = expires - 100000")
    assert batches()


KEPT = KeptCapacity(ChainId(1), "ethereum", "mine", "rpc.example.org", "run", NOW, Timestamp(NOW + 10), False, 32, 5)


@pytest.mark.covers("DB-02")
@pytest.mark.parametrize(
    ("kept", "now", "known"),
    [
        (KEPT, NOW, Capacity(False, 32, 5)),
        (KEPT, NOW + 9, Capacity(False, 32, 5)),
        (KEPT, NOW + 10, None),
        (KEPT, NOW - 1, None),
        (replace(KEPT, expires=Timestamp(NOW + CAPACITY_SECONDS + 1)), NOW, None),
        (replace(KEPT, keys_per_call=900_000, batch=900_000), NOW, Capacity(False, KEYS_PER_CALL, 1_000)),
    ],
    ids=["at once", "at its last second", "expired", "from the future", "too long a life", "too much"],
)
def test_a_memory_holds_for_its_time_and_never_asks_for_more(tmp_path: Path, kept, now: int, known) -> None:
    """Expired rows, rows from a clock that was set back, and rows of absurd lifetimes are passed over."""
    with Store(tmp_path / "x.db") as store:
        store.keep(Record(NOW, "verify", 0, "{}", capacities=(kept,)))
        found = store.capacities(Timestamp(now))
    assert found == ({} if known is None else {(ChainId(1), "mine", "rpc.example.org"): known})


def test_a_memory_is_of_a_place(tmp_path: Path) -> None:
    """The same name at another host, or on another chain, starts anew."""
    from chains.behaviour import RetryBudget
    from chains.providers import open_line
    from chains.registry import NETWORKS

    known = {(ChainId(1), "mine", "rpc.example.org"): Capacity(False, 32, 5)}
    here, there = Endpoint("https://rpc.example.org", name="mine"), Endpoint("https://rpc.example.com", name="mine")
    ethereum, base = NETWORKS["ethereum"].network, NETWORKS["base"].network
    for network, endpoint, capacity in (
        (ethereum, here, Capacity(False, 32, 5)),
        (ethereum, there, Capacity(batch=50)),
        (base, here, Capacity(batch=50)),
    ):
        assert open_line(network, endpoint, RetryBudget(), known=known).capacity == capacity


def test_an_older_store_gets_the_new_table(tmp_path: Path) -> None:
    """A file of the first version is brought forward, with the words for what is new."""
    from sqlite_utils import Database

    from verifier.app.migrations import MIGRATIONS

    path = tmp_path / "old.db"
    MIGRATIONS.apply(Database(path), stop_before="m002_endpoint_capacities")
    with Store(path) as store:
        assert store.capacities(NOW) == {}
        words = store.rows("SELECT text FROM _descriptions WHERE item = 'endpoint_capacities' AND item_column = ''")
        assert words
        assert store.integrity() == []
