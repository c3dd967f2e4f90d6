"""A settled block is old: that nobody can prove its state is found before the claims are asked for, and said in full."""

from __future__ import annotations

from dataclasses import replace

from tests.simulators.world import World, holder, run
from verifier.checker import Checker
from verifier.evidence import Settling
from verifier.flow import Ask, AskProof, Unanswered
from verifier.gather import Anchored, Gathered, gather_section
from verifier.network import Family
from verifier.primitives import ChainId, Timestamp

SETTLED = Settling(ChainId(1), ())


def scene(family: str = "op-stack") -> tuple[World, Anchored, Checker]:
    """A world whose anchor lies four blocks back, as if a parent had settled it."""
    from tests.simulators.world import checker
    from verifier.consensus.weaker import verify_anchor
    from verifier.errors import NOWHERE

    world = World(chain_id=10, coins={holder(1): 5, holder(2): 7})
    raw = world.headers[-5]
    network = replace(world.network, family=Family(family, history=world.network.family.history))
    header = verify_anchor(raw, network, (world.pin(-5),), NOWHERE)
    return world, Anchored(raw, header, SETTLED), checker(world)


def gathered(
    world: World, anchored: Anchored, believed: Checker, *, serves: bool
) -> tuple[Gathered, list[Ask[object]]]:
    asked: list[Ask[object]] = []

    def twist(question: Ask[object], answer: object) -> object:
        asked.append(question)
        if isinstance(question, AskProof) and not serves:
            raise LookupError
        return answer

    moment = Timestamp(int(anchored.header.timestamp))
    claims = list(enumerate(world.claims()))
    found, _ = run(gather_section(anchored.header.network, claims, anchored, moment, believed), {10: world}, twist)
    assert isinstance(found, Gathered)
    return found, asked


def test_what_nobody_proves_is_said_with_its_depth_and_its_cure() -> None:
    """One proof is tried, and none of the claims'."""
    found, asked = gathered(*scene(), serves=False)
    assert sum(isinstance(question, AskProof) for question in asked) == 1
    for failure in found.failed.values():
        assert isinstance(failure, Unanswered)
        assert "4 blocks and 0.0 days behind the newest" in str(failure)
        assert "op-reth with its store of historical proofs would" in str(failure)
    other, _ = gathered(*scene("plain"), serves=False)
    assert "an archive node would" in str(next(iter(other.failed.values())))


def test_what_is_served_is_gathered() -> None:
    found, _ = gathered(*scene(), serves=True)
    assert not found.failed


def test_an_anchor_that_no_parent_settled_is_not_tried() -> None:
    world, anchored, believed = scene()
    _, asked = gathered(world, replace(anchored, settling=None), believed, serves=True)
    tried = [one for one in asked if isinstance(one, AskProof) and one.address == bytes(20)]
    assert not tried
