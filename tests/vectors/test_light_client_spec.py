"""The specification's own vectors: sync (with forced updates and store upgrades), ranking, and single Merkle proofs.

A store upgrade changes nothing here, since every object is in the newest form from the start; so it is also shown that
the checks hold before and after it. The product's client is run over the same steps: wherever it moves, it agrees.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.beacon_data import load, raw, spec_config
from tests.simulators.schemes import scheme_of
from verifier.consensus.advance import advance
from verifier.consensus.bootstrap import start
from verifier.consensus.containers import LightClientHeader
from verifier.consensus.forks import INDICES, ConsensusConfig, Fork
from verifier.consensus.parse import decode_bootstrap, decode_update, parse_update
from verifier.consensus.store import Store, is_better, new_store
from verifier.crypto.bls import Scheme
from verifier.errors import (
    MissingEvidence,
    NothingNew,
    TooFewSigners,
    UnusedEvidence,
    VerifierError,
    WrongHash,
    WrongPeriod,
)
from verifier.primitives import ZERO_HASH, Hash32
from verifier.trie.binary import Gindex, branch_root, depth_of, verify_branch
from verifier.trust import Checkpoint

pytestmark = pytest.mark.usefixtures("shared_data")

SYNC_CASES = 33
PROOF_CASES = 40


def sync_case(number: int) -> Any:
    return load("spec/sync")["cases"][number]


def execution_root(header: LightClientHeader, config: ConsensusConfig) -> bytes:
    """The root that the vectors give for a header's execution part: the block hash from Gloas on, the header's before."""
    fork = config.fork_of(header.slot)
    if fork.since(Fork.GLOAS):
        return header.execution_hash
    if not fork.since(Fork.CAPELLA):
        return ZERO_HASH
    inner = Gindex(44 if fork.since(Fork.DENEB) else 28)
    siblings = header.execution_branch[: len(header.execution_branch) - 4][-depth_of(inner) :]
    return branch_root(header.execution_hash, siblings, inner)


def check(store: Store, checks: Any) -> None:
    for name, header in (("finalized_header", store.view.finalized), ("optimistic_header", store.newest)):
        expected = checks[name]
        assert header.slot == int(expected["slot"])
        assert header.beacon.root == raw(expected["beacon_root"])
        if "execution_root" in expected:
            assert execution_root(header, store.view.config) == raw(expected["execution_root"])


def run_sync(case: Any, scheme: Scheme) -> Store:
    config = spec_config(case)
    digests = {raw(digest): Fork(name) for digest, name in case["fork_digests"].items()}
    for digest, fork in digests.items():
        assert config.fork_of_digest(digest) is fork
    boot = case["objects"]["bootstrap"]
    bootstrap = decode_bootstrap(config, Fork(boot["fork"]), raw(boot["ssz"]))
    assert digests[raw(case["meta"]["bootstrap_fork_digest"])] is Fork(boot["fork"])
    store = new_store(Hash32(raw(case["meta"]["trusted_block_root"])), bootstrap, config, scheme)
    for step in case["steps"]:
        ((what, given),) = step.items()
        if what == "process_update":
            fork = digests[raw(given["update_fork_digest"])]
            update = decode_update(config, fork, raw(case["objects"][given["update"]]["ssz"]))
            store = store.process(update, int(given["current_slot"]))
        elif what == "force_update":
            store = store.force(int(given["current_slot"]))
        else:
            assert what == "upgrade_store"
        check(store, given["checks"])
    return store


@pytest.mark.parametrize("number", range(SYNC_CASES))
def test_sync(number: int) -> None:
    """Each case of the suite, step by step, with its checks."""
    run_sync(sync_case(number), scheme_of("arkworks"))


@pytest.mark.parametrize("number", [0, 1])
def test_sync_on_the_reference(number: int) -> None:
    """One update each on py_ecc; all of them in the soak."""
    run_sync(sync_case(number), scheme_of("py_ecc"))


@pytest.mark.soak
@pytest.mark.parametrize("number", range(SYNC_CASES))
def test_all_sync_cases_on_the_reference(number: int) -> None:
    """Every case on py_ecc."""
    run_sync(sync_case(number), scheme_of("py_ecc"))


def test_the_cases_are_all_there() -> None:
    """So that the numbers above cover the suite, forced updates and upgrades with it."""
    cases = load("spec/sync")["cases"]
    assert len(cases) == SYNC_CASES
    kinds = [next(iter(step)) for case in cases for step in case["steps"]]
    assert (kinds.count("process_update"), kinds.count("force_update"), kinds.count("upgrade_store")) == (105, 18, 2)
    assert len(load("spec/single_merkle_proof")["cases"]) == PROOF_CASES


@pytest.mark.covers("LC-04")
@pytest.mark.parametrize("number", range(SYNC_CASES))
def test_the_product_s_client_never_goes_further_than_the_specification_s(number: int) -> None:
    """The same updates, never forced: what it takes for final, the specification's store calls final in good order."""
    case = sync_case(number)
    config = spec_config(case)
    boot = case["objects"]["bootstrap"]
    bootstrap = decode_bootstrap(config, Fork(boot["fork"]), raw(boot["ssz"]))
    checkpoint = Checkpoint(config.chain_id, Hash32(raw(case["meta"]["trusted_block_root"])))
    scheme = scheme_of("arkworks")
    state = start(checkpoint, bootstrap, config, config.time_of(bootstrap.header.slot), scheme)
    forced = False
    for step in case["steps"]:
        ((what, given),) = step.items()
        if what == "force_update":
            forced = forced or given["checks"]["finalized_header"]["slot"] != str(state.finalized.slot)
        if what != "process_update":
            continue
        found = case["objects"][given["update"]]
        update = decode_update(config, Fork(found["fork"]), raw(found["ssz"]))
        try:
            state = advance(state, update, config.time_of(int(given["current_slot"])))
        except (NothingNew, TooFewSigners):
            pass
        except WrongPeriod:
            assert forced  # the other store was forced past the committee that this one knows
        if not forced:
            assert state.finalized.beacon.root == raw(given["checks"]["finalized_header"]["beacon_root"])
    assert state.finalized.slot <= int(next(iter(case["steps"][-1].values()))["checks"]["finalized_header"]["slot"])


def test_updates_are_ranked_in_the_specification_s_order() -> None:
    """Each of 57 updates is better than all that come after it, and never the other way round; JSON and SSZ agree."""
    for case in load("spec/update_ranking")["cases"]:
        fork = Fork(case["fork"])
        config = spec_config({"preset": case["preset"], "only": fork})
        updates = [decode_update(config, fork, raw(u["ssz"])) for u in case["updates"]]
        assert updates == [parse_update(config, fork.value, u["data"]) for u in case["updates"]]
        assert len(updates) == 57
        for i, better in enumerate(updates):
            assert all(is_better(better, worse, config) for worse in updates[i + 1 :])
            assert not any(is_better(worse, better, config) for worse in updates[i:])


def proof_cases() -> list[tuple[str, Any]]:
    return [(case["id"], case) for case in load("spec/single_merkle_proof")["cases"]]


@pytest.mark.covers("SSZ-04", "SSZ-05")
def test_single_merkle_proofs() -> None:
    """All 40 hold, at the index that our table gives their fork (execution payloads before Gloas at 25, of the body)."""
    for name, case in proof_cases():
        index, branch = Gindex(int(case["leaf_index"])), [raw(b) for b in case["branch"]]
        verify_branch(raw(case["leaf"]), branch, index, raw(case["object_root"]), spec_where(), name)
        fork = name.split("/")[1]
        indices = INDICES[Fork.GLOAS if fork == "heze" else Fork(fork)]
        known = {indices.finalized, indices.current, indices.next, indices.execution, 25}
        assert index in known, name


@pytest.mark.covers("SSZ-02", "SSZ-03", "SSZ-04")
def test_no_single_merkle_proof_holds_otherwise() -> None:
    """At the sibling's index, one level up or down, with a sibling more or fewer: refused, each by its name."""
    for name, case in proof_cases():
        index, branch = Gindex(int(case["leaf_index"])), [raw(b) for b in case["branch"]]
        leaf, root = raw(case["leaf"]), raw(case["object_root"])
        if leaf != branch[0]:  # a genesis state's checkpoint: root and epoch are both zero
            with pytest.raises(WrongHash):
                verify_branch(leaf, branch, Gindex(index ^ 1), root, spec_where(), name)
        with pytest.raises(MissingEvidence):
            verify_branch(leaf, branch, Gindex(2 * index), root, spec_where(), name)
        with pytest.raises(UnusedEvidence):
            verify_branch(leaf, branch, Gindex(index // 2), root, spec_where(), name)
        with pytest.raises(MissingEvidence):
            verify_branch(leaf, branch[1:], index, root, spec_where(), name)


def spec_where() -> Any:
    return spec_config({"preset": "minimal", "only": Fork.ALTAIR}).where


def test_a_refusal_leaves_the_store_as_it_was() -> None:
    """The store is a value: an update that is refused changes nothing in it."""
    case = sync_case(2)
    config = spec_config(case)
    boot = case["objects"]["bootstrap"]
    bootstrap = decode_bootstrap(config, Fork(boot["fork"]), raw(boot["ssz"]))
    store = new_store(Hash32(raw(case["meta"]["trusted_block_root"])), bootstrap, config, scheme_of("arkworks"))
    given = case["steps"][0]["process_update"]
    update = decode_update(config, Fork(boot["fork"]), raw(case["objects"][given["update"]]["ssz"]))
    before = (store.view.finalized, store.newest, store.best)
    with pytest.raises(VerifierError):
        store.process(update, update.signature_slot - 1)
    assert before == (store.view.finalized, store.newest, store.best)
