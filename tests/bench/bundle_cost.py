"""Cost of whole bundles, each measured in a process of its own: `python -m tests.bench.bundle_cost make|verify …`."""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from pathlib import Path

from verifier.checker import Checker
from verifier.claims import Asset, Claim
from verifier.evidence import Bundle, Section
from verifier.network import Family, Network, OwnConsensus
from verifier.policy import STRICT
from verifier.primitives import Address, ChainId, Hash32, Timestamp
from verifier.trust import PinnedBlock
from verifier.verify import Refusal, verify_bundle
from verifier.wire import encode_bundle

TIME = 1_700_000_000
POPULATION = 300_000_000


def make(path: Path, count: int) -> None:
    """A bundle of `count` coin claims under one state root with mainnet's node shapes, and the pin beside it."""
    from tests.simulators.trie_builder import account_leaf, keccak, mainnet_like
    from tests.simulators.world import World

    rng = random.Random(5)
    owners = [rng.randbytes(20) for _ in range(count)]
    built = mainnet_like(count, POPULATION, 5, {keccak(owner): account_leaf(rng) for owner in owners})
    header = World(1, {}, {}, blocks=1)._header(bytes(32), built.root, 1, TIME)
    coin = Asset(ChainId(1), "ETH", 18, "ETH")
    claims = tuple(Claim(coin, Address(owner)) for owner in owners)
    nodes = tuple(sorted(built.nodes.values()))
    section = Section(ChainId(1), header, (), tuple(range(len(nodes))))
    path.write_bytes(encode_bundle(Bundle(Timestamp(TIME), claims, (), (section,), nodes)))
    path.with_suffix(".pin").write_text(keccak(header).hex())


def verify(path: Path) -> dict[str, float]:
    """Verify it, and say what it took."""
    data = path.read_bytes()
    network = Network(ChainId(1), "net", Family("ethereum"), "ETH", OwnConsensus("test"))
    root = PinnedBlock(ChainId(1), Hash32(bytes.fromhex(path.with_suffix(".pin").read_text())))
    checker = Checker((root,), {ChainId(1): network}, {}, STRICT, Timestamp(TIME))
    start = time.process_time()
    verified = verify_bundle(data, checker)
    seconds = time.process_time() - start
    refused = [o for o in verified.outcomes if isinstance(o, Refusal)]
    if refused:
        raise SystemExit(str(refused[0].error))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"claims": len(verified.outcomes), "bundle_mb": len(data) / 2**20, "peak_mb": peak, "cpu_s": seconds}


def main() -> None:
    """Make or verify one bundle."""
    verb, path = sys.argv[1], Path(sys.argv[2])
    if verb == "make":
        make(path, int(sys.argv[3]))
    else:
        print(json.dumps(verify(path)))


if __name__ == "__main__":
    main()
