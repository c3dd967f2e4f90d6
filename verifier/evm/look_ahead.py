"""A run that goes on where something is missing, to see what more will be. Nothing of it is kept but questions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from verifier.calls import Call, CallLimits
from verifier.errors import VerifierError
from verifier.evm.environment import Environment, environment
from verifier.evm.known import Known, Wanted, Wanting, WantingWord
from verifier.evm.state import State
from verifier.flow import Unanswered
from verifier.primitives import ZERO_WORD, Address, Hash32, SlotKey, slot_key
from verifier.proven import ProvenAccount, ProvenWord
from verifier.state.ethereum import EMPTY_CODE

AHEAD: Final = 10_000
"""Units of work beyond where the true run stopped: zeros lead some code round and round, up to any bound."""


def look_ahead(known: Known, call: Call, limits: CallLimits, stopped: Exception, *, done: int) -> None:
    """
    Run on with zeros for what is missing, to see what else will be. Nothing of such a run is kept.

    Args:
        stopped: What ended the true run.
        done: The units of work that it had done by then, with which this one comes as far.

    Raises:
        Unanswered, VerifierError: Nothing that could be asked for is missing; what stopped the true run.
    """
    env, limits = environment(known.header), replace(limits, steps=min(limits.steps, done + AHEAD))
    before, known.wanted = known.wanted, Wanted()
    try:
        _run_ahead(known, call, env, limits)
    except Wanting:
        pass
    except (Unanswered, VerifierError) as error:
        if isinstance(stopped, Wanting) or isinstance(error, Unanswered):
            stopped = error  # what endpoints did says more than what is missing because of it
    found, known.wanted = known.wanted, before
    if not found:
        raise stopped
    before.hints.update(found.hints)
    before.codes.update(found.codes)
    for address, slots in found.slots.items():
        before.slots.setdefault(address, {}).update(slots)


def _run_ahead(known: Known, call: Call, env: Environment, limits: CallLimits) -> None:
    from verifier.evm.machine import machine  # loads the specification's package, so not before it is needed

    where = known.header.where.at(address=call.to)
    engine, view = machine(env.fork, where), _Guessing(known, limits)
    engine.run(call, env, State(view, engine.numbers, call.sender), view, limits, where)


@dataclass(frozen=True, slots=True)
class _Guess:
    """A word that nobody proved; it leads a look ahead, and goes nowhere else."""

    word: bytes = ZERO_WORD


class _Guessing:
    """A view that goes on where a word is missing. What it returns is never kept."""

    __slots__ = ("_known", "_limits", "_reads")

    def __init__(self, known: Known, limits: CallLimits) -> None:
        self._known, self._limits, self._reads = known, limits, 0

    def account(self, address: Address) -> ProvenAccount:
        """The account, or the end of the look ahead."""
        self._count()
        return self._known.account(address)

    def word(self, account: ProvenAccount, slot: SlotKey) -> ProvenWord | _Guess:
        """The word, or zero."""
        self._count()
        try:
            return self._known.word(account, slot)
        except WantingWord:
            return _Guess()

    def code(self, account: ProvenAccount) -> bytes:
        """The code, or the end of the look ahead."""
        if not account.exists or account.code_hash == EMPTY_CODE:
            return b""
        code = self._known.codes.get(account.code_hash)
        if code is None:
            self._known.want_code(account)
            raise Wanting
        return code

    def hash_of(self, height: int) -> Hash32:
        """A block hash, of which a look ahead needs none; what proves it is asked for."""
        ring = self._known.header.network.family.history
        if ring is not None and height != self._known.header.number - 1:
            self.word(self.account(ring.address), slot_key(height % ring.length))
        return self._known.header.parent_hash

    def _count(self) -> None:
        self._reads += 1
        if self._reads > 4 * self._limits.reads:
            raise Wanting


__all__ = ["look_ahead"]
