"""An endpoint over a world made by hand, which notes round by round what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.evm_world import TO, Account, EvmWorld, returns_top
from tests.simulators.world import run
from verifier.calls import Call
from verifier.claims import AccountRead
from verifier.evm.gather import GatheredState, gather_calls
from verifier.flow import Ask, AskCode, AskProof, AskTouched, Flow, HintMethod
from verifier.primitives import Address

THIRD = Address(b"\xe0" * 20)
ABSENT = Address(b"\xab" * 20)
PLAIN = Address(b"\xee" * 20)
"""An account with money and no code."""

Twist = Callable[[Ask[Any], Any], Any]


@dataclass
class Endpoint:
    """A world, what it hints at, what it is made to say, and all that it was asked, round by round."""

    world: EvmWorld
    hints: dict[HintMethod, Callable[[Call], Sequence[AccountRead]]] = field(default_factory=dict)
    twist: Twist = lambda question, said: said
    rounds: list[list[str]] = field(default_factory=list)

    def answer(self, question: Ask[Any]) -> Any:
        self.rounds[-1].append(told(question))
        if isinstance(question, AskTouched):
            return tuple(self.hints[question.method](question.call))
        return self.twist(question, self.world.answer(question))

    def gathered(self, calls: Sequence[Call], **more: Any) -> GatheredState:
        return self.driven(gather_calls(self.world.header, calls, **more))

    def driven(self, flow: Flow[GatheredState]) -> GatheredState:
        found: GatheredState = run(self._noted(flow), {1: self})[0]
        self.rounds = [sorted(asked) for asked in self.rounds]
        return found

    def _noted(self, flow: Flow[GatheredState]) -> Flow[GatheredState]:
        try:
            batch = next(flow)
            while True:
                self.rounds.append([])
                batch = flow.send((yield batch))
        except StopIteration as stop:
            return stop.value


def told(question: Ask[Any]) -> str:
    """A question in a word: the kind, the first byte of an address, the slots."""
    if isinstance(question, AskTouched):
        return f"hint {question.method.value}"
    if isinstance(question, AskCode):
        return f"code {question.address[:1].hex()}"
    assert isinstance(question, AskProof)
    return " ".join([f"proof {question.address[:1].hex()}", *(str(int.from_bytes(s, "big")) for s in question.slots)])


def code(*parts: str) -> bytes:
    return returns_top(bytes.fromhex("".join(parts)))


def sload(slot: int) -> str:
    return f"60{slot:02x}54"


def calls(address: Address) -> str:
    """A static call, its result dropped."""
    return f"5f5f5f5f73{address.hex()}5afa50"


def world(*parts: str, storage: dict[int, int] | None = None, **more: Any) -> EvmWorld:
    others = more.pop("others", {})
    known = {TO: Account(code(*parts), storage or {}), PLAIN: Account(b"", {}, 7), **others}
    return EvmWorld(known, **more)


def proven(at: Endpoint, found: GatheredState, *asked: Call) -> None:
    """The evidence is all that the calls need, and nothing else."""
    assert found.failed == {}
    bare = Endpoint(at.world).gathered(asked, hints=False)
    assert (found.nodes, found.codes) == (bare.nodes, bare.codes)
