"""The network's own coin: the balance field of the holder's account leaf."""

from __future__ import annotations

from verifier.assets.kind import Reading, State
from verifier.claims import AccountRead, Claim, KnownAsset, Reads
from verifier.errors import Unsupported, Where


def compile(claim: Claim, known: KnownAsset | None, *, accepted: bool) -> Reads:  # noqa: A001, ARG001 - the port's words
    """The holder's account alone."""
    return Reads((AccountRead(claim.holder),))


def decode(claim: Claim, known: KnownAsset | None, state: State, where: Where, *, accepted: bool) -> Reading:  # noqa: ARG001
    """
    The account's balance; an account proven absent holds zero.

    Raises:
        Unsupported: The family's leaf has no single balance field.
        Malformed, ProofError: As the proof of the account raises them.
    """
    account = state.account(claim.holder)
    if account.balance is None:
        raise Unsupported(where, "on this family no single leaf field is the native balance")
    return Reading(int(account.balance), account, (), None)
