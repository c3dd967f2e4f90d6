"""Which of Arbitrum's blocks is gathered: of the outbox and of assertions, confirmed and pending, around a moment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulators.rollup import NOW, PARENT, REVIEWED, entry, header, word
from tests.simulators.trie_builder import keccak
from tests.simulators.world import run
from tests.verifier.settlement.test_asking import BEACON, Answers, created, gather, line_logs
from tests.verifier.settlement.test_other_schemes import SEND_ROOT, Bold, Classic
from tests.verifier.settlement.test_proposed import TAKEN, Line
from verifier.errors import BadInput, MissingEvidence, NotSettled, NotThere
from verifier.flow import AskLogs, Log
from verifier.policy import STRICT, ProposedRule
from verifier.primitives import Hash32, Timestamp
from verifier.settlement import gather_settlement
from verifier.settlement.arbitrum_asking import ASSERTION_CREATED, SEND_ROOT_UPDATED, gather_classic, parse_assertion

TIME = NOW - 700_000
"""Of the block that the outbox holds and the assertion is about."""


def scene(bold: Bold, *, confirmed: bool = True, asserted: bool = True) -> tuple[Answers, Answers]:
    """What the parent's and the rollup's endpoint tell."""
    sent = Log((SEND_ROOT_UPDATED, Hash32(SEND_ROOT), Hash32(keccak(bold.raw))), b"")
    made = created(bold.mother, bold.preimage[32:224])
    logs = {SEND_ROOT_UPDATED: [sent] * confirmed, ASSERTION_CREATED: [made] * asserted}
    own = Answers(headers=[bold.raw], numbers=[900])
    return Answers(bold.parent, logs=logs, said=lambda _: bold.hash), own


def asked_for_assertions(parent: Answers) -> bool:
    return any(isinstance(one, AskLogs) and one.topic == ASSERTION_CREATED for one in parent.asked)


@pytest.mark.parametrize(("as_of", "asked"), [(TIME - 1, False), (TIME, True), (NOW, True)])
def test_where_proposed_roots_count_assertions_are_asked_for_unless_the_outbox_reaches_past_the_moment(
    as_of: int, asked: bool
) -> None:
    """A confirmed block of just the moment does not show yet that it is the last one before it."""
    bold = Bold()
    parent, own = scene(bold)
    assert gather(bold.rollup, parent, own, policy=TAKEN, as_of=as_of).header.hash == keccak(bold.raw)
    assert asked_for_assertions(parent) is asked


def test_a_rollup_known_by_its_outbox_alone_is_gathered_from_it() -> None:
    """With nothing in the outbox there is no root; with no contract known, nothing to ask."""
    bold = Bold()
    alone = replace(bold.rollup, contracts={"outbox": bold.outbox_address})
    parent, own = scene(bold)
    assert gather(alone, parent, own, policy=TAKEN).preimages == (b"",)
    with pytest.raises(NotThere, match="any accepted block"):
        gather(alone, scene(bold, confirmed=False)[0], own, policy=TAKEN)
    with pytest.raises(MissingEvidence, match="the rollup or the outbox"):
        gather(replace(bold.rollup, contracts={}, codes=[("rollup", REVIEWED)]), parent, own)


@pytest.mark.parametrize(("lag", "stands"), [(700_000, True), (699_999, False)])
def test_what_is_confirmed_stands_in_for_failed_assertions_within_the_lag(lag: int, stands: bool) -> None:
    """Where it lies too far before the moment, why the assertions failed is told."""
    bold = Bold()
    parent, own = scene(bold, asserted=False)
    policy = replace(TAKEN, max_head_lag=lag)
    if stands:
        assert gather(bold.rollup, parent, own, policy=policy).preimages == (b"",)
    else:
        with pytest.raises(NotThere, match="any assertion"):
            gather(bold.rollup, parent, own, policy=policy)


def test_the_older_generation_is_asked_by_its_outbox_only() -> None:
    classic = Classic()
    parent, own = scene(classic)
    assert gather(classic.rollup, parent, own).preimages == (b"",)
    with pytest.raises(MissingEvidence, match="the address of the outbox"):
        gather(replace(classic.rollup, contracts={"rollup": classic.rollup_address}), parent, own)
    state, _ = classic.parent.tries()
    at = classic.parent.anchored(state)
    with pytest.raises(BadInput, match="settled on a parent"):
        run(gather_classic(PARENT, at, Timestamp(NOW), STRICT), {1: parent})  # type: ignore[dict-item]


def test_one_round_of_proofs_is_enough_for_the_outbox() -> None:
    """Two windows of logs, the header, a trial of its state, and every place that judging reads: five round trips."""
    bold = Bold()
    parent, own = scene(bold)
    state, _ = bold.parent.tries()
    flow = gather_settlement(bold.rollup.network, bold.parent.anchored(state, BEACON), Timestamp(NOW), STRICT)
    _, rounds = run(flow, {1: parent, bold.rollup.chain_id: own})  # type: ignore[dict-item]
    assert rounds == 5


def test_an_assertions_log_is_read_as_it_is_shaped() -> None:
    """Twenty words and three topics at least say one; with less, or with another hash, it is none."""
    whole = created(b"\x3a" * 32, bytes(range(192)))
    found = parse_assertion(replace(whole, data=whole.data[: 20 * 32]))
    assert found is not None
    assert (found.parent, found.state, found.hash) == (b"\x3a" * 32, bytes(range(192)), whole.topics[1])
    for other in (
        replace(whole, data=whole.data[: 20 * 32 - 1]),
        replace(whole, topics=whole.topics[:2]),
        replace(whole, topics=(*whole.topics, whole.topics[0])),
        replace(whole, topics=(whole.topics[0], Hash32(bytes(32)), whole.topics[2])),
    ):
        assert parse_assertion(other) is None


def test_an_assertion_of_a_block_just_old_enough_is_judged_by_its_own_age() -> None:
    """Its block has the age that is asked for, so it may have; the assertion itself is a day old."""
    line = Line(0)
    own = Answers(headers=[line.raw], numbers=[900])
    parent = Answers(line.parent, logs={ASSERTION_CREATED: line_logs(line)}, said=lambda _: b"\x3a" * 32)
    for age, told in ((700_000, "86400 s"), (700_001, "every assertion is younger")):
        with pytest.raises(NotSettled, match=told):
            gather(line.rollup, parent, own, policy=replace(TAKEN, proposed=ProposedRule(min_age=age)))


class Two(Bold):
    """A second confirmed assertion, about a block an hour later."""

    def __init__(self, status: int = 2) -> None:
        super().__init__()
        self.later = header(901, TIME + 3_600, extra=b"\x5f" * 32)
        state = keccak(self.later) + b"\x5f" * 32 + word(13) + word(0) + word(1) + b"\xe4" * 32
        self.second = created(self.hash, state)
        self.words[entry(self.second.topics[1], 117)] = status << 200 | 1 << 192 | 5_100 << 128
        self.rollup = replace(self.rollup, contracts={"rollup": self.rollup_address})

    def found(self, as_of: int) -> bytes:
        """The block that gathering chooses for a moment."""
        parent, own = scene(self)
        parent.logs[ASSERTION_CREATED].append(self.second)
        own.headers.append(self.later)
        own.numbers.append(901)
        return gather(self.rollup, parent, own, as_of=as_of).rlp


def test_the_oldest_after_the_moment_is_chosen_and_before_it_the_newest_that_stands() -> None:
    """A block of just the moment is not after it. One that the rollup does not know costs a candidate."""
    two = Two()
    assert two.found(TIME - 1) == two.raw
    assert two.found(TIME) == two.later
    assert two.found(NOW) == two.later
    assert Two(status=0).found(NOW) == two.raw
