"""Gathering by hints: logs and views lead to evidence that stands; what they invent costs a candidate, no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
import rlp

from tests.simulators.rollup import NOW, PARENT, REVIEWED, STATE, Parent, Rollup, all_nodes, array, entry, header, word
from tests.simulators.trie_builder import build, keccak
from tests.simulators.world import EMPTY_TRIE, RING, run, uint
from tests.verifier.settlement.games import DAY, GameWorld, output_root
from tests.verifier.settlement.test_other_schemes import Bold, Checkpoint, PaidOracle
from tests.verifier.settlement.test_proposed import TAKEN, Line, Other, Posted
from verifier.errors import NotSettled, NotThere
from verifier.flow import Ask, AskCode, AskHeader, AskHeight, AskLogs, AskProof, AskSaid, Log, Unanswered
from verifier.network import OwnConsensus
from verifier.policy import STRICT, Policy, ProposedRule
from verifier.primitives import Hash32, Timestamp
from verifier.settlement import gather_settlement
from verifier.settlement.arbitrum_asking import ASSERTION_CREATED, LATEST_CONFIRMED, SEND_ROOT_UPDATED
from verifier.settlement.collect import Settled
from verifier.settlement.op_told import COUNT, LATEST, LATEST_OUTPUT, OUTPUT, PERIOD, RESPECTED, STATUS_OF, SUPERCHAIN
from verifier.settlement.validity_asking import CHECKPOINT_SAVED, LAST_FINALIZED, STATE_ROOT_OF
from verifier.trust import Settlement

BEACON = replace(PARENT, rooted_by=OwnConsensus("beacon"))


@dataclass
class Answers:
    """An endpoint: headers, logs and views as a test tells them, and every node of a parent's state."""

    parent: Parent | None = None
    headers: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    logs: dict[bytes, list[Log]] = field(default_factory=dict)
    said: Callable[[bytes], bytes | None] = lambda _: None
    nodes: list[bytes] = field(default_factory=list)
    oldest: int = 0
    asked: list[Ask[object]] = field(default_factory=list)

    def answer(self, question: Ask[object]) -> object:
        self.asked.append(question)
        if isinstance(question, AskHeader):
            named = zip(self.numbers, self.headers, strict=True)
            return next(raw for n, raw in named if question.block in {n, keccak(raw)})
        if isinstance(question, AskLogs):
            return tuple(self.logs[question.topic]) if question.first == 0 else ()
        if isinstance(question, AskSaid) and question.data == STATUS_OF:
            assert self.parent is not None
            return word(self.parent.contracts[question.address].words.get(0, 0) >> 128 & 0xFF)
        if isinstance(question, AskSaid):
            return _there(self.said(question.data))
        if isinstance(question, AskHeight):
            return max(self.numbers)
        if isinstance(question, AskCode):
            assert self.parent is not None
            return self.parent.contracts[question.address].code
        assert isinstance(question, AskProof)
        if question.number < self.oldest:
            raise LookupError  # its state is pruned
        return (*self.nodes, *_state(self.parent))


def _there(value: bytes | None) -> bytes:
    if value is None:
        raise LookupError
    return value


def _state(parent: Parent | None) -> list[bytes]:
    if parent is None:
        return []
    state, storages = parent.tries()
    return [node for built in (state, *storages.values()) for node in all_nodes(built)]


def gather(rollup: Rollup, parent: Answers, own: Answers, *, as_of: int = NOW, policy: Policy = STRICT) -> Settled:
    assert parent.parent is not None
    state, _ = parent.parent.tries()
    at = parent.parent.anchored(state, BEACON)
    network = rollup.network
    flow = gather_settlement(network, at, Timestamp(as_of), policy)
    found, _ = run(flow, {1: parent, int(network.chain_id): own})  # type: ignore[dict-item]
    assert isinstance(found, Settled)
    return found


# --- Taiko and Scroll ------------------------------------------------------------------------------------


def saved(raw: bytes, number: int = 333) -> Log:
    return Log((CHECKPOINT_SAVED, Hash32(word(number))), keccak(raw) + STATE)


def test_a_checkpoint_is_found_by_its_log() -> None:
    """A log of another shape, and one of a block that the contract does not hold, are passed over."""
    world = Checkpoint()
    false = header(334, NOW - 8_000)
    logs = [Log((CHECKPOINT_SAVED,), b""), saved(world.raw), saved(false, 334)]
    own = Answers(headers=[world.raw, false], numbers=[333, 334])
    parent = Answers(world.parent, logs={CHECKPOINT_SAVED: logs})
    found = gather(world.rollup, parent, own, as_of=NOW - 10_000)
    assert found.header.hash == keccak(world.raw)
    assert found.header.trust.settlement is Settlement.SETTLED
    with pytest.raises(NotThere):
        gather(world.rollup, replace(parent, logs={CHECKPOINT_SAVED: logs[2:]}), own, as_of=NOW - 10_000)
    with pytest.raises(NotThere, match="any accepted block"):
        gather(world.rollup, replace(parent, logs={CHECKPOINT_SAVED: []}), own)


class Scroll:
    """Blocks 8,998 to 9,001 of a rollup; the state of 9,000 is that of batch 40."""

    def __init__(self) -> None:
        self.parent = Parent()
        before = header(8_999, NOW - 9_003)
        ring = build({keccak(word(8_999 % RING.length)): rlp.encode(uint(int.from_bytes(keccak(before), "big")))})
        account = rlp.encode([b"\x01", b"", ring.root, keccak(b"ring")])
        state = build({keccak(RING.address): account, keccak(b"x"): b"\xc0" * 40})
        self.root = state.root
        self.headers = [header(8_998, NOW - 9_006), before, header(9_000, NOW - 9_000, state=state.root),
                        header(9_001, NOW - 8_997, state=EMPTY_TRIE)]  # fmt: skip
        address, contract = self.parent.proxy(0xA1)
        contract.words |= {161: 41 << 64 | 44, entry(40, 158): int.from_bytes(state.root, "big")}
        self.rollup = Rollup("scroll", {"scroll_chain": address}, chain_id=534_352)
        self.own = Answers(headers=self.headers, numbers=[8_998, 8_999, 9_000, 9_001])
        self.own.nodes = [*all_nodes(state), *all_nodes(ring)]

    def said(self, data: bytes) -> bytes:
        if data[:4] == LAST_FINALIZED:
            return word(41)
        assert data[:4] == STATE_ROOT_OF
        return self.root if data[4:] == word(40) else bytes(32)


def test_a_batch_is_found_by_its_state_root() -> None:
    """The block before the one with that state is established, since the state names it."""
    world = Scroll()
    parent = Answers(world.parent, said=world.said)
    found = gather(world.rollup, parent, world.own)
    assert (found.header.number, found.header.hash) == (8_999, keccak(world.headers[1]))
    assert found.preimages == ((40).to_bytes(8, "big"),)


def test_a_state_root_that_no_block_has_and_a_ring_that_is_not_proven_are_refused() -> None:
    world = Scroll()
    lost = Answers(world.parent, said=lambda data: word(41) if data[:4] == LAST_FINALIZED else b"\x77" * 32)
    with pytest.raises(NotThere, match="state root of one of the newest 16 batches"):
        gather(world.rollup, lost, world.own)
    world.own.nodes = world.own.nodes[:1]
    with pytest.raises(Unanswered, match="node"):
        gather(world.rollup, Answers(world.parent, said=world.said), world.own)


# --- the old oracle --------------------------------------------------------------------------------------


class Outputs(PaidOracle):
    """Three outputs, of eight, four and one day ago, of blocks an hour older; the period is seven days."""

    def __init__(self) -> None:
        super().__init__()
        self.headers = [header(700 + i, NOW - days * DAY - 3_600) for i, days in enumerate((8, 4, 1))]
        self.words[3] = 3
        for i, (raw, days) in enumerate(zip(self.headers, (8, 4, 1), strict=True)):
            slot = array(3, i, 2)
            self.words[slot] = int.from_bytes(output_root(raw, passer=EMPTY_TRIE), "big")
            self.words[slot + 1] = (700 + i) << 128 | (NOW - days * DAY)
        self.asked = Answers(self.parent, said=self.said)
        self.own = Answers(headers=self.headers, numbers=[700, 701, 702])

    def said(self, data: bytes) -> bytes:
        if data[:4] == LATEST_OUTPUT:
            return word(2)
        if data[:4] == PERIOD:
            return word(self.words[8])
        if data == SUPERCHAIN:
            return bytes(12) + self.superchain
        assert data[:4] == OUTPUT
        index = int.from_bytes(data[4:], "big")
        root = self.words[array(3, index, 2)].to_bytes(32, "big")
        return root + word(NOW - (8, 4, 1)[index] * DAY) + word(700 + index)

    def found(self, days: float, policy: Policy = STRICT) -> Settled:
        return gather(self.rollup, self.asked, self.own, as_of=int(NOW - days * DAY), policy=policy)


@pytest.mark.parametrize(("days", "number"), [(0, 700), (3, 700), (8.02, 700), (9, 700)])
def test_of_outputs_the_oldest_after_the_moment_that_counts_is_gathered_else_the_one_before_it(
    days: float, number: int
) -> None:
    """An output in its period counts nothing; the next older one that is past it stands in."""
    found = Outputs().found(days)
    assert (int(found.header.number), found.header.trust.settlement) == (number, Settlement.SETTLED)
    assert found.preimages == ((number - 700).to_bytes(8, "big") + EMPTY_TRIE,)


def test_an_output_in_its_period_is_gathered_where_the_policy_counts_such() -> None:
    assert int(Outputs().found(3, TAKEN).header.number) == 702
    assert int(Outputs().found(5, TAKEN).header.number) == 701


def test_outputs_are_gathered_by_the_portal_where_its_code_is_pinned_whoever_keeps_its_pause() -> None:
    """Without an entry for it the portal's own view leads there; a pause is told by its name."""
    bare = Outputs()
    bare.rollup = replace(bare.rollup, contracts={"oracle": bare.address, "portal": bare.portal})
    bare.rollup = replace(bare.rollup, codes=[(r, REVIEWED) for r in ("oracle", "portal", "superchain_config")])
    assert bare.found(0).header.trust.settlement is Settlement.SETTLED
    bare.superchain_words[int.from_bytes(keccak(b"superchainConfig.paused"), "big") - 1] = 1
    with pytest.raises(NotSettled, match="the pause of the superchain"):
        bare.found(0)


# --- Arbitrum --------------------------------------------------------------------------------------------


def created(parent: bytes, state: bytes, accumulator: bytes = b"\xac" * 32) -> Log:
    assertion = Hash32(keccak(parent + keccak(state) + accumulator))
    data = bytes(13 * 32) + state + accumulator + bytes(32 * 5)
    return Log((ASSERTION_CREATED, assertion, Hash32(parent)), data)


def line_logs(line: Line) -> list[Log]:
    """Logs of the assertions of a line; the ancestors' states are of blocks that nobody has."""
    parent, logs = b"\x3a" * 32, []
    for i in range(line.ancestors):
        log = created(parent, line.states[i])
        logs.append(log)
        parent = log.topics[1]
    return [*logs, created(line.preimage[:32], line.preimage[32:224])]


@pytest.mark.parametrize("ancestors", [0, 2])
def test_a_pending_assertion_is_found_by_its_log_with_its_ancestors(ancestors: int) -> None:
    """Gathered before anyone was asked for the block, so the quorum is not shown yet."""
    line = Line(ancestors)
    own = Answers(headers=[line.raw], numbers=[900])
    parent = Answers(line.parent, logs={ASSERTION_CREATED: line_logs(line)}, said=lambda _: b"\x3a" * 32)
    found = gather(line.rollup, parent, own, policy=TAKEN)
    assert found.preimages == (line.preimage + b"".join(line.links),)
    assert found.header.trust.settlement is Settlement.PROPOSED
    young = replace(TAKEN, proposed=ProposedRule(min_age=700_001))
    with pytest.raises(NotSettled, match="every assertion is younger"):
        gather(line.rollup, parent, own, policy=young)
    rival = Line(ancestors, rival_at=0)
    beside = replace(parent, parent=rival.parent)
    with pytest.raises(NotSettled, match="second child: a rival"):
        gather(rival.rollup, beside, own, policy=TAKEN)


def test_the_outbox_is_asked_before_the_assertions() -> None:
    """A confirmed block in the outbox is enough where pending ones count nothing."""
    bold = Bold()
    log = Log((SEND_ROOT_UPDATED, Hash32(b"\x5e" * 32), Hash32(keccak(bold.raw))), b"")
    own = Answers(headers=[bold.raw], numbers=[900])
    view = {LATEST_CONFIRMED: bold.hash}
    assertion = created(bold.mother, bold.preimage[32:224])
    parent = Answers(bold.parent, logs={SEND_ROOT_UPDATED: [log], ASSERTION_CREATED: [assertion]}, said=view.get)
    assert gather(bold.rollup, parent, own).preimages == (b"",)
    assert not any(isinstance(one, AskLogs) and one.topic == ASSERTION_CREATED for one in parent.asked)
    alone = replace(bold.rollup, contracts={"rollup": bold.rollup_address})
    assert gather(alone, parent, own).preimages == (bold.preimage,)
    silent = replace(parent, logs={SEND_ROOT_UPDATED: [], ASSERTION_CREATED: [assertion]})
    assert gather(bold.rollup, silent, own).preimages == (bold.preimage,)
    none = replace(parent, logs={SEND_ROOT_UPDATED: [], ASSERTION_CREATED: []})
    with pytest.raises(NotThere, match="any assertion"):
        gather(bold.rollup, none, own)


# --- games -----------------------------------------------------------------------------------------------


def told(posted: Posted) -> Callable[[bytes], bytes | None]:
    """What the factory and the registry return, of the list as it stands in their storage."""
    factory = posted.world.words["factory"]
    claims = {one.record: (one.root, word(one.number)) for one in (*posted.before, *posted.after)}
    claims[posted.own] = (posted.world.claim or b"", posted.world.extra or b"")

    def said(data: bytes) -> bytes | None:
        if data[:4] == COUNT:
            return word(factory[104])
        if data[:4] == RESPECTED:
            return word(8)
        assert data[:4] == LATEST
        start = int.from_bytes(data[36:68], "big")
        games = [(i, factory[array(104, i)]) for i in range(start, -1, -1) if factory[array(104, i)] >> 224 == 8]
        bodies = []
        for i, record in games:
            root, extra = claims[record]
            bodies.append(word(i) + word(record) + word(record >> 160 & (1 << 64) - 1) + root + word(160)
                          + word(len(extra)) + extra + bytes(-len(extra) % 32))  # fmt: skip
        offsets, at = b"", 32 * len(bodies)
        for body in bodies:
            offsets, at = offsets + word(at), at + len(body)
        return word(32) + word(len(bodies)) + offsets + b"".join(bodies)

    return said


def fresh() -> GameWorld:
    """A game whose header names the message passer's storage root itself."""
    return GameWorld(created=NOW - 2 * DAY, status=0, resolved=0, passer=EMPTY_TRIE)


def gather_posted(posted: Posted, *, policy: Policy = TAKEN, as_of: int = NOW) -> Settled:
    parent = Answers(posted.world.parent, said=told(posted))
    numbers = [posted.world.number, *(one.number for one in (*posted.before, *posted.after))]
    headers = [posted.world.raw, *(header(number, NOW - DAY) for number in numbers[1:])]
    own = Answers(headers=headers, numbers=numbers)
    return gather(posted.world.rollup, parent, own, policy=policy, as_of=as_of)


def test_a_proposed_game_is_gathered_with_the_other_games_of_its_time() -> None:
    posted = Posted(after=(Other(NOW - DAY // 2, 701), Other(NOW - DAY // 2, 700, game_type=1, at=0x72)), world=fresh())
    found = gather_posted(posted)
    assert found.header.trust.settlement is Settlement.PROPOSED
    assert found.preimages[0] == posted.world.preimages[0] + posted.evidence()
    assert TAKEN.takes(found.header.trust)


def test_a_proposed_game_with_a_rival_is_refused_by_that_name() -> None:
    """Of a settled game there is none here, so the reason is the rival's."""
    with pytest.raises(NotSettled, match="a rival at height 700"):
        gather_posted(Posted(after=(Other(NOW - DAY // 2, 700),), world=fresh()))


def test_without_the_policys_word_no_list_is_gathered() -> None:
    posted = Posted(before=(), after=(), world=fresh())
    found = gather_posted(posted, policy=STRICT)
    assert found.preimages[0] == posted.world.preimages[0]
    assert not STRICT.takes(found.header.trust)
