"""Bundles as the service would gather them, over networks in memory; what became of their claims."""

from __future__ import annotations

import cbor2

from tests.simulators.world import run
from verifier.errors import VerifierError
from verifier.gather import assemble, gather_section
from verifier.verify import Refusal
from verifier.wire import content_id, encode_bundle


def gather(claims, worlds, believed, as_of, twist=None):
    """The bundle's bytes and the failures, as the service would gather them."""
    by_id = {w.network.chain_id: w for w in worlds}
    parts = []
    for chain, world in by_id.items():
        asked = [(i, c) for i, c in enumerate(claims) if c.chain_id == chain]
        root = next(r for r in believed.roots if r.chain_id == chain)
        part, _ = run(gather_section(world.network, asked, root, as_of, believed), by_id, twist)
        parts.append(part)
    return encode_bundle(assemble(as_of, claims, parts)), parts


def errors_of(verified) -> list[VerifierError]:
    return [o.error for o in verified.outcomes if isinstance(o, Refusal)]


def changed(data: bytes, change) -> bytes:
    """The bundle with its body changed and its content id computed anew."""
    outer = cbor2.loads(data)
    body = cbor2.loads(outer[3])
    change(body)
    raw = cbor2.dumps(body, canonical=True)
    return cbor2.dumps([outer[0], outer[1], content_id(raw), raw], canonical=True)
