"""Cost of updates of 512 keys: kept and cold, both backends, fifty periods, and Lodestar's own client beside ours.

CPU time, since the machine may be busy. Everything in one run, so that the figures can be held against each other.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.nodes.install import NodeUnavailableError, beacon_module, node_program
from tests.simulators.beacon_data import bootstrap_of, checkpoint_of, config_of, load, raw, signed_at, updates_of
from tests.simulators.schemes import BACKENDS, scheme_of
from verifier.codec.ssz import encode, record_from_json
from verifier.consensus.advance import advance
from verifier.consensus.bootstrap import start
from verifier.consensus.forks import Fork
from verifier.consensus.light_client import LightClientState
from verifier.consensus.shapes import Kind, shape_of
from verifier.consensus.validate import signing_root
from verifier.errors import Where

BUNDLE = "real/mainnet/deneb-electra-chain-1421-1471"
ROUNDS = {"arkworks": 9, "py_ecc": 1}


def cpu_ms(work: Callable[[], object], rounds: int) -> float:
    """The best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return 1000 * best


def begun(backend: str, name: str = BUNDLE) -> LightClientState:
    bundle = load(name)
    config = config_of(bundle)
    bootstrap = bootstrap_of(bundle, config)
    now = config.time_of(bootstrap.header.slot)
    return start(checkpoint_of(bundle, config), bootstrap, config, now, scheme_of(backend))


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_update_of_512_keys(benchmark, shared_data: Path, backend: str) -> None:
    """With the committee's points kept, and with all of them to decompress and check."""
    update = next(iter(updates_of(load(BUNDLE), begun(backend).config)))
    finality = update.without_committee()
    state = begun(backend)
    now = signed_at(state.config, update)

    def cold() -> object:
        return advance(begun(backend), finality, now)

    parsing = cpu_ms(lambda: begun(backend), 3)
    first = cpu_ms(cold, ROUNDS[backend]) - parsing
    advance(state, finality, now)
    kept = cpu_ms(lambda: advance(state, finality, now), 3 * ROUNDS[backend])
    whole = cpu_ms(lambda: advance(state, update, now), 3 * ROUNDS[backend])
    message = signing_root(state.config, update)
    where = Where()
    signature = cpu_ms(lambda: state.current.verify(update.bits, message, update.signature, where), 3 * ROUNDS[backend])
    benchmark.pedantic(lambda: advance(state, finality, now), rounds=3 if backend == "arkworks" else 1)
    benchmark.extra_info.update(kept_ms=kept, cold_ms=first, with_committee_ms=whole, signature_ms=signature)
    print(
        f"\n{backend}: cold {first:.1f} ms, kept {kept:.1f} ms, kept with a next committee {whole:.1f} ms, "
        f"its signature alone {signature:.1f} ms; {update.signers} of 512 signed"
    )
    if backend == "arkworks":
        assert kept < 10
        assert first < 150


def test_a_catch_up_of_fifty_periods(benchmark, shared_data: Path) -> None:
    """Periods 1421 to 1471 of mainnet, parsed and verified."""
    state = begun("arkworks")
    bundle = load(BUNDLE)

    def follow() -> LightClientState:
        at = state
        for update in updates_of(bundle, state.config):
            at = advance(at, update, signed_at(state.config, update))
        return at

    took = cpu_ms(follow, 1)
    benchmark.pedantic(follow, rounds=1)
    count = len(bundle["steps"])
    print(f"\n{count} periods: {took / 1000:.2f} s, {took / count:.1f} ms each")
    assert follow().period == 1471
    assert took / count < 150


def test_the_same_updates_by_lodestar(benchmark, shared_data: Path) -> None:
    """
    Eight updates of Capella by @lodestar/light-client 1.5.1 and by ours, where its packages are installed.

    It leaves out the subgroup check of committee keys, which is more than half of what a cold update costs us.
    """
    try:
        node, modules = node_program(), beacon_module("@lodestar", "light-client").parents[1]
    except NodeUnavailableError as missing:
        pytest.skip(str(missing))
    bundle = load("real/mainnet/capella-862-867")
    config = config_of(bundle)

    def ssz(kind: Kind, fork: str, data: object) -> str:
        shape = shape_of(kind, Fork(fork), 512)
        return encode(shape, record_from_json(shape, data, Where())).hex()

    given = {
        "root": config.genesis_validators_root.hex(),
        "bootstrap": ssz(Kind.BOOTSTRAP, "capella", bundle["bootstrap"]["data"]),
        "updates": [
            {
                "kind": step["kind"],
                "fork": step["fork"],
                "slot": int(step["data"]["signature_slot"]),
                "ssz": ssz(Kind(step["kind"]), step["fork"], step["data"]),
            }
            for step in bundle["steps"]
        ],
    }
    script = Path(__file__).with_name("light_client_peer.mjs")
    preload = Path(__file__).resolve().parents[1] / "nodes" / "beacon" / "preload.cjs"
    command = [str(node), "--require", str(preload), str(script), str(modules)]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    theirs = json.loads(done.stdout)
    ours: list[float] = []
    state = begun("arkworks", "real/mainnet/capella-862-867")
    for update in updates_of(bundle, config):
        before = time.process_time()
        state = advance(state, update, signed_at(config, update))
        ours.append(1000 * (time.process_time() - before))
    benchmark.pedantic(lambda: None, rounds=1)
    assert state.finalized.slot == theirs["finalized"]
    kinds = [step["kind"] for step in bundle["steps"]]
    print(f"\nLodestar 1.5.1 with {theirs['backend']}, then ours, in ms of CPU per update:")
    for kind, peer, mine in zip(kinds, theirs["times"], ours, strict=True):
        print(f"  {kind:18} {peer:8.1f} {mine:8.1f}")
    assert raw(bundle["trusted_block_root"])
