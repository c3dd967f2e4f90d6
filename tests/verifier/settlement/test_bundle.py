"""A bundle whose rollup is anchored by its parent's contract: verified offline, from the parent's pin alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from tests.simulators.rollup import IMPLEMENTATION_SLOT, PARENT, all_nodes
from tests.simulators.trie_builder import keccak
from tests.simulators.world import World, holder, run
from tests.verifier.settlement.games import DAY, DELAY, PASSER_ROOT, GameWorld, clone_code, output_root, uuid
from verifier.checker import Checker
from verifier.claims import CodePin
from verifier.errors import (
    CallTooLarge,
    FromTheFuture,
    MalformedBundle,
    MissingNode,
    NoTrustRoot,
    NotSettled,
    TooOld,
    TrustTooWeak,
    UnusedEvidence,
    WrongChain,
)
from verifier.evidence import Bundle, LightEvidence, Section, Settling
from verifier.gather import assemble, gather_section
from verifier.network import SettledOn
from verifier.policy import STRICT, Policy
from verifier.primitives import ChainId, Hash32, Timestamp
from verifier.proven import ProvenAmount, ProvenSettlement, trail
from verifier.trust import PinnedBlock, Settlement
from verifier.verify import Refusal, Verified, verify_bundle
from verifier.view import encode_view, parse_view
from verifier.wire import encode_bundle, parse_bundle

LATE = 10 * DAY
"""Seconds from the rollup's last block to the parent's."""


@dataclass
class Scene:
    """A rollup with two holders, a game about its last block, and a parent ten days later."""

    resolved: int = DELAY + 1
    blacklisted: bool = False
    policy: Policy = field(default_factory=lambda: replace(STRICT, max_age=30 * DAY))

    def __post_init__(self) -> None:
        self.world = World(chain_id=10, coins={holder(1): 5, holder(2): 0}, tokens={holder(3): 77})
        self.raw = self.world.headers[-1]
        self.now = int(self.world.time_of(-1)) + LATE
        number = self.world.first_number + self.world.blocks - 1
        state = self.world.states[keccak(self.raw)].root
        claim = output_root(self.raw, state=state)
        self.games = GameWorld(
            number=number, claim=claim, created=self.now - 8 * DAY, resolved=self.now - self.resolved
        )
        if self.blacklisted:
            self.games.blacklist()
        self.games.parent.time = self.now
        self.network = replace(self.games.rollup.network, name="net10", native_symbol="ETH")

    @property
    def preimages(self) -> tuple[bytes, ...]:
        return tuple(self.games.preimages)

    def parent(self) -> tuple[bytes, list[bytes]]:
        from tests.simulators.rollup import header

        state, storages = self.games.parent.tries()
        nodes = dict.fromkeys(all_nodes(state))
        for storage in storages.values():
            nodes.update(dict.fromkeys(all_nodes(storage)))
        return header(5_000, self.games.parent.time, state=state.root), list(nodes)

    def checker(self, as_root: bytes | None = None) -> Checker:
        raw, _ = self.parent()
        pin = PinnedBlock(PARENT.chain_id, Hash32(keccak(raw if as_root is None else as_root)))
        networks = {PARENT.chain_id: PARENT, self.network.chain_id: self.network}
        meanings = {self.world.token.key: self.world.known()}
        return Checker((pin,), networks, meanings, self.policy, Timestamp(self.now))

    def bundle(self, as_of: int | None = None) -> Bundle:
        """The rollup's own evidence as gathered under a pin, then tied to the parent instead."""
        moment = Timestamp(int(self.world.time_of(-2)) if as_of is None else as_of)
        asked = list(enumerate(self.world.claims()))
        pinned = replace(self.checker(), roots=(self.world.pin(),))
        part, _ = run(gather_section(self.world.network, asked, self.world.pin(), moment, pinned), {10: self.world})
        own = assemble(moment, self.world.claims(), [part])
        raw, nodes = self.parent()
        return self.with_parent(own, raw, nodes)

    def with_parent(self, own: Bundle, raw: bytes, nodes: list[bytes]) -> Bundle:
        """Only the nodes that judging uses may be in the bundle: they are found by judging."""
        from tests.simulators.world import FAMILY
        from verifier.consensus.weaker import verify_anchor
        from verifier.errors import NOWHERE
        from verifier.settlement import verify_settlement
        from verifier.settlement.scheme import case_of
        from verifier.trie.table import NodeTable

        assert PARENT.family.dialects == FAMILY.dialects
        used: set[Hash32] = set()
        by_hash = {Hash32(keccak(node)): node for node in nodes}
        pin = PinnedBlock(PARENT.chain_id, Hash32(keccak(raw)))
        at = verify_anchor(raw, PARENT, (pin,), NOWHERE)
        try:
            case = case_of(self.network, at, NodeTable.from_hashed(by_hash.items()), used, self.policy)
            verify_settlement(case, self.raw, self.preimages)
        except NotSettled:
            pass
        settled = [by_hash[found] for found in used]
        all_ = sorted({*own.nodes, *settled})
        place = {node: i for i, node in enumerate(all_)}
        (section,) = own.sections
        mine = sorted({place[own.nodes[i]] for i in section.nodes} | {place[node] for node in settled})
        rollup = replace(section, nodes=tuple(mine), settling=Settling(PARENT.chain_id, self.preimages))
        parent = Section(PARENT.chain_id, raw, (), ())
        return replace(own, sections=(parent, rollup), nodes=tuple(all_))

    def verified(self, bundle: Bundle | None = None, checker: Checker | None = None) -> Verified:
        data = encode_bundle(self.bundle() if bundle is None else bundle)
        return verify_bundle(data, self.checker() if checker is None else checker)


def error_of(found: Verified) -> BaseException:
    errors = {type(o.error) for o in found.outcomes if isinstance(o, Refusal)}
    assert len(errors) == 1
    assert all(isinstance(o, Refusal) for o in found.outcomes)
    first = found.outcomes[0]
    assert isinstance(first, Refusal)
    return first.error


def test_balances_of_a_rollup_are_proven_from_the_parents_pin() -> None:
    """Exact at the as-of time, settled, every balance; the trail passes the settlement and ends at the parent's pin."""
    scene = Scene()
    found = scene.verified()
    amounts = [o for o in found.outcomes if isinstance(o, ProvenAmount)]
    assert [a.amount for a in amounts] == [5, 0, 77]
    assert {a.trust.settlement for a in amounts} == {Settlement.SETTLED}
    steps = list(trail(amounts[0]))
    assert any(isinstance(step, ProvenSettlement) for step in steps)
    assert isinstance(steps[-1], PinnedBlock)
    assert steps[-1].chain_id == PARENT.chain_id


def test_both_forms_of_the_bundle_say_the_same() -> None:
    data = encode_bundle(Scene().bundle())
    assert encode_bundle(parse_bundle(data).bundle) == data
    assert parse_view(encode_view(data)) == data


def test_a_parent_that_the_checker_does_not_believe_refuses_the_rollup() -> None:
    scene = Scene()
    assert isinstance(error_of(scene.verified(checker=scene.checker(b"another"))), NoTrustRoot)


def test_a_proposed_root_is_refused_by_the_default_policy() -> None:
    found = error_of(Scene(resolved=DELAY).verified())
    assert isinstance(found, TrustTooWeak)
    assert (found.fact, found.got) == ("the settlement", "proposed")
    taken = replace(STRICT, max_age=30 * DAY, settlements=frozenset(Settlement))
    unshown = error_of(Scene(resolved=DELAY, policy=taken).verified())
    assert isinstance(unshown, NotSettled)
    assert unshown.rule == "a proposed root: no rival and no challenge"


def test_a_blacklisted_game_refuses_the_rollup() -> None:
    assert isinstance(error_of(Scene(blacklisted=True).verified()), NotSettled)


def test_a_parent_that_the_network_does_not_settle_on_is_refused() -> None:
    """The checker's own registry says who the parent is; a bundle that names another is refused."""
    scene = Scene()
    rooted = scene.network.rooted_by
    assert isinstance(rooted, SettledOn)
    moved = replace(scene.network, rooted_by=replace(rooted, parent=ChainId(5)))
    believed = scene.checker()
    networks = {**believed.networks, scene.network.chain_id: moved}
    assert isinstance(error_of(scene.verified(checker=replace(believed, networks=networks))), WrongChain)


@pytest.mark.covers("ROL-03")
def test_a_parents_block_too_far_before_the_moment_or_ahead_of_the_clock_is_refused() -> None:
    """What was revoked since would not show; delays would seem to have passed."""
    scene = Scene()
    late = scene.now + scene.policy.max_head_lag + 1
    bundle = replace(scene.bundle(), as_of=Timestamp(late))
    found = error_of(scene.verified(bundle, replace(scene.checker(), now=Timestamp(late))))
    assert isinstance(found, TooOld)
    assert found.what == "the time from the parent's block to T"
    early = replace(scene.checker(), now=Timestamp(scene.now - scene.policy.max_clock_error - 1))
    assert isinstance(error_of(scene.verified(checker=early)), FromTheFuture)


def test_a_section_that_nothing_settles_on_is_malformed() -> None:
    scene = Scene()
    bundle = scene.bundle()
    parent, rollup = bundle.sections
    with pytest.raises(MalformedBundle):
        parse_bundle(encode_bundle(replace(bundle, sections=(parent, replace(rollup, settling=None)))))
    with pytest.raises(MalformedBundle):
        parse_bundle(encode_bundle(replace(bundle, sections=(rollup,))))


def test_a_parents_section_holds_its_anchor_and_nothing_else() -> None:
    scene = Scene()
    bundle = scene.bundle()
    parent, rollup = bundle.sections
    padded = replace(bundle, sections=(replace(parent, nodes=(0,)), rollup))
    assert isinstance(error_of(scene.verified(padded)), UnusedEvidence)


def test_a_missing_or_surplus_node_of_the_parents_state_is_refused() -> None:
    """A node that only judging needs, left out; a node that nothing needs, put in."""
    scene = Scene()
    bundle = scene.bundle()
    parent, rollup = bundle.sections
    own = {node for built in scene.world.states.values() for node in all_nodes(built)}
    own |= {node for built in scene.world.storage.values() for node in all_nodes(built)}
    gone = next(i for i, node in enumerate(bundle.nodes) if node not in own)
    nodes = tuple(node for i, node in enumerate(bundle.nodes) if i != gone)
    short = replace(rollup, nodes=tuple(range(len(nodes))))
    assert isinstance(error_of(scene.verified(replace(bundle, nodes=nodes, sections=(parent, short)))), MissingNode)
    more = tuple(sorted({*bundle.nodes, b"\xc2\x80\x80" * 12}))
    long = replace(rollup, nodes=tuple(range(len(more))))
    assert isinstance(error_of(scene.verified(replace(bundle, nodes=more, sections=(parent, long)))), UnusedEvidence)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_every_byte_of_the_preimages_counts(part: int) -> None:
    """Any bit of any preimage changed refuses all of the rollup's claims."""
    scene = Scene()
    bundle = scene.bundle()
    parent, rollup = bundle.sections
    for at in range(0, len(scene.preimages[part]), 7):
        changed = bytearray(scene.preimages[part])
        changed[at] ^= 1
        preimages = tuple(bytes(changed) if i == part else one for i, one in enumerate(scene.preimages))
        other = replace(rollup, settling=Settling(PARENT.chain_id, preimages))
        found = scene.verified(replace(bundle, sections=(parent, other)))
        assert all(isinstance(o, Refusal) for o in found.outcomes)


def test_the_scene_is_what_it_says() -> None:
    """The claim is filed under its own key, and the clone holds it."""
    games = Scene().games
    assert games.claim is not None
    assert games.extra is not None
    assert games.code == clone_code(games.claim, games.extra)
    assert uuid(8, games.claim, games.extra) != uuid(9, games.claim, games.extra)
    assert games.passer == PASSER_ROOT


def test_rollups_that_settle_on_one_another_alone_are_malformed() -> None:
    """A ring of sections that no claim leads to would be carried along, and looked at by nobody."""
    bundle = Scene().bundle()
    parse_bundle(encode_bundle(bundle))
    ring = tuple(
        Section(ChainId(one), b"anything", (), (), Settling(ChainId(other), (b"at all",)))
        for one, other in ((10**6, 10**6 + 1), (10**6 + 1, 10**6))
    )
    with pytest.raises(MalformedBundle, match="its claims and settlements need"):
        parse_bundle(encode_bundle(replace(bundle, sections=(*bundle.sections, *ring))))


def test_a_settled_section_brings_no_light_client_along() -> None:
    """The parent anchors it; evidence of a light client beside that would be looked at by nobody."""
    bundle = Scene().bundle()
    parent, rollup = bundle.sections
    both = replace(rollup, light=LightEvidence(bootstrap=b"anything"))
    with pytest.raises(MalformedBundle, match="a light client of its own"):
        parse_bundle(encode_bundle(replace(bundle, sections=(parent, both))))


def test_a_registrys_own_judgement_does_no_more_than_the_checkers_bound_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The bound on the work of calls is the checker's for judgements too; where it is enough, the root stands."""
    from tests.verifier.settlement.test_op_judged import RUNS, YES

    monkeypatch.setattr("tests.verifier.settlement.test_bundle.PARENT", RUNS)
    scene = Judging(YES)
    bundle, believed = scene.bundle(), scene.checker()
    assert not [outcome for outcome in scene.verified(bundle).outcomes if isinstance(outcome, Refusal)]
    tight = replace(believed, limits=replace(believed.limits, call_steps=3))
    assert isinstance(error_of(scene.verified(bundle, tight)), CallTooLarge)


class Judging(Scene):
    """A scene whose registry runs code of ours, which judges beside the slots."""

    def __init__(self, code: bytes) -> None:
        self.code = code
        super().__init__()
        games = self.games
        registry = games.parent.contracts[games.registry]
        registry.code = code
        del registry.words[IMPLEMENTATION_SLOT]
        pins = [pin for pin in games.rollup.codes if pin[0] != "registry"]
        own = ("registry", CodePin(Hash32(keccak(code))))
        network = replace(games.rollup, codes=[*pins, own]).network
        self.network = replace(network, name="net10", native_symbol="ETH", family=self.network.family)

    @property
    def preimages(self) -> tuple[bytes, ...]:
        return (*super().preimages, self.code)
