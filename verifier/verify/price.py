"""One price under a proven header: proven, or what a quorum of signers says of it."""

from __future__ import annotations

from verifier.assets import State
from verifier.assets.position import Needing
from verifier.checker import Checker
from verifier.claims import PriceClaim, Source
from verifier.errors import FromTheFuture, UnreviewedMeaning, Where
from verifier.policy import Policy
from verifier.prices.quote import Said
from verifier.prices.source import read_price
from verifier.primitives import Address, SlotKey, Timestamp
from verifier.proven import Moment, ProvenAccount, ProvenHeader, ProvenPrice, ProvenWord, SignedPrice, mint
from verifier.trust import Basis, Trust


class _NamedOnly(Needing):
    """Neither reads nor runs a contract that the policy does not name: a price claim is whoever's the bundle is."""

    def __init__(self, claim: PriceClaim, state: State, where: Where, as_of: Timestamp, policy: Policy) -> None:
        super().__init__(state, where, as_of, policy.signers)
        self._claim, self._policy = claim, policy

    def _ready(self, asked: list[tuple[Address, list[SlotKey]]]) -> None:
        for contract, _ in asked:
            if (self._claim.chain_id, contract) not in self._policy.accept_contracts:
                reason = f"the price of {self._claim.group} reads this contract, and the policy does not name it"
                raise UnreviewedMeaning(self.where.at(address=contract), Source.USER.value, reason)
        super()._ready(asked)


def verify_price(
    claim: PriceClaim, state: State, header: ProvenHeader, moment: Moment, as_of: Timestamp, checker: Checker
) -> ProvenPrice | SignedPrice:
    """
    Establish a price under a proven header; or what a quorum of signers says of it, which is not proven to be so.

    Raises:
        Malformed, ProofError: The evidence does not lead from the header's state root to the price, or to who signed.
        PolicyError: It does, and is no price, or reads a contract that the policy does not name.
    """
    where = header.where.at(address=claim.contract)
    reader = _NamedOnly(claim, state, where, as_of, checker.policy)
    seen = read_price(claim, reader)
    rest = tuple(read for read in reader.used.values() if read is not seen.word)
    if isinstance(seen, Said):
        return _signed(seen, claim, rest, header, moment, as_of)
    if seen.at > header.timestamp:
        raise FromTheFuture(where, "the time of the price", header.timestamp, seen.at)
    return mint(
        ProvenPrice,
        rests_on=seen.word,
        claim=claim,
        price=seen.price,
        at=seen.at,
        as_of=as_of,
        moment=moment,
        header=header,
        bound_by=rest,
        trust=_on_basis(header.trust, Basis.UNREVIEWED_CODE),
    )


def _signed(
    seen: Said,
    claim: PriceClaim,
    rest: tuple[ProvenAccount | ProvenWord, ...],
    header: ProvenHeader,
    moment: Moment,
    as_of: Timestamp,
) -> SignedPrice:
    code = () if seen.word is None else (Basis.UNREVIEWED_CODE,)
    return mint(
        SignedPrice,
        rests_on=header if seen.word is None else seen.word,
        claim=claim,
        price=seen.price,
        interval=seen.interval,
        at=seen.at,
        signed_by=seen.signed_by,
        size=len(seen.signers.keys),
        number=seen.signers.number,
        as_of=as_of,
        moment=moment,
        header=header,
        bound_by=rest,
        trust=_on_basis(header.trust, Basis.SIGNED, *code),
    )


def _on_basis(trust: Trust, *bases: Basis) -> Trust:
    """The same trust, resting on further bases."""
    return trust.weakest(Trust(trust.anchor, trust.settlement, frozenset(bases)))
