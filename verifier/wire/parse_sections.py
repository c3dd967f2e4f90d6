"""The evidence of each network, out of a bundle's body, and that the sections are those that its claims need."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from verifier.claims import Claim, PriceClaim
from verifier.errors import MalformedBundle
from verifier.evidence import HeaderStep, LightEvidence, Link, Section, Settling
from verifier.policy import Limits
from verifier.primitives import ChainId, chain_id
from verifier.shape import Shape
from verifier.wire.envelope import HERE
from verifier.wire.lists import ascending, ascending_bytes, not_empty


def section_in(item: Shape, counts: tuple[int, int], limits: Limits) -> Section:
    """The evidence of one network; `counts` are the nodes and codes that it may point into."""
    part = item.fields("chain", "anchor", "steps", "nodes", optional=("settling", "codes", "light", "updates"))
    steps = []
    for step in part["steps"].items(limits.steps):
        link, header = step.tuple(2)
        steps.append(HeaderStep(link.word(Link), header.bytes(limits.header_bytes)))
    if "settling" in part and "light" in part:
        raise MalformedBundle(HERE, "a network is settled on its parent, or has a light client of its own")
    return Section(
        chain_id(part["chain"].uint()),
        part["anchor"].bytes(limits.header_bytes),
        tuple(steps),
        ascending(part["nodes"], limits.nodes, counts[0]),
        _settling_in(part["settling"], limits) if "settling" in part else None,
        _codes_in(part["codes"], limits, counts[1]) if "codes" in part else (),
        _light_in(part["light"], limits) if "light" in part else None,
        _updates_in(part["updates"], limits) if "updates" in part else (),
    )


def _updates_in(item: Shape, limits: Limits) -> tuple[bytes, ...]:
    not_empty(item)
    return ascending_bytes(item, limits.signed_updates, limits.signed_bytes, "signed updates")


def _light_in(item: Shape, limits: Limits) -> LightEvidence:
    part = item.fields(optional=("attested", "bootstrap", "final", "updates"))
    updates = tuple(part["updates"].all_bytes(limits.light_updates, limits.light_bytes)) if "updates" in part else ()
    if not part or ("updates" in part and not updates):
        raise MalformedBundle(HERE, "light-client evidence that is empty is left out")
    one = {name: part[name].bytes(limits.light_bytes) for name in ("attested", "bootstrap", "final") if name in part}
    return LightEvidence(one.get("bootstrap"), updates, one.get("final"), one.get("attested"))


def _settling_in(item: Shape, limits: Limits) -> Settling:
    parent, preimages = item.tuple(2)
    return Settling(chain_id(parent.uint()), tuple(preimages.all_bytes(limits.preimages, limits.preimage_bytes)))


def _codes_in(item: Shape, limits: Limits, below: int) -> tuple[int, ...]:
    not_empty(item)
    return ascending(item, limits.codes, below)


def _with_parents(chains: set[ChainId], sections: Sequence[Section]) -> set[ChainId]:
    """Networks, and those that they settle on, all the way up. Rollups that settle on one another lead to nothing."""
    parents = {section.chain_id: section.settling.parent for section in sections if section.settling is not None}
    found, new = set[ChainId](), chains
    while new:
        found |= new
        new = {parents[chain] for chain in new if chain in parents} - found
    return found


def check_sections(
    sections: Sequence[Section],
    asked: tuple[Sequence[Claim], Sequence[PriceClaim]],
    omitted: Sequence[int],
    counts: tuple[int, int],
) -> None:
    """Sections ascend, are those that the claims need and no other, and leave no node or code without one."""
    claims, prices = asked
    chains = [section.chain_id for section in sections]
    if any(one >= two for one, two in pairwise(chains)):
        raise MalformedBundle(HERE, "sections ascend by chain id, each once")
    left_out = frozenset(omitted)
    asked_for = {claim.chain_id for i, claim in enumerate(claims) if i not in left_out}
    wanted = _with_parents(asked_for | {claim.chain_id for claim in prices}, sections)
    if wanted != set(chains):
        raise MalformedBundle(
            HERE, f"it has sections for networks {chains}, its claims and settlements need {sorted(wanted)}"
        )
    priced = {claim.chain_id for claim in prices}
    if any(section.updates and section.chain_id not in priced for section in sections):
        raise MalformedBundle(HERE, "signed updates stand where no price is asked for")
    nodes = set().union(*(section.nodes for section in sections)) if sections else set()
    codes = set().union(*(section.codes for section in sections)) if sections else set()
    for pointed, count, what in ((nodes, counts[0], "nodes"), (codes, counts[1], "contract codes")):
        if len(pointed) != count:
            raise MalformedBundle(HERE, f"{count - len(pointed)} of its {what} belong to no section")
