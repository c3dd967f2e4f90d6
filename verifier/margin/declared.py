"""Numbers that no one proved: typed into an account file, or from an unsigned feed.

They have types of their own. A declared price values what was proven; a declared debt or position burdens the
account, at once and in full. None of them can be collateral: a debt has no sign to flip, and the gain of a declared
position counts nothing. Statements list them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.errors import BadInput
from verifier.margin.fixed import MAX_DECIMALS, MAX_PRICE, Price
from verifier.margin.instruments import LINEAR, Option, Terms
from verifier.policy import PPM
from verifier.primitives import MAX_UINT256, Timestamp

CROSS: Final = ""
"""The name of the pool that everything outside isolated pockets belongs to."""


@dataclass(frozen=True, slots=True)
class DeclaredPrice:
    """What one whole unit of an asset group is said to be worth.

    Attributes:
        group: The canonical asset, as in `Asset.group`.
        price: 1e-18 USD; more than zero. A feed that answers zero or less has given no price.
        at: When it was so.
        source: Who says so, in a few words for the report.
        stable: A slow average; initial values take the worse of both.
        confidence: How sure the source is, in ppm.
    """

    group: str
    price: Price
    at: Timestamp
    source: str
    stable: Price | None = None
    confidence: int = PPM

    def __post_init__(self) -> None:
        if not self.group:
            raise BadInput("price.group", "a name", self.group)
        if not 0 < self.price <= MAX_PRICE:
            raise BadInput("price", "more than zero and at most 10^12 USD", self.price)
        if self.stable is not None and not 0 < self.stable <= MAX_PRICE:
            raise BadInput("price.stable", "more than zero and at most 10^12 USD", self.stable)
        if not 0 <= self.confidence <= PPM:
            raise BadInput("price.confidence", "0 to 1,000,000 ppm", self.confidence)


@dataclass(frozen=True, slots=True)
class DeclaredDebt:
    """A spot debt that the holder admits to.

    Attributes:
        name: Distinct within the account.
        group: Which asset is owed.
        amount: What is owed, in base units of `decimals`; never negative, for an account owes at least nothing.
        at: When this was what was owed; interest is counted from there.
        pocket: The isolated pocket it burdens, or the cross pool.
    """

    name: str
    group: str
    amount: int
    decimals: int
    at: Timestamp
    source: str = "declared"
    pocket: str = CROSS

    def __post_init__(self) -> None:
        if not self.name or not self.group:
            raise BadInput("debt", "a name and an asset group", (self.name, self.group))
        if not 0 <= self.amount <= MAX_UINT256:
            raise BadInput("debt.amount", "what is owed: from 0 to 2^256-1 base units", self.amount)
        if not 0 <= self.decimals <= MAX_DECIMALS:
            raise BadInput("debt.decimals", f"0 to {MAX_DECIMALS}", self.decimals)


@dataclass(frozen=True, slots=True)
class DeclaredPosition:
    """A derivative position that the holder admits to.

    Attributes:
        name: Distinct within the account.
        group: The underlying asset group; its price marks the position, its market gives the requirement.
        size: Signed, in units of 10^-decimals of the underlying (of contracts, for an inverse perpetual).
        entry: Average entry price; of an option, anything, for its whole value counts.
        pocket: The isolated pocket it stands in, or the cross pool.
        portfolio: In mixed mode, whether it is weighed by scenarios.
        network, protocol: Where it stands.
    """

    name: str
    group: str
    size: int
    decimals: int
    entry: Price
    source: str = "declared"
    pocket: str = CROSS
    terms: Terms = LINEAR
    portfolio: bool = False
    network: str = ""
    protocol: str = ""

    def __post_init__(self) -> None:
        if not self.name or not self.group:
            raise BadInput("position", "a name and an underlying", (self.name, self.group))
        if abs(self.size) > MAX_UINT256:
            raise BadInput("position.size", "at most 2^256-1 base units", self.size)
        if not 0 <= self.decimals <= MAX_DECIMALS:
            raise BadInput("position.decimals", f"0 to {MAX_DECIMALS}", self.decimals)
        if not isinstance(self.terms, Option) and not 0 < self.entry <= MAX_PRICE:
            raise BadInput("position.entry", "more than zero and at most 10^12 USD", self.entry)
