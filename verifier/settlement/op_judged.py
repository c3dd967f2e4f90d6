"""The registry's own judgement of a game, by running its view function over the parent's proven state.

The function knows every rule, immutables included, and follows upgrades. It is the judge beside the slots, and has to
agree with them; where the registry runs code that nobody reviewed, its slots mean nothing to us, and it judges alone,
for a checker whose policy names it.

Source: IAnchorStateRegistry.isGameClaimValid(address) in op-contracts since v3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from verifier.calls import Call
from verifier.codec.abi import pad_address
from verifier.crypto.keccak import keccak256
from verifier.errors import NotSettled, UnusedEvidence
from verifier.evm.call import CodeTable, verify_call
from verifier.primitives import Address, SlotKey, to_hex
from verifier.proven import Ended, ProvenAccount, ProvenCall, ProvenWord
from verifier.settlement.scheme import Case

IS_VALID: Final = keccak256(b"isGameClaimValid(address)")[:4]
YES: Final = (1).to_bytes(32, "big")
NO: Final = bytes(32)


def judgement(registry: Address, game: Address) -> Call:
    """The question to the registry."""
    return Call(registry, IS_VALID + pad_address(game))


class _State:
    """The parent's state in the form that calls read it in."""

    def __init__(self, case: Case) -> None:
        self._parent = case.parent

    def account(self, address: Address) -> ProvenAccount:
        return self._parent.account(address)

    def word(self, account: ProvenAccount, slot: SlotKey) -> ProvenWord:
        return self._parent.word(account.address, slot)


def registry_says(case: Case, registry: Address, game: Address, codes: Sequence[bytes]) -> tuple[bool, ProvenCall]:
    """
    Establish whether the registry holds a game's claim valid, in the parent's block.

    Args:
        codes: Untrusted; contract code, which enters by its proven hash.

    Raises:
        NotSettled: The function does not answer with yes or no.
        UnusedEvidence: Code that the call did not run.
        Unsupported, CallTooLarge, Malformed, ProofError: As `verify_call` raises them.
    """
    table = CodeTable(codes)
    called = verify_call(case.at, judgement(registry, game), _State(case), table, work=case.work)
    unused = table.unused()
    if unused:
        raise UnusedEvidence(case.at.where, "codes beside a settlement", len(unused), to_hex(unused[0]))
    where = case.at.where.at(address=registry)
    if called.ended is not Ended.RETURNED or called.output not in {YES, NO}:
        raise NotSettled(where, "isGameClaimValid of the registry", "yes or no", called.output or called.ended.value)
    return called.output == YES, called
