"""The whole way, from the bytes of a bundle to proven amounts: one pure function of bytes, trust roots, policy and now.

For each network: the anchor header is named by a trust root of the checker, or proven by its light client (1), steps
lead back to the block of the as-of time (2), its state root is proven (3), each claim's meaning is the checker's own
(4), its account and words are walked (5), its code is the reviewed one (6), the figure is decoded and its trust taken
by the policy (7), and every node that was handed over has been used (8).

A claim that fails is refused with its error, and the others stand. There is no partial acceptance inside one proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from verifier.anchors import Anchors
from verifier.assets import State, kind_of
from verifier.assets.call import balance_reading
from verifier.assets.position import Needing
from verifier.calls import Call, Work
from verifier.checker import Checker
from verifier.claims import AccountRead, Asset, Claim, ClaimKind, KnownAsset, Meanings, PriceClaim, Source
from verifier.consensus.light_client import LightClientState
from verifier.crypto.keccak import keccak256
from verifier.errors import (
    FromTheFuture,
    MissingEvidence,
    TooOld,
    TrustTooWeak,
    UnreviewedMeaning,
    UnusedEvidence,
    VerifierError,
    Where,
)
from verifier.evidence import Bundle, Section
from verifier.evm.call import CodeTable, verify_call
from verifier.flow import Unanswered
from verifier.headers.as_of import verify_snapshot
from verifier.network import Network
from verifier.policy import DEFAULT_LIMITS, Policy
from verifier.positions import Position
from verifier.prices.quote import Said
from verifier.prices.source import read_price
from verifier.primitives import Address, ChainId, Hash32, SlotKey, Timestamp, to_hex
from verifier.proven import (
    Moment,
    ProvenAccount,
    ProvenAmount,
    ProvenCall,
    ProvenHeader,
    ProvenPrice,
    ProvenWord,
    SignedPrice,
    mint,
)
from verifier.state.ethereum import verify_account, verify_word
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable
from verifier.trust import Basis, Trust
from verifier.wire import parse_bundle


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a claim has no proven amount. It can only lower a figure.

    Attributes:
        missing: No evidence was at hand (network trouble), rather than evidence that was refused.
    """

    claim: Claim
    error: VerifierError | Unanswered
    missing: bool


Outcome = ProvenAmount | Refusal


@dataclass(frozen=True, slots=True)
class PriceRefusal:
    """Why a price claim has no proven price."""

    claim: PriceClaim
    error: VerifierError | Unanswered


PriceOutcome = ProvenPrice | SignedPrice | PriceRefusal


@dataclass(frozen=True, slots=True)
class Verified:
    """What a bundle was found to prove: one outcome for each claim, in the bundle's order.

    Attributes:
        snapshots: For each network whose snapshot stood, its header and how that stands to the as-of time.
        lights: The light-client state that named the anchor of a network, for the checker's own records.
        prices: One outcome for each price claim, in the bundle's order.
    """

    bundle_id: Hash32
    as_of: Timestamp
    outcomes: tuple[Outcome, ...]
    snapshots: Mapping[ChainId, tuple[ProvenHeader, Moment]]
    lights: Mapping[ChainId, LightClientState] = field(default_factory=dict)
    prices: tuple[PriceOutcome, ...] = ()


def verify_bundle(data: bytes, checker: Checker) -> Verified:
    """
    Establish what a bundle proves to this checker.

    Args:
        data: Untrusted bytes of a bundle.

    Raises:
        Malformed: The bytes are not a bundle in its one canonical form. Everything else is a refusal of the claims
            that it concerns.
    """
    parsed = parse_bundle(data, checker.limits)
    bundle = parsed.bundle
    late = moment_error(bundle.as_of, checker)
    if late is not None:
        refused = tuple(Refusal(claim, late, missing=False) for claim in bundle.claims)
        unpriced = tuple(PriceRefusal(claim, late) for claim in bundle.prices)
        return Verified(parsed.id, bundle.as_of, refused, {}, prices=unpriced)
    hashes = [keccak256(node) for node in bundle.nodes]
    code_hashes = [keccak256(code) for code in bundle.codes]
    outcomes: dict[int, Outcome] = {
        i: Refusal(bundle.claims[i], omitted_error(bundle.claims[i]), missing=True) for i in bundle.omitted
    }
    snapshots: dict[ChainId, tuple[ProvenHeader, Moment]] = {}
    asked = _claims_by_chain(bundle, outcomes)
    priced = {claim.chain_id for claim in bundle.prices}
    prices: dict[PriceClaim, PriceOutcome] = {}
    anchors = Anchors(bundle, hashes, checker)
    for section in bundle.sections:
        if section.chain_id not in asked and section.chain_id not in priced:
            continue  # there for the rollups that settle on it
        codes = CodeTable({code_hashes[i]: bundle.codes[i] for i in section.codes})
        quotes = [claim for claim in bundle.prices if claim.chain_id == section.chain_id]
        proven, snapshot = verify_section(
            section, asked.get(section.chain_id, []), anchors, bundle.as_of, checker, codes, (quotes, prices)
        )
        outcomes.update(proven)
        if snapshot is not None:
            snapshots[section.chain_id] = snapshot
    in_order = tuple(outcomes[i] for i in range(len(bundle.claims)))
    in_order_prices = tuple(prices[claim] for claim in bundle.prices)
    return Verified(parsed.id, bundle.as_of, in_order, snapshots, anchors.lights, in_order_prices)


def moment_error(as_of: Timestamp, checker: Checker) -> VerifierError | None:
    """Why an as-of time is not one that the checker takes, if it is not."""
    policy, where = checker.policy, Where(network="account")
    if as_of > checker.now + policy.max_clock_error:
        return FromTheFuture(where, "the as-of time", checker.now, as_of)
    age = checker.now - as_of
    return TooOld(where, "the age of the as-of time", policy.max_age, age) if age > policy.max_age else None


def omitted_error(claim: Claim) -> VerifierError:
    """Why a claim has no figure that the gatherer found no evidence for."""
    where = Where(network=f"chain {claim.chain_id}", address=claim.holder)
    return MissingEvidence(where, f"evidence for {claim.asset.symbol} (the gatherer found none)")


def _claims_by_chain(bundle: Bundle, done: Mapping[int, Outcome]) -> dict[ChainId, list[tuple[int, Claim]]]:
    asked: dict[ChainId, list[tuple[int, Claim]]] = {}
    for i, claim in enumerate(bundle.claims):
        if i not in done:
            asked.setdefault(claim.chain_id, []).append((i, claim))
    return asked


class SectionState:
    """Proven state under one header: each account is walked once, and every node that was used is noted."""

    __slots__ = ("_accounts", "_calls", "_header", "_idle", "_nodes", "_root", "_work", "codes", "updates", "used")

    def __init__(
        self,
        header: ProvenHeader,
        nodes: NodeTable,
        used: set[Hash32],
        codes: CodeTable | None = None,
        steps: int = DEFAULT_LIMITS.call_steps,
        updates: Sequence[bytes] = (),
    ) -> None:
        self._header, self._root, self._nodes, self.used = header, state_root(header), nodes, used
        self._accounts: dict[Address, ProvenAccount] = {}
        self._calls: dict[Call, ProvenCall | VerifierError] = {}
        self._work = Work(steps)
        self.codes = codes if codes is not None else CodeTable()
        self.updates, self._idle = updates, set(updates)

    def account(self, address: Address) -> ProvenAccount:
        """The account, proven present or absent."""
        found = self._accounts.get(address)
        if found is None:
            found = verify_account(self._root, address, self._nodes, self.used)
            self._accounts[address] = found
        return found

    def word(self, account: ProvenAccount, slot: SlotKey) -> ProvenWord:
        """The word at one of its slots."""
        return verify_word(account, slot, self._nodes, self.used)

    @property
    def time(self) -> Timestamp:
        """The block's own time."""
        return self._header.timestamp

    def used_update(self, update: bytes) -> None:
        """Note that a signed update was used."""
        self._idle.discard(update)

    def unused(self) -> tuple[str, list[Hash32]]:
        """What was handed over and no decision used: what kind of thing, and the hashes of all of it."""
        nodes = [found for found in self._nodes.hashes() if found not in self.used]
        updates = [keccak256(update) for update in self._idle]
        kinds = (("trie nodes", nodes), ("contract codes", self.codes.unused()), ("signed updates", updates))
        return next(((what, idle) for what, idle in kinds if idle), ("", []))

    def need(self, reads: Sequence[AccountRead]) -> None:
        """Nothing to prepare: the evidence is at hand, or is missing."""

    def call(self, call: Call) -> ProvenCall:
        """What a contract answers to a call; the same call is run once, and all of them share one bound on work."""
        found = self._calls.get(call)
        if found is None:
            try:
                found = verify_call(self._header, call, self, self.codes, work=self._work)
            except VerifierError as error:
                found = error
            self._calls[call] = found
        if isinstance(found, VerifierError):
            raise found.with_traceback(None)  # kept, it would grow by the frames of everybody who asked
        return found


def verify_section(
    section: Section,
    claims: Iterable[tuple[int, Claim]],
    anchors: Anchors,
    as_of: Timestamp,
    checker: Checker,
    codes: CodeTable,
    prices: tuple[Sequence[PriceClaim], dict[PriceClaim, PriceOutcome]] = ((), {}),
) -> tuple[dict[int, Outcome], tuple[ProvenHeader, Moment] | None]:
    """One network's claims. What fails for the network as a whole refuses each of them.

    Args:
        prices: Price claims of the network, and where their outcomes go.
    """
    asked, (quotes, priced) = list(claims), prices
    try:
        anchor, nodes, used = anchors.of(section.chain_id)
        header, moment = snapshot_of(anchor, section, nodes, used, as_of, checker)
    except VerifierError as error:
        priced.update({quote: PriceRefusal(quote, error) for quote in quotes})
        return {i: Refusal(claim, error, missing=False) for i, claim in asked}, None
    state = SectionState(header, nodes, used, codes, checker.limits.call_steps, section.updates)
    priced.update({quote: _price_outcome(quote, state, header, moment, as_of, checker) for quote in quotes})
    outcomes = {i: _outcome(claim, state, header, moment, as_of, checker) for i, claim in asked}
    what, unused = state.unused()
    refused = [*outcomes.values(), *(priced[quote] for quote in quotes)]
    if unused and not any(isinstance(outcome, Refusal | PriceRefusal) for outcome in refused):
        extra = UnusedEvidence(header.where, what, len(unused), to_hex(min(unused)))
        priced.update({quote: PriceRefusal(quote, extra) for quote in quotes})
        return {i: Refusal(claim, extra, missing=False) for i, claim in asked}, None
    return outcomes, (header, moment)


def snapshot_of(
    anchor: ProvenHeader, section: Section, nodes: NodeTable, used: set[Hash32], as_of: Timestamp, checker: Checker
) -> tuple[ProvenHeader, Moment]:
    """
    The block of the as-of time under an anchor that the policy takes.

    Raises:
        VerifierError: The anchor is too weak, or the section does not show that block.
    """
    if not checker.policy.takes(anchor.trust):
        raise too_weak(anchor.where, anchor.trust, checker.policy)
    return verify_snapshot(anchor, section.steps, nodes, used, as_of=as_of, now=checker.now, policy=checker.policy)


def too_weak(where: Where, trust: Trust, policy: Policy) -> TrustTooWeak:
    """Which of the facts the policy does not take."""
    if trust.anchor not in policy.anchors:
        return TrustTooWeak(where, "the anchor", trust.anchor.value, ", ".join(sorted(policy.anchors)))
    return TrustTooWeak(where, "the settlement", str(trust.settlement), ", ".join(sorted(policy.settlements)))


def _outcome(
    claim: Claim, state: SectionState, header: ProvenHeader, moment: Moment, as_of: Timestamp, checker: Checker
) -> Outcome:
    try:
        return verify_claim(claim, state, header, moment, as_of, checker)
    except VerifierError as error:
        return Refusal(claim, error, missing=False)


def _price_outcome(
    claim: PriceClaim,
    state: SectionState,
    header: ProvenHeader,
    moment: Moment,
    as_of: Timestamp,
    checker: Checker,
) -> PriceOutcome:
    try:
        return verify_price(claim, state, header, moment, as_of, checker)
    except VerifierError as error:
        return PriceRefusal(claim, error)


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
    reader = Needing(state, where, as_of, checker.policy.signers)
    seen = read_price(claim, reader)
    for contract in dict.fromkeys(address for address, _ in reader.used):
        if (claim.chain_id, contract) not in checker.policy.accept_contracts:
            reason = f"the price of {claim.group} reads this contract, and the policy does not name it"
            raise UnreviewedMeaning(where.at(address=contract), Source.USER.value, reason)
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


def verify_claim(
    claim: Claim, state: SectionState, header: ProvenHeader, moment: Moment, as_of: Timestamp, checker: Checker
) -> ProvenAmount:
    """
    Establish the figure of one claim under a proven header.

    Raises:
        Malformed, ProofError: The evidence does not lead from the header's state root to the figure.
        PolicyError: It does, and means something that the checker does not take.
    """
    where = header.where.at(address=claim.holder)
    known, accepted = check_meaning(claim, header.network, checker.meanings, checker.policy, where)
    reading = kind_of(claim).decode(claim, known, state, where, accepted=accepted)
    _check_contracts(claim, reading.contracts, checker.policy, where)
    trust = header.trust
    if reading.reviewed is not None:
        basis = Basis.REVIEWED_CODE if reading.reviewed else Basis.UNREVIEWED_CODE
        trust = trust.weakest(Trust(trust.anchor, trust.settlement, frozenset({basis})))
    return mint(
        ProvenAmount,
        rests_on=reading.rests_on,
        claim=claim,
        amount=reading.units if claim.kind is ClaimKind.HOLDING else -reading.units,
        as_of=as_of,
        moment=moment,
        header=header,
        bound_by=reading.bound_by,
        trust=trust,
    )


def _check_contracts(claim: Claim, contracts: Sequence[Address], policy: Policy, where: Where) -> None:
    """
    Hold every contract that a claim brought along against the policy: whoever may choose one chooses the figure.

    Raises:
        UnreviewedMeaning: The policy does not name one of them.
    """
    for contract in contracts:
        if (claim.chain_id, contract) not in policy.accept_contracts:
            reason = "the position reads this contract, and the policy does not name it"
            raise UnreviewedMeaning(where.at(address=contract), claim.source.value, reason)


def check_meaning(
    claim: Claim, network: Network, meanings: Meanings, policy: Policy, where: Where
) -> tuple[KnownAsset | None, bool]:
    """
    Hold what a claim takes a number to mean against what the checker takes it to mean.

    Returns:
        What the checker knows of the asset, and whether its policy takes the contract without our review.

    Raises:
        UnreviewedMeaning: The checker knows the asset otherwise, or does not know it and its policy does not name it.
    """
    contract = claim.asset.contract
    known = meanings.get(claim.asset.key)
    if isinstance(claim.reading, Position):
        return None, _position_taken(claim, policy, where)
    if claim.reading is not None and claim.reading.call.to != contract:
        raise UnreviewedMeaning(where, claim.source.value, "it calls another contract than its asset's")
    if contract is None:
        _same_coin(claim, network, where)
        return known, False
    if known is not None and _without_layout(known.asset, claim) != claim.asset:
        raise UnreviewedMeaning(where.at(address=contract), claim.source.value, _difference(claim.asset, known.asset))
    accepted = (claim.chain_id, contract) in policy.accept_contracts
    reviewed = known is not None and known.source is Source.REVIEWED and bool(known.pins)
    if claim.reading is not None and claim.reading != balance_reading(contract, claim.holder):
        reviewed = False  # what any other function of the contract means, is the word of whoever made the claim
    if not (reviewed and claim.source is Source.REVIEWED) and not accepted:
        reason = "no code was reviewed for it" if known is not None else "the checker's registry does not hold it"
        raise UnreviewedMeaning(where.at(address=contract), claim.source.value, reason)
    return known, accepted


def _position_taken(claim: Claim, policy: Policy, where: Where) -> bool:
    """A position's contract is one that the policy names; no position is reviewed by the registry alone."""
    contract = claim.asset.contract
    if contract is None or claim.asset.layout is not None:
        raise UnreviewedMeaning(where, claim.source.value, "a position is at a contract, and needs no layout")
    if (claim.chain_id, contract) not in policy.accept_contracts:
        reason = "the policy does not name the contract of this position"
        raise UnreviewedMeaning(where.at(address=contract), claim.source.value, reason)
    return True


def _without_layout(asset: Asset, claim: Claim) -> Asset:
    """The asset as a claim names it that reads by a call alone."""
    by_call = claim.reading is not None and claim.asset.layout is None
    return replace(asset, layout=None) if by_call else asset


def _same_coin(claim: Claim, network: Network, where: Where) -> None:
    """The network's coin has one meaning: the one that the checker's network value gives it."""
    asset = claim.asset
    expected = (network.native_symbol, network.native_decimals, network.native_group)
    if (asset.symbol, asset.decimals, asset.group) != expected:
        reason = f"the coin is {expected[0]} with {expected[1]} decimals in group {expected[2]}"
        raise UnreviewedMeaning(where, claim.source.value, reason)


def _difference(claimed: Asset, known: Asset) -> str:
    for name in ("symbol", "decimals", "group", "layout"):
        if getattr(claimed, name) != getattr(known, name):
            return f"its {name} is {getattr(claimed, name)} here, and {getattr(known, name)} to the checker"
    return "it is not the asset that the checker knows"
