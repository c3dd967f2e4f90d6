"""Call frames inside each other: as many as the protocol's gas lets through, in whatever thread, and the limit restored."""

from __future__ import annotations

import sys
import threading
import traceback
from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.simulators.evm_world import TO, Account, EvmWorld, call
from verifier.calls import MAX_GAS, CallLimits
from verifier.errors import CallTooLarge
from verifier.evm.call import verify_call
from verifier.evm.recursion import deep_recursion
from verifier.proven import Ended, ProvenCall

COUNTS = "50" + "5f51" + "600101" + "5f52" + "60205ff3"  # what came back, and one more
RECURSIONS = {
    "CALL": "60205f5f5f5f305af1" + COUNTS,
    "DELEGATECALL": "60205f5f5f305af4" + COUNTS,
    "STATICCALL": "60205f5f5f305afa" + COUNTS,
    "CALLCODE": "60205f5f5f5f305af2" + COUNTS,
    "CREATE": "385f5f39" + "385f5ff0" + "5f52" + "60205ff3",
    "REVERT": "60205f5f5f305afa" + "50" + "5f51" + "600101" + "5f52" + "60205ffd",
    "memory": "60205f5f5f305afa" + COUNTS.replace("60205ff3", "6120005ff3"),
}
"""Contracts that call themselves with all they have, until that is too little."""


def recurse(code: str, limits: CallLimits | None = None) -> ProvenCall:
    world = EvmWorld({TO: Account(bytes.fromhex(code))})
    state = world.section()
    return verify_call(world.header, call(gas=MAX_GAS), state, state.codes, limits=limits or CallLimits())


def depth(done: ProvenCall) -> int:
    return int.from_bytes(done.output[:32], "big")


@pytest.mark.parametrize("code", RECURSIONS.values(), ids=RECURSIONS)
def test_a_call_of_itself_ends_where_the_gas_does(code):
    """Answered as the protocol says, at any depth that can be paid; nothing of Python's limit is seen or left behind."""
    before = sys.getrecursionlimit()
    assert recurse(code).ended in {Ended.RETURNED, Ended.REVERTED}
    assert sys.getrecursionlimit() == before


def test_a_bound_on_depth_holds_exactly():
    """One frame less than a call takes is refused, with the numbers; what is kept of it holds no memory of the machine."""
    code = RECURSIONS["CALL"]
    said = depth(recurse(code))  # by all but the innermost, which had no gas left to be counted
    frames = said + bisect_left(range(said, 600), True, key=lambda n: refusal(code, n) is None)
    assert 500 < said < frames < 600
    assert depth(recurse(code, CallLimits(depth=frames))) == said
    refused = refusal(code, frames - 1)
    assert refused is not None and refused.args[1:] == ("call frames inside each other", frames - 1, frames)
    assert len(traceback.extract_tb(refused.__traceback__)) < 10


def refusal(code: str, deepest: int) -> CallTooLarge | None:
    try:
        recurse(code, CallLimits(depth=deepest))
    except CallTooLarge as error:
        return error
    return None


def test_threads_share_the_room_and_the_last_one_closes_it():
    """Runs at the same time, one of them refused, on stacks too small for recursion in C; the limit is as it was."""
    before, size = sys.getrecursionlimit(), threading.stack_size(256 * 1_024)
    try:
        with ThreadPoolExecutor(4) as pool:
            runs = [pool.submit(recurse, RECURSIONS["CALL"]) for _ in range(4)]
            short = pool.submit(recurse, RECURSIONS["CALL"], CallLimits(depth=40))
            assert len({depth(run.result()) for run in runs}) == 1
            with pytest.raises(CallTooLarge):
                short.result()
    finally:
        threading.stack_size(size)
    assert sys.getrecursionlimit() == before


def test_room_is_taken_once_and_given_back_whatever_happens_within():
    """Nested or interleaved, with the limit set by others meanwhile, or an error on the way out."""
    before = sys.getrecursionlimit()
    with deep_recursion():
        high = sys.getrecursionlimit()
        with pytest.raises(RuntimeError), deep_recursion():
            assert sys.getrecursionlimit() == high > before + 6_000
            sys.setrecursionlimit(high + 1)
            raise RuntimeError
        assert sys.getrecursionlimit() == high
    assert sys.getrecursionlimit() == before
