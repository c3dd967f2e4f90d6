"""A proposed root counts where each condition is shown, and is refused by the name of the one that is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from tests.simulators.rollup import NOW, PARENT, Parent, Rollup, array, entry, header, word
from tests.simulators.trie_builder import keccak
from tests.verifier.settlement.games import DAY, GAME, GameWorld, output_root, uuid
from tests.verifier.settlement.test_other_schemes import SEND_ROOT, Bold, Oracle, found
from verifier.checker import Checker
from verifier.errors import NOWHERE, BadInput, NotSettled, TrustTooWeak, WrongBinding, WrongHash
from verifier.gather import Anchored, taken
from verifier.network import OwnConsensus
from verifier.policy import EVERYTHING_OFF, STRICT, Haircut, OnlyShown, ProposedRule
from verifier.primitives import BlockNumber, ChainId, Hash32, Timestamp
from verifier.proven import ProvenHeader
from verifier.settlement.proposed import conditions
from verifier.trust import Observed, Settlement, TrustRoot
from verifier.verify import too_weak

NO_PARENT = b"\xff" * 4
TAKEN = replace(
    STRICT,
    settlements=frozenset({Settlement.SETTLED, Settlement.PROPOSED}),
    settlement_haircuts={Settlement.PROPOSED: Haircut(400_000, 200_000)},
    proposed=ProposedRule(min_age=DAY, quorum=2),
)


def seen(raw: bytes, chain: int, *operators: str) -> Observed:
    """What the checker's endpoints said of the rollup's block."""
    names = frozenset(operators or ("one", "two"))
    return Observed(ChainId(chain), Hash32(keccak(raw)), BlockNumber(1), names, 2, Timestamp(NOW))


def refused(rule: str, got: str = "") -> object:
    return pytest.raises(NotSettled, match=f"a proposed root: {rule}.*{got}")


@dataclass
class Other:
    """Another game of the factory."""

    created: int
    number: int
    root: bytes = b"\xbb" * 32
    game_type: int = 8
    at: int = 0x71

    @property
    def record(self) -> int:
        return self.game_type << 224 | self.created << 160 | int.from_bytes(bytes([self.at]) * 20, "big")

    @property
    def claim(self) -> bytes:
        return self.root + (32).to_bytes(2, "big") + word(self.number)


@dataclass
class Posted:
    """A game in progress, made two days ago about a block of eleven days ago, and the factory's list around it."""

    before: Sequence[Other] = (Other(NOW - 12 * DAY, 600, at=0x70),)
    after: Sequence[Other] = (Other(NOW - DAY, 701), Other(NOW - DAY, 700, game_type=1, at=0x72))
    world: GameWorld = field(default_factory=lambda: GameWorld(created=NOW - 2 * DAY, status=0, resolved=0))

    def __post_init__(self) -> None:
        factory = self.world.words["factory"]
        self.own = self.world.game_type << 224 | self.world.created << 160 | int.from_bytes(GAME, "big")
        records = [*(one.record for one in self.before), self.own, *(one.record for one in self.after)]
        factory[104] = len(records)
        for i, record in enumerate(records):
            factory[array(104, i)] = record
        for one in (*self.before, *self.after):
            factory[entry(uuid(one.game_type, one.root, word(one.number)), 103)] = one.record

    def evidence(self, first: int = 0) -> bytes:
        others = [*self.before[first:], *self.after]
        return first.to_bytes(8, "big") + b"".join(one.claim for one in others if one.game_type == 8)

    def verify(
        self, evidence: bytes | None = None, roots: Sequence[TrustRoot] | None = None, **given: object
    ) -> ProvenHeader:
        head, extra, code = self.world.preimages
        head += self.evidence() if evidence is None else evidence
        told = [seen(self.world.raw, 10)] if roots is None else roots
        policy = given.get("policy", TAKEN)
        return self.world.rollup.verify(
            self.world.parent,
            self.world.raw,
            [head, extra, code],
            policy=policy,
            seen=told,  # type: ignore[arg-type]
        )


def test_a_proposed_game_counts_where_all_is_shown() -> None:
    """Its haircut is the policy's, and what was shown stands in the settlement."""
    proven = Posted().verify()
    assert found(proven).shown == (
        f"posted at least {2 * DAY} s ago",
        "no rival and no challenge at its height",
        "2 operators name its block",
    )
    assert proven.trust.settlement is Settlement.PROPOSED
    assert TAKEN.trust_haircut(proven.trust) == Haircut(400_000, 200_000)
    assert Posted().verify(Posted().evidence(0), policy=replace(TAKEN, proposed=ProposedRule(2 * DAY, 2)))


def test_without_the_policys_word_a_proposed_game_counts_nothing() -> None:
    proven = Posted().verify(b"", policy=STRICT)
    assert found(proven).shown == ()
    assert not STRICT.takes(proven.trust)
    assert isinstance(too_weak(proven.where, proven.trust, STRICT), TrustTooWeak)


@pytest.mark.covers("OPS-02")
def test_each_condition_that_fails_is_named() -> None:
    """Age, a rival, a challenge, a quorum: one thing differs each time."""
    with refused("its age", f"{2 * DAY} s"):
        Posted().verify(policy=replace(TAKEN, proposed=ProposedRule(2 * DAY + 1, 2)))
    rival = Other(NOW - DAY, 700)
    with refused("no rival and no challenge", "a rival at height 700"):
        Posted(after=(rival,)).verify()
    challenged = Posted()
    challenged.world.game.words[2] = 2
    with refused("no rival and no challenge", "1 moves were made"):
        challenged.verify()
    number = Posted()
    number.world.game.words[0] |= 1 << 8 * 18
    with refused("no rival and no challenge", "its block number was challenged"):
        number.verify()
    with refused("no rival and no challenge", "not shown"):
        Posted().verify(b"")


def test_a_rival_made_before_the_game_counts_too() -> None:
    """After the block, and before our game: the first that posted is not the one that is right."""
    early = Other(NOW - 10 * DAY, 700, at=0x75)
    with refused("no rival and no challenge", "a rival"):
        Posted(before=(Other(NOW - 12 * DAY, 600, at=0x70), early)).verify()


def test_the_same_root_again_is_no_rival() -> None:
    """Another game may claim the same root with other extra data."""
    game = Posted()
    assert game.world.claim is not None
    again = Other(NOW - DAY, 700, root=game.world.claim, at=0x73)
    extra = word(700) + b"\0\0\0\1"
    posted = Posted(after=())
    factory = posted.world.words["factory"]
    factory[104] = 3
    factory[array(104, 2)] = again.record
    factory[entry(uuid(8, again.root, extra), 103)] = again.record
    assert posted.verify(posted.evidence() + again.root + (36).to_bytes(2, "big") + extra)


@pytest.mark.parametrize(
    ("roots", "named"),
    [
        ((), 0),
        ((seen(GameWorld().raw, 10, "one"),), 1),
        ((seen(GameWorld().raw, 11),), 0),
        ((seen(b"another block", 10),), 0),
        ((seen(GameWorld().raw, 10, "one"), seen(GameWorld().raw, 10, "two")), 1),
    ],
    ids=["nobody", "one operator", "another chain", "another block", "two observations of one each"],
)
def test_a_quorum_is_one_observation_of_this_block(roots: Sequence[TrustRoot], named: int) -> None:
    with refused("the quorum on its block", f"{named} did"):
        Posted().verify(roots=roots)


@pytest.mark.covers("OPS-05")
def test_the_list_is_read_from_before_the_block_to_its_end() -> None:
    """A list that begins too late, leaves a game out, is padded, or names a claim that is not that game's, is refused."""
    posted = Posted()
    with pytest.raises(WrongBinding, match="the first game read"):
        posted.verify(posted.evidence(1))
    with pytest.raises(WrongBinding, match="among them"):
        late = Other(NOW - 12 * DAY, 600, at=0x76)
        Posted(after=(late,)).verify((2).to_bytes(8, "big") + late.claim)
    with pytest.raises(WrongBinding, match="a claim for this game"):
        posted.verify(posted.evidence()[:-66])
    with pytest.raises(BadInput):
        posted.verify(posted.evidence() + posted.after[0].claim)
    with pytest.raises(BadInput):
        posted.verify(posted.evidence()[:-1])
    for at in range(8, len(posted.evidence()), 5):
        changed = bytearray(posted.evidence())
        changed[at] ^= 1
        with pytest.raises((WrongBinding, BadInput)):
            posted.verify(bytes(changed))


def test_the_list_may_begin_at_the_last_game_before_the_block() -> None:
    """That one was made before the block's time, not in the same second."""
    old = Other(NOW - 13 * DAY, 500, at=0x6F)
    posted = Posted(before=(old, Other(NOW - 12 * DAY, 600, at=0x70)))
    assert posted.verify(posted.evidence(1))
    same = Posted(before=(old, Other(NOW - 11 * DAY, 600, at=0x70)))
    with pytest.raises(WrongBinding, match="the first game read"):
        same.verify(same.evidence(1))


def test_a_factory_that_is_flooded_shows_nothing() -> None:
    flood = [Other(NOW - DAY, 800 + i, at=0x74, game_type=255) for i in range(255)]
    with refused("no rival and no challenge", "257"):
        Posted(after=flood).verify()
    assert Posted(after=flood[1:]).verify()


def test_a_settled_game_takes_no_list() -> None:
    settled = Posted(world=GameWorld())
    with pytest.raises(BadInput):
        settled.verify()
    assert settled.verify(b"").trust.settlement is Settlement.SETTLED


def test_a_succinct_game_that_was_challenged_is_not_counted() -> None:
    """It keeps its challenger in a slot that is read."""
    succinct = GameWorld(
        game_type=6, created=NOW - 2 * DAY, status=0, resolved=0, extra=word(700) + NO_PARENT, respected_slot=(9, 0)
    )
    posted = Posted(before=(), after=(), world=succinct)
    assert posted.verify()
    succinct.game.words[1] = 1 << 32
    with refused("no rival and no challenge", "it was challenged"):
        posted.verify()


def test_a_game_on_another_one_is_not_counted_while_that_one_is_not_shown_to_stand() -> None:
    """A false parent takes its children with it, and whoever is honest challenges the parent."""
    child = GameWorld(
        game_type=6, created=NOW - 2 * DAY, status=0, resolved=0, extra=word(700) + bytes(4), respected_slot=(9, 0)
    )
    with refused("no rival and no challenge", "that the game it builds on stands"):
        Posted(before=(), after=(), world=child).verify()


def test_the_claim_itself_is_the_first_move_and_no_challenge() -> None:
    posted = Posted()
    posted.world.game.words[2] = 1
    assert posted.verify()


def test_super_games_of_a_validity_proof_keep_their_challenger_beside_the_status() -> None:
    """Type 10, with its preimage behind the parent's index; the fields below the challenger are no challenge."""
    raw = header(700, NOW - 11 * DAY)
    preimage = b"\x01" + (NOW - 11 * DAY).to_bytes(8, "big") + word(10) + output_root(raw)
    world = GameWorld(
        game_type=10, created=NOW - 2 * DAY, status=0, resolved=0, extra=NO_PARENT + preimage, claim=keccak(preimage),
        respected_slot=(8, 1),
    )  # fmt: skip
    posted = Posted(before=(), after=(), world=world)
    world.game.words[1] = 2 << 32 | 0xFFFFFFFF  # no parent; proven, and challenged by nobody
    assert posted.verify()
    for challenger in (1, 1 << 159):
        world.game.words[1] = challenger << 40 | 1 << 32 | 0xFFFFFFFF
        with refused("no rival and no challenge", "it was challenged"):
            posted.verify()


def test_an_output_in_its_period_needs_age_and_quorum() -> None:
    """One proposer, one output at each height: nothing can stand beside it."""
    oracle = Oracle(age=2 * DAY)
    assert found(oracle.verify(policy=TAKEN, seen=[seen(oracle.raw, 10)])).shown
    with refused("its age"):
        Oracle(age=DAY - 1).verify(policy=TAKEN, seen=[seen(oracle.raw, 10)])
    with refused("the quorum"):
        oracle.verify(policy=TAKEN)


# --- Arbitrum --------------------------------------------------------------------------------------------


@dataclass
class Line:
    """Pending assertions one on another, the last about our header, on a parent whose blocks fill slots of 12 s."""

    ancestors: int = 2
    rival_at: int | None = None
    """Which node has a second child: 0 is the confirmed one."""
    created: int = 50_000 - DAY // 12

    def __post_init__(self) -> None:
        self.parent = Parent(number=50_000)
        self.raw = header(900, NOW - 700_000, extra=SEND_ROOT)
        self.address, contract = self.parent.proxy(0x4D)
        above, links = b"\x3a" * 32, list[bytes]()
        self.states = list[bytes]()
        contract.words[entry(above, 117)] = 2 << 200 | self._rival(0)
        for i in range(self.ancestors):
            self.states.append(i.to_bytes(2, "big") * 96)
            link = above + keccak(self.states[i]) + b"\xac" * 32
            links.insert(0, link)
            above = keccak(link)
            contract.words[entry(above, 117)] = 1 << 200 | (self.created - 9) << 128 | self._rival(i + 1)
        state = keccak(self.raw) + SEND_ROOT + word(12) + word(0) + word(1) + b"\xe4" * 32
        self.preimage = above + state + b"\xac" * 32
        contract.words[entry(keccak(above + keccak(state) + b"\xac" * 32), 117)] = 1 << 200 | self.created << 128
        self.links = links
        self.rollup = Rollup("bold", {"rollup": self.address}, chain_id=42_161)

    def _rival(self, node: int) -> int:
        return 7 << 64 if self.rival_at == node else 0

    def verify(self, links: Sequence[bytes] | None = None, kind: str = "beacon", **given: object) -> ProvenHeader:
        preimage = self.preimage + b"".join(self.links if links is None else links)
        given.setdefault("seen", [seen(self.raw, 42_161)])
        given.setdefault("policy", TAKEN)
        own = replace(PARENT, rooted_by=OwnConsensus(kind))
        return self.rollup.verify(self.parent, self.raw, [preimage], of=own, **given)  # type: ignore[arg-type]


@pytest.mark.covers("ARB-01")
@pytest.mark.parametrize("ancestors", [0, 1, 2, 5])
def test_a_pending_assertion_counts_where_all_is_shown(ancestors: int) -> None:
    shown = found(Line(ancestors).verify())
    assert shown.open_points == ("pending",)
    assert shown.shown[0] == f"posted at least {DAY} s ago"


@pytest.mark.covers("ARB-01")
def test_each_condition_of_an_assertion_that_fails_is_named() -> None:
    """A rival beside it or beside an ancestor; ancestors that are left out; an age that is too low or not known."""
    for node in (0, 1, 2):
        with refused("no rival and no challenge", "second child: a rival"):
            Line(rival_at=node).verify()
    with refused("no rival and no challenge", "not shown"):
        Line().verify([])
    with refused("no rival and no challenge", "not shown"):
        Line().verify(Line().links[:1])
    with refused("its age", f"{DAY - 12} s"):
        Line(created=50_001 - DAY // 12).verify()
    with refused("its age", "not shown"):
        Line().verify(kind="test")
    with refused("the quorum"):
        Line().verify(seen=[])


def test_a_line_of_ancestors_is_bounded() -> None:
    assert Line(512).verify()
    with pytest.raises(BadInput, match="512 at most"):
        Line(513).verify()


def test_ancestors_are_bound_by_their_hashes() -> None:
    """Each byte of each counts; there is none beyond the confirmed one, and none beside a confirmed assertion."""
    line = Line()
    for at in range(0, 192, 13):
        whole = bytearray(b"".join(line.links))
        whole[at] ^= 1
        with pytest.raises(WrongHash):
            line.verify([bytes(whole)])
    with pytest.raises(BadInput):
        line.verify([*line.links, b"\0" * 96])
    with pytest.raises(BadInput):
        line.verify([line.links[0][:-1]])
    bold = Bold()
    with pytest.raises(BadInput):
        bold.verify(bold.preimage + b"\0" * 96)


def test_code_that_was_not_reviewed_is_no_proposal() -> None:
    """An address named in the policy judges alone; what it does not hold valid shows no conditions."""
    with refused("no rival and no challenge", "its code was not reviewed"):
        conditions(TAKEN, (), ChainId(10), NOWHERE, None)


def test_a_rule_asks_for_two_operators_at_least() -> None:
    with pytest.raises(BadInput):
        ProposedRule(quorum=1)
    with pytest.raises(BadInput):
        ProposedRule(min_age=-1)


def test_a_look_at_what_is_posted_takes_one_operators_word_and_weighs_nothing() -> None:
    """Whatever haircut the policy gives proposed roots; a rival and a block that nobody names refuse it as ever."""
    for policy in (STRICT, TAKEN):
        look = policy.looking()
        proven = Posted().verify(policy=look, roots=[seen(Posted().world.raw, 10, "one")])
        assert look.takes(proven.trust)
        assert look.trust_haircut(proven.trust) == EVERYTHING_OFF
        with refused("the quorum on its block", "0 did"):
            Posted().verify(policy=look, roots=[])
        with refused("no rival and no challenge", "a rival at height 700"):
            Posted(after=(Other(NOW - DAY, 700),)).verify(policy=look)
    with pytest.raises(BadInput):
        OnlyShown(quorum=2)


def test_nothing_is_read_under_a_proposed_root_that_the_policy_does_not_take() -> None:
    """Where no bundle is verified afterwards, the anchor itself is held against the policy."""
    for policy, stands in ((TAKEN, True), (STRICT, False)):
        posted = Posted()
        anchored = Anchored(posted.world.raw, posted.verify(b"" if policy is STRICT else None, policy=policy))
        checker = Checker((), {}, {}, policy, Timestamp(NOW))
        if stands:
            assert taken(anchored, checker) is anchored
        else:
            with pytest.raises(TrustTooWeak, match="proposed"):
                taken(anchored, checker)
