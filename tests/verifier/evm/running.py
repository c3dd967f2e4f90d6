"""Calls of one contract whose code a test writes down, over a proven state made by hand."""

from __future__ import annotations

from tests.simulators.evm_world import TO, Account, EvmWorld, call, returns_top
from verifier.calls import DEFAULT_CALL_LIMITS, CallLimits
from verifier.evm.call import verify_call
from verifier.proven import Ended


def run(code: bytes, *, data: bytes = b"", gas: int = 10_000_000, limits: CallLimits = DEFAULT_CALL_LIMITS, **more):
    """The call of one contract with this code."""
    others = more.pop("others", {})
    world = EvmWorld({TO: Account(code, **more.pop("account", {})), **others}, **more)
    state = world.section()
    return verify_call(world.header, call(data, gas), state, state.codes, limits=limits)


def top(code: str, **more) -> int:
    """The word that code leaves on the stack."""
    done = run(returns_top(bytes.fromhex(code)), **more)
    assert done.ended is Ended.RETURNED, done.halted
    return int.from_bytes(done.output, "big")
