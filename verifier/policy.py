"""What the checker takes, and at what discount; and the sizes beyond which nothing is looked at.

Rates are integers in parts per million (ppm). A haircut of 1,000,000 ppm leaves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from verifier.errors import BadInput
from verifier.primitives import Address, ChainId
from verifier.trust import Anchor, Settlement, Trust

PPM: Final = 1_000_000

TWO_THIRDS: Final = 666_667
"""In ppm, rounded up: 342 of 512 and 22 of 32 members reach it, 341 and 21 do not."""
DAY: Final = 86_400
MOST_SIGNERS: Final = 255


@dataclass(frozen=True, slots=True)
class Haircut:
    """A discount at initial and at maintenance level, in ppm; the initial one is never the milder."""

    initial: int
    maintenance: int

    def __post_init__(self) -> None:
        if not 0 <= self.maintenance <= self.initial <= PPM:
            raise BadInput("haircut", "0 <= maintenance <= initial <= 1,000,000 ppm", (self.initial, self.maintenance))

    def compounded(self, other: Haircut) -> Haircut:
        """Both discounts one after the other; what is left is rounded down."""
        return Haircut(_both(self.initial, other.initial), _both(self.maintenance, other.maintenance))


def _both(one: int, two: int) -> int:
    return PPM - (PPM - one) * (PPM - two) // PPM


NOTHING_OFF: Final = Haircut(0, 0)
EVERYTHING_OFF: Final = Haircut(PPM, PPM)

DEFAULT_ANCHOR_HAIRCUTS: Final[Mapping[Anchor, Haircut]] = MappingProxyType(
    {
        Anchor.FINALIZED: NOTHING_OFF,
        Anchor.PINNED: NOTHING_OFF,
        Anchor.ATTESTED: Haircut(50_000, 20_000),
        Anchor.QUORUM: Haircut(100_000, 50_000),
        Anchor.RPC: EVERYTHING_OFF,
    }
)
"""Defaults of the margin reference, section 19; compounding with the settlement's."""

DEFAULT_SETTLEMENT_HAIRCUTS: Final[Mapping[Settlement, Haircut]] = MappingProxyType(
    {Settlement.SETTLED: NOTHING_OFF, Settlement.PROPOSED: EVERYTHING_OFF, Settlement.NONE: NOTHING_OFF}
)
"""Where nothing is shown of a settlement the anchor alone is judged; a proposed root counts nothing by default."""


@dataclass(frozen=True, slots=True)
class Factors:
    """How one asset group counts: market haircuts on holdings, weights (at least 1, in ppm) on debts."""

    haircut: Haircut = EVERYTHING_OFF
    debt_weight_initial: int = PPM
    debt_weight_maintenance: int = PPM

    def __post_init__(self) -> None:
        if not PPM <= self.debt_weight_maintenance <= self.debt_weight_initial <= 10 * PPM:
            got = (self.debt_weight_initial, self.debt_weight_maintenance)
            raise BadInput("debt weight", "1,000,000 <= maintenance <= initial <= 10,000,000 ppm", got)


@dataclass(frozen=True, slots=True)
class ProposedRule:
    """
    What must be shown of a proposed root before it counts, beside that nothing stands against it.

    Attributes:
        min_age: Seconds from its posting to the parent's block, at least.
        quorum: How many distinct operators of the checker name the same block of the rollup.
    """

    min_age: int = DAY
    quorum: int = 2

    def __post_init__(self) -> None:
        if self.min_age < 0 or self.quorum < 2:
            got = (self.min_age, self.quorum)
            raise BadInput("policy.proposed", "min_age of at least 0 and quorum of at least 2 operators", got)


@dataclass(frozen=True, slots=True)
class OnlyShown(ProposedRule):
    """For a look at what is posted: any age, and one operator's word on the block. What it takes weighs nothing."""

    min_age: int = 0
    quorum: int = 1

    def __post_init__(self) -> None:
        if (self.min_age, self.quorum) != (0, 1):
            raise BadInput("a look at proposed roots", "no age and one operator", (self.min_age, self.quorum))


@dataclass(frozen=True, slots=True)
class Signers:
    """
    A set of signers, in its order: whom the checker believes, or whom a contract names.

    Attributes:
        number: Which of the sets that followed one another it is.
        keys: Their addresses. More than two thirds of them must sign.
    """

    number: int
    keys: tuple[Address, ...]

    def __post_init__(self) -> None:
        if not 0 < len(self.keys) <= MOST_SIGNERS or len(set(self.keys)) != len(self.keys):
            raise BadInput("signers", f"1 to {MOST_SIGNERS} keys, each once", len(self.keys))
        if not 0 <= self.number < 1 << 32:
            raise BadInput("signers", "a set's number below 2^32", self.number)

    @property
    def quorum(self) -> int:
        """How many of them must sign."""
        return 2 * len(self.keys) // 3 + 1


@dataclass(frozen=True, slots=True)
class Policy:
    """The checker's own rules. It never travels in a bundle.

    Attributes:
        anchors: Anchors whose values count at all.
        settlements: Settlements whose values count; `none` is judged by the anchor alone.
        quorum: How many distinct operators an observation needs (at least two).
        max_head_lag: Seconds a head snapshot may lie before the as-of time.
        max_skew: Seconds by which head snapshots of one account may differ.
        max_age: Seconds by which the as-of time may lie before the checker's clock.
        max_clock_error: Seconds by which a header may be ahead of the checker's clock.
        age_hard: Age in seconds at which a balance counts nothing (margin reference, section 19).
        min_participation: Part of a sync committee, in ppm, that must have signed a header; two thirds at least.
        accept_contracts: Contracts whose layout and code the checker takes without our review.
        anchor_haircuts: By anchor; compounded with those of the settlement.
        settlement_haircuts: By settlement, for rollups.
        proposed: What must be shown of a proposed root, where `settlements` takes those at all.
        denied: Roots, games and checkpoints (20 or 32 bytes) that count nothing, whatever their contract says.
        factors: By asset group; a group that is not listed counts zero as collateral.
        signers: Sets of signers, by a name of the checker's, whose word on a price is taken: signed, and not proven.
    """

    name: str = "strict"
    anchors: frozenset[Anchor] = frozenset({Anchor.FINALIZED, Anchor.PINNED})
    settlements: frozenset[Settlement] = frozenset({Settlement.SETTLED, Settlement.NONE})
    quorum: int = 2
    max_head_lag: int = 1_800
    max_skew: int = 1_800
    max_age: int = DAY
    max_clock_error: int = 15
    age_hard: int = DAY
    min_participation: int = TWO_THIRDS
    accept_contracts: frozenset[tuple[ChainId, Address]] = frozenset()
    proposed: ProposedRule = ProposedRule()
    denied: frozenset[bytes] = frozenset()
    anchor_haircuts: Mapping[Anchor, Haircut] = field(default_factory=lambda: DEFAULT_ANCHOR_HAIRCUTS)
    settlement_haircuts: Mapping[Settlement, Haircut] = field(default_factory=lambda: DEFAULT_SETTLEMENT_HAIRCUTS)
    factors: Mapping[str, Factors] = field(default_factory=lambda: MappingProxyType({}))
    signers: Mapping[str, Signers] = field(default_factory=lambda: MappingProxyType({}), metadata={"later": True})

    def __post_init__(self) -> None:
        if self.quorum < 2:
            raise BadInput("policy.quorum", "at least 2 operators", self.quorum)
        if not TWO_THIRDS <= self.min_participation <= PPM:
            raise BadInput("policy.min_participation", "from two thirds (666,667 ppm) to all", self.min_participation)

    def takes(self, trust: Trust) -> bool:
        """Whether values of this trust count."""
        settled = trust.settlement is None or trust.settlement in self.settlements
        signed = trust.participation is None or trust.participation >= self.min_participation
        return trust.anchor in self.anchors and settled and signed

    def looking(self) -> Policy:
        """The same policy with a look at roots that are only posted: what rests on those weighs nothing."""
        return replace(self, settlements=self.settlements | {Settlement.PROPOSED}, proposed=OnlyShown())

    def trust_haircut(self, trust: Trust) -> Haircut:
        """The discount for how a value is believed; everything, where it is not taken."""
        if not self.takes(trust):
            return EVERYTHING_OFF
        if trust.settlement is Settlement.PROPOSED and isinstance(self.proposed, OnlyShown):
            return EVERYTHING_OFF
        anchor = self.anchor_haircuts.get(trust.anchor, EVERYTHING_OFF)
        if trust.settlement is None:
            return anchor
        return anchor.compounded(self.settlement_haircuts.get(trust.settlement, EVERYTHING_OFF))


STRICT: Final = Policy()
PRACTICAL: Final = Policy(
    name="practical", anchors=frozenset({Anchor.FINALIZED, Anchor.PINNED, Anchor.ATTESTED, Anchor.QUORUM})
)
PRESETS: Final[Mapping[str, Policy]] = MappingProxyType({"strict": STRICT, "practical": PRACTICAL})


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Sizes and counts, tested before anything is hashed.

    Attributes:
        codes, code_bytes: How many contracts' code a bundle holds, and how much one may be (Arbitrum takes 96 KiB).
        call_steps: Units of work that all calls of one network may take together, and all judgements of registries.
    """

    bundle_bytes: int = 1 << 30
    claims: int = 200_000
    sections: int = 256
    nodes: int = 4_000_000
    node_bytes: int = 1_024
    header_bytes: int = 64 * 1_024
    steps: int = 512
    preimages: int = 64
    preimage_bytes: int = 64 * 1_024
    codes: int = 20_000
    code_bytes: int = 128 * 1_024
    call_steps: int = 100_000_000
    light_updates: int = 1_024
    light_bytes: int = 64 * 1_024
    signed_updates: int = 256
    signed_bytes: int = 64 * 1_024


DEFAULT_LIMITS: Final = Limits()
