"""When and on whose word: the block of an as-of time, heads that lag, clocks, ages, and what an anchor counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulators.world import World, checker, holder
from tests.verifier.verify.gathering import changed, errors_of, gather
from verifier.errors import FromTheFuture, TooOld, TrustTooWeak
from verifier.evidence import Link
from verifier.flow import AskProof
from verifier.policy import PRACTICAL, STRICT
from verifier.primitives import BlockNumber, ChainId, Timestamp
from verifier.proven import Moment
from verifier.trust import Observed
from verifier.verify import verify_bundle
from verifier.wire import parse_bundle


@pytest.mark.parametrize("spare", [0, 5, 11])
def test_a_past_moment_is_exact(two, spare) -> None:
    """The snapshot is the last block not after the time, shown by its successor."""
    world = two[0]
    believed = checker(world)
    as_of = Timestamp(world.time_of(3) + spare)
    data, _ = gather(world.claims(), (world,), believed, as_of)
    verified = verify_bundle(data, believed)
    header, moment = verified.snapshots[ChainId(1)]
    assert (header.number, moment) == (103, Moment.EXACT)


def test_a_far_moment_is_reached_over_the_history_contract() -> None:
    """Past a few parent links, one hop proves an older hash under the anchor's state."""
    world = World(1, {holder(1): 3}, {}, blocks=60)
    believed = checker(world)
    as_of = Timestamp(world.time_of(4))
    data, _ = gather(world.claims(), (world,), believed, as_of)
    links = [step.link for step in parse_bundle(data).bundle.sections[0].steps]
    assert links == [Link.HISTORY, Link.PARENT]
    (outcome,) = verify_bundle(data, believed).outcomes
    assert (outcome.amount, outcome.header.number, outcome.moment) == (3, 104, Moment.EXACT)


@pytest.mark.covers("HDR-02", "HDR-03")
def test_the_wrong_block_for_the_moment_is_refused(two) -> None:
    """A bundle for one moment does not serve another: the block would not be the last one before it."""
    world = two[0]
    believed = checker(world)
    data, _ = gather(world.claims(), (world,), believed, Timestamp(world.time_of(3)))
    for as_of in (world.time_of(3) - 1, world.time_of(4)):
        verified = verify_bundle(changed(data, lambda b, t=as_of: b.update(as_of=t)), believed)
        assert {type(e).__name__ for e in errors_of(verified)} == {"WrongMoment"}


def test_hints_that_lie_about_the_moment_cost_rounds_and_nothing_else() -> None:
    """An endpoint whose headers by number are of a forged chain is caught; the proven search still finds the block."""
    world = World(1, {holder(1): 3}, {}, blocks=60)
    forged = World(1, {holder(1): 3}, {}, blocks=60, spacing=3)
    believed = checker(world)

    def twist(question, answer):
        by_number = not isinstance(question, AskProof) and isinstance(getattr(question, "block", None), int)
        return forged.answer(question) if by_number else answer

    data, parts = gather(world.claims(), (world,), believed, Timestamp(world.time_of(30)), twist)
    assert not parts[0].failed
    (outcome,) = verify_bundle(data, believed).outcomes
    assert outcome.header.number == 130


@pytest.mark.covers("HDR-06", "RPC-13")
def test_a_head_that_lags_is_refused(two) -> None:
    """An old but true block is refused at one second past the allowed lag, and taken at the limit."""
    world = two[0]
    limit = STRICT.max_head_lag
    for extra, refused in ((0, False), (1, True)):
        now = world.time_of(-1) + limit + extra
        believed = checker(world, now=now)
        _, parts = gather(world.claims(), (world,), believed, Timestamp(now))
        assert bool(parts[0].failed) is refused
        if refused:
            assert {type(e) for e in parts[0].failed.values()} == {TooOld}


@pytest.mark.covers("HDR-07", "DB-08")
def test_times_ahead_of_the_clock_are_refused(two) -> None:
    """Neither the as-of time nor a header may be later than the checker's clock and its stated error."""
    world = two[0]
    believed = checker(world)
    data, _ = gather(world.claims(), (world,), believed, believed.now)
    early = replace(believed, now=Timestamp(believed.now - STRICT.max_clock_error - 1))
    assert {type(e) for e in errors_of(verify_bundle(data, early))} == {FromTheFuture}
    ok = replace(believed, now=Timestamp(believed.now - STRICT.max_clock_error))
    assert not errors_of(verify_bundle(data, ok))


def test_an_old_account_is_refused_by_age_alone(honest) -> None:
    """`now - T` is a limit of policy: past it the same bundle is refused, with what to do."""
    claims, believed, data = honest
    late = replace(believed, now=Timestamp(believed.now + STRICT.max_age + 1))
    refused = errors_of(verify_bundle(data, late))
    assert len(refused) == len(claims)
    assert {type(e) for e in refused} == {TooOld}
    assert not errors_of(verify_bundle(data, replace(late, now=Timestamp(believed.now + STRICT.max_age))))


@pytest.mark.covers("RPC-11", "ROL-01", "HDR-12")
def test_the_default_policy_counts_no_ones_word(two) -> None:
    """Neither one endpoint's word nor a quorum's is taken by `strict`; `practical` takes the quorum, not the one."""
    world = two[0]
    one = Observed(ChainId(1), world.head, BlockNumber(107), frozenset({"a"}), 2, Timestamp(0))
    many = replace(one, operators=frozenset({"a", "b"}))
    for policy, root, taken in (
        (STRICT, one, False), (STRICT, many, False), (PRACTICAL, one, False), (PRACTICAL, many, True),
    ):  # fmt: skip
        believed = checker(world, policy=policy, roots=(root,))
        data, _ = gather(world.claims(), (world,), checker(world), believed.now)
        verified = verify_bundle(data, believed)
        kinds = {TrustTooWeak} if not taken else set()
        assert {type(e) for e in errors_of(verified)} == kinds
        if taken:
            assert verified.outcomes[0].trust.word == "quorum"
