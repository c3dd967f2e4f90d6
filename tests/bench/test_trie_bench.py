"""Account proofs per second; run by `make bench`, left out of ordinary runs."""

from __future__ import annotations

import pytest

from tests.bench import trie_proofs
from tests.nodes.install import NodeUnavailableError


@pytest.fixture(scope="module")
def cases() -> trie_proofs.Corpus:
    """Two thousand proofs of mainnet's shape."""
    return trie_proofs.corpus()


def test_batch_verification_beside_py_trie(benchmark, cases):
    """A batch verifies at least twenty times as fast as py-trie, in the same run."""
    ours, alone, peer = trie_proofs.in_turns(cases, trie_proofs.batch, trie_proofs.one_by_one, trie_proofs.py_trie)
    benchmark.extra_info.update(batch=round(ours), one_by_one=round(alone), py_trie=round(peer))
    benchmark.pedantic(trie_proofs.batch, args=(cases,), rounds=3)
    print(f"\nproofs/s: batch {ours:,.0f}, one by one {alone:,.0f}, py-trie {peer:,.0f}: {ours / peer:.1f} times")
    assert ours >= 20 * peer


def test_batch_verification_beside_ethereumjs(benchmark, cases):
    """And faster than @ethereumjs/mpt, where node and the package are installed."""
    try:
        peer = trie_proofs.ethereumjs(cases)
    except NodeUnavailableError as missing:
        pytest.skip(str(missing))
    (ours,) = trie_proofs.in_turns(cases, trie_proofs.batch)
    benchmark.extra_info.update(batch=round(ours), ethereumjs=round(peer))
    benchmark.pedantic(trie_proofs.batch, args=(cases,), rounds=3)
    print(f"\nproofs/s: batch {ours:,.0f}, @ethereumjs/mpt {peer:,.0f}: {ours / peer:.1f} times")
    assert ours > peer


def test_the_synthetic_trie_has_mainnets_shapes(cases):
    """About nine nodes and 3.7 kB a proof; otherwise the figures above say nothing."""
    nodes, size = cases.shape
    assert 8.2 < nodes < 9.2
    assert 3_400 < size < 4_000
