"""Account proofs per second: ours beside py-trie and @ethereumjs/mpt, over one synthetic trie, in one run.

The trie has mainnet's node shapes (300 M random keys: about nine nodes and 3.7 kB a proof). Everybody starts from the
bytes of the nodes and must find every value. Times are CPU seconds; candidates in this process take turns, and the
median of the rounds counts. `python -m tests.bench.trie_proofs` prints the table.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

import rlp
from trie import HexaryTrie

from tests.nodes import install
from tests.simulators.trie_builder import Built, mainnet_like
from verifier.errors import NOWHERE
from verifier.primitives import Hash32
from verifier.trie.table import NodeTable
from verifier.trie.walk import walk

PROOFS = 2_000
POPULATION = 300_000_000
PEER_PROOFS = 500
"""Of the proofs, how many the slower candidates verify in one round."""
ROUNDS = 7


@dataclass(frozen=True)
class Corpus:
    """The cases: for each key its nodes as a server lists them, and the nodes of all, each once, as a bundle has them."""

    trie: Built
    proofs: dict[bytes, list[bytes]]
    unique: list[bytes]

    @property
    def shape(self) -> tuple[float, float]:
        """Nodes and bytes per proof."""
        nodes = [node for proof in self.proofs.values() for node in proof]
        return len(nodes) / len(self.proofs), sum(map(len, nodes)) / len(self.proofs)


def corpus(proofs: int = PROOFS) -> Corpus:
    """Proofs under one root, the same in every run."""
    trie = mainnet_like(proofs, POPULATION, seed=1)
    return Corpus(trie, {key: trie.prove(key) for key in trie.items}, trie.prove_all(trie.items))


def batch(cases: Corpus) -> int:
    """Ours, as a bundle is verified: each node hashed once, all keys walked, the nodes used are kept account of."""
    root, table, used = Hash32(cases.trie.root), NodeTable.build(cases.unique), set[Hash32]()
    for key, value in cases.trie.items.items():
        if walk(root, key, table, NOWHERE, used) != value:
            raise RuntimeError("wrong value")
    if used != table.hashes():
        raise RuntimeError("a node was not used")
    return len(cases.trie.items)


def one_by_one(cases: Corpus) -> int:
    """Ours, a table for each proof."""
    root = Hash32(cases.trie.root)
    for key, proof in cases.proofs.items():
        if walk(root, key, NodeTable.build(proof), NOWHERE) != cases.trie.items[key]:
            raise RuntimeError("wrong value")
    return len(cases.proofs)


def py_trie(cases: Corpus) -> int:
    """py-trie, with its own package's decoder."""
    for key, proof in list(cases.proofs.items())[:PEER_PROOFS]:
        nodes = [rlp.decode(node) for node in proof]
        if HexaryTrie.get_from_proof(cases.trie.root, key, nodes) != cases.trie.items[key]:
            raise RuntimeError("wrong value")
    return PEER_PROOFS


def in_turns(cases: Corpus, *candidates: Callable[[Corpus], int]) -> list[float]:
    """Proofs per CPU second of each candidate: the median over rounds in which they take turns.

    What the test runner has loaded is put out of the collector's sight, or each candidate would pay for walking it.
    """
    gc.collect()
    gc.freeze()
    rates: list[list[float]] = [[] for _ in candidates]
    try:
        for candidate in candidates:
            candidate(cases)
        for _ in range(ROUNDS):
            for n, candidate in enumerate(candidates):
                started = time.thread_time()
                done = candidate(cases)
                rates[n].append(done / (time.thread_time() - started))
    finally:
        gc.unfreeze()
    return [statistics.median(found) for found in rates]


def ethereumjs(cases: Corpus) -> float:
    """Proofs per CPU second of @ethereumjs/mpt; the best of its rounds, since its machine warms up.

    Raises:
        NodeUnavailableError: Node or the package is not on this machine.
    """
    program = install.node_program()
    entry = install.module("@ethereumjs", "mpt", "dist", "esm", "index.js")
    script = install.ROOT / "tests" / "bench" / "mpt_peer.mjs"
    few = list(cases.proofs.items())[:PEER_PROOFS]
    given = {
        "root": cases.trie.root.hex(),
        "rounds": 4,
        "cases": [[key.hex(), cases.trie.items[key].hex(), [node.hex() for node in proof]] for key, proof in few],
    }
    done = subprocess.run(
        [program, script, entry], input=json.dumps(given), capture_output=True, text=True, timeout=300, check=True
    )
    said = json.loads(done.stdout)
    return float(said["proofs"] / said["seconds"])


def report() -> dict[str, float]:
    """Rates by candidate, printed as they come; without `@ethereumjs/mpt` where it cannot run."""
    cases = corpus()
    nodes, size = cases.shape
    print(f"\n{len(cases.proofs)} account proofs, {nodes:.1f} nodes and {size:,.0f} bytes each")
    rates = dict(zip(("batch", "one by one", "py-trie"), in_turns(cases, batch, one_by_one, py_trie), strict=True))
    try:
        rates["@ethereumjs/mpt"] = ethereumjs(cases)
    except install.NodeUnavailableError as missing:
        print(f"@ethereumjs/mpt left out: {missing}")
    for name, rate in rates.items():
        print(f"{name:>16}: {rate:>8,.0f} proofs/s  {rate / rates['py-trie']:>5.1f} x py-trie")
    return rates


if __name__ == "__main__":
    report()
