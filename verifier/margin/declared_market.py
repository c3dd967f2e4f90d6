"""What markets are said to quote, and what rests in their books: typed in, proven by no one.

Forwards, volatilities and returns decide what positions require; none of them is collateral.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from verifier.margin.market import Depth, ExpiryQuote, Route
from verifier.margin.snapshot import Order


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DeclaredMarket:
    """As the fields of `snapshot.Snapshot` of the same names.

    Attributes:
        bridges: By `network:symbol`, the bridge that stands behind a wrapped asset.
    """

    orders: tuple[Order, ...] = ()
    expiries: tuple[ExpiryQuote, ...] = ()
    routes: tuple[Route, ...] = ()
    returns: Mapping[str, tuple[int, ...]] = field(default_factory=_nothing)
    return_step: int = 86_400
    depths: Mapping[str, Depth] = field(default_factory=_nothing)
    bridges: Mapping[str, str] = field(default_factory=_nothing)


NO_MARKET: Final = DeclaredMarket()
