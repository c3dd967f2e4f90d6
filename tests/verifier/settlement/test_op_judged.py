"""The registry's own function beside the slots: both agree, or the root is refused; alone, it judges unreviewed code."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulators.rollup import IMPLEMENTATION_SLOT, PARENT
from tests.simulators.trie_builder import keccak
from tests.verifier.settlement.games import DELAY, NOW, GameWorld
from verifier.calls import Work
from verifier.claims import CodePin
from verifier.errors import CallTooLarge, MissingEvidence, NotSettled, UnusedEvidence
from verifier.forks import Activation, EvmRules, Fork
from verifier.policy import STRICT, Policy
from verifier.primitives import ChainId, Hash32
from verifier.proven import ProvenHeader
from verifier.trust import Basis, Settlement

YES, NO, TWO = (bytes([0x60, value]) + bytes.fromhex("5f5260205ff3") for value in (1, 0, 2))
"""Code that answers with a number, whatever it is asked: the registry's function, as far as its answer goes."""
RUNS = replace(
    PARENT, family=replace(PARENT.family, evm=EvmRules()), forks=(Activation(Fork.CANCUN, Fork.CANCUN.value),)
)


class Judged:
    """A game whose registry runs code of ours beside the published slots."""

    def __init__(self, code: bytes, *, resolved: int = NOW - DELAY - 1, reviewed: bool = True) -> None:
        self.world = GameWorld(resolved=resolved)
        registry = self.world.parent.contracts[self.world.registry]
        self.code = registry.code = code
        del registry.words[IMPLEMENTATION_SLOT]  # no proxy: its code is all it runs
        pins = [pin for pin in self.world.rollup.codes if pin[0] != "registry"]
        own = [("registry", CodePin(Hash32(keccak(code))))] if reviewed else []
        self.rollup = replace(self.world.rollup, codes=[*pins, *own])

    def verify(self, *codes: bytes, policy: Policy = STRICT, work: Work | None = None) -> ProvenHeader:
        preimages = [*self.world.preimages, *codes]
        return self.rollup.verify(self.world.parent, self.world.raw, preimages, policy=policy, of=RUNS, work=work)


def test_both_ways_agree() -> None:
    assert Judged(YES).verify(YES).trust.settlement is Settlement.SETTLED
    assert Judged(NO, resolved=NOW - DELAY).verify(NO).trust.settlement is Settlement.PROPOSED


def test_ways_that_differ_refuse_the_root() -> None:
    """Settled by the slots and not by the function, or the other way round."""
    with pytest.raises(NotSettled, match=r"the registry.s own judgement.*not valid"):
        Judged(NO).verify(NO)
    with pytest.raises(NotSettled, match="the registry's own judgement"):
        Judged(YES, resolved=NOW - DELAY).verify(YES)


def test_an_answer_that_is_neither_is_none() -> None:
    for code in (TWO, b"\xfe", b"\x00"):
        with pytest.raises(NotSettled, match="yes or no"):
            Judged(code).verify(code)


def test_judgements_share_one_bound_on_their_work() -> None:
    """The second does what the first left, and no more; what it did is gone all the same."""
    work = Work(1_000)
    assert Judged(YES).verify(YES, work=work).trust.settlement is Settlement.SETTLED
    cost = 1_000 - work.left
    assert cost > 0
    work.left = 2 * cost - 1
    assert Judged(YES).verify(YES, work=work).trust.settlement is Settlement.SETTLED
    with pytest.raises(CallTooLarge, match=f"{cost - 1}"):
        Judged(YES).verify(YES, work=work)
    assert work.left == 0


def test_code_that_the_function_did_not_run_is_refused() -> None:
    with pytest.raises(UnusedEvidence):
        Judged(YES).verify(YES, b"more")


def test_a_registry_that_nobody_reviewed_judges_alone_where_it_is_named() -> None:
    """Its slots mean nothing then: without the function there is no verdict, and with it the basis is lower."""
    judged = Judged(YES, reviewed=False)
    named = replace(STRICT, accept_contracts=frozenset({(ChainId(1), judged.world.registry)}))
    proven = judged.verify(YES, policy=named)
    assert proven.trust.settlement is Settlement.SETTLED
    assert proven.trust.bases == {Basis.FAULT_PROOF, Basis.UNREVIEWED_CODE}
    with pytest.raises(MissingEvidence, match="own judgement"):
        judged.verify(policy=named)
    open_ = Judged(NO, reviewed=False).verify(NO, policy=named)
    assert open_.trust.settlement is Settlement.PROPOSED
