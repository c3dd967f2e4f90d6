"""What the file says of markets, into the engine's own types: terms, orders, forwards, routes, depth, returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from verifier.app.account_file import AccountFile, DepthPart, ExpiryPart, PositionPart, RoutePart
from verifier.app.errors import did_you_mean
from verifier.app.problems import Problems
from verifier.app.quantities import positive_decimal, scaled
from verifier.app.toml_source import Path_
from verifier.errors import BadInput
from verifier.margin.declared import CROSS
from verifier.margin.declared_market import DeclaredMarket
from verifier.margin.fixed import DIGITS, Price, Usd
from verifier.margin.instruments import LINEAR, Future, InversePerp, Option, Terms
from verifier.margin.market import Depth, ExpiryQuote, Route
from verifier.margin.snapshot import Order
from verifier.policy import PPM

T = TypeVar("T")
_UNITS = 18
_NEEDS = {
    "perp": ("entry",),
    "inverse": ("entry", "multiplier"),
    "future": ("entry", "expiry"),
    "call": ("strike", "expiry"),
    "put": ("strike", "expiry"),
}
"""What each kind of position must say."""
_TERMS = ("multiplier", "strike", "expiry")


def made(problems: Problems, path: Path_, make: Callable[[], T]) -> T | None:
    """The value, or a problem where its own type refuses it."""
    try:
        return make()
    except BadInput as error:
        problems.add(path, f"expected {error.expected}, got {error.got}")
    except ValueError as error:
        problems.add(path, str(error))
    return None


def e18(value: Decimal) -> int:
    """In units of 1e-18."""
    return scaled(value, DIGITS)


def terms_of(part: PositionPart, path: Path_, problems: Problems) -> Terms | None:
    """What a position is; a key that its kind does not have is a mistake, not an ornament."""
    lacking = [key for key in _NEEDS[part.kind] if getattr(part, key) is None]
    for key in lacking:
        problems.add((*path, key), f"a position of kind {part.kind!r} needs it")
    for key in _TERMS:
        if getattr(part, key) is not None and key not in _NEEDS[part.kind]:
            problems.add((*path, key), f"a position of kind {part.kind!r} has none; remove it, or name another kind")
    if lacking:
        return None
    return made(problems, path, lambda: _terms(part))


def _terms(part: PositionPart) -> Terms:
    if part.kind == "inverse" and part.multiplier is not None:
        return InversePerp(Price(e18(part.multiplier)))
    if part.kind == "future" and part.expiry is not None:
        return Future(part.expiry)
    if part.kind in ("call", "put") and part.strike is not None and part.expiry is not None:
        return Option(Price(e18(part.strike)), part.expiry, part.kind == "call")
    return LINEAR


def compile_market(file: AccountFile, problems: Problems) -> DeclaredMarket:
    """Everything of it; what is wrong goes to `problems`."""
    orders = [_order(file, i, problems) for i in range(len(file.orders))]
    expiries = [_expiry(part, ("expiries", i), problems) for i, part in enumerate(file.expiries)]
    routes = [_route(part, ("routes", i), problems) for i, part in enumerate(file.routes)]
    depths = {group: _depth(part, ("depths", group), problems) for group, part in file.depths.items()}
    return DeclaredMarket(
        orders=tuple(o for o in orders if o is not None),
        expiries=tuple(e for e in expiries if e is not None),
        routes=tuple(r for r in routes if r is not None),
        returns=MappingProxyType(_returns(file, problems)),
        return_step=file.returns.step,
        depths=MappingProxyType({group: depth for group, depth in depths.items() if depth is not None}),
        bridges=MappingProxyType(_bridges(file, problems)),
    )


def _bridges(file: AccountFile, problems: Problems) -> dict[str, str]:
    for place in file.bridges:
        network, colon, symbol = place.partition(":")
        if not (network and colon and symbol):
            problems.add(("bridges", place), 'expected "<network>:<symbol>" = "<bridge>"')
    return dict(file.bridges)


def _returns(file: AccountFile, problems: Problems) -> dict[str, tuple[int, ...]]:
    """In units of 1e-9; series of one clock have one length."""
    lengths = {len(series) for series in file.returns.series.values()}
    if len(lengths) > 1:
        problems.add(("returns", "series"), f"all series are on one clock and have one length, not {sorted(lengths)}")
        return {}
    found = {}
    for group, series in file.returns.series.items():
        units = made(problems, ("returns", "series", group), partial(_billionths, series))
        found[group] = units or ()
    return found


def _billionths(series: Sequence[Decimal]) -> tuple[int, ...]:
    return tuple(scaled(value, 9, "a return") for value in series)


def _route(part: RoutePart, path: Path_, problems: Problems) -> Route | None:
    return made(
        problems,
        path,
        lambda: Route(
            part.start, part.end, Usd(e18(part.capacity)), part.cost, part.latency, part.open, part.bridge or ""
        ),
    )


def _depth(part: DepthPart, path: Path_, problems: Problems) -> Depth | None:
    return made(problems, path, lambda: Depth(Usd(e18(part.volume)), part.volatility, part.coefficient))


def _order(file: AccountFile, index: int, problems: Problems) -> Order | None:
    part, path = file.orders[index], ("orders", index)
    market = file.markets.get(part.market)
    if market is None:
        known = did_you_mean(part.market, file.markets)
        problems.add((*path, "market"), f"no [markets.{part.market}] is in the file; {known}")
        return None
    if part.size == 0:
        problems.add((*path, "size"), "an order of no size is none; remove it")
        return None
    return made(
        problems,
        path,
        lambda: Order(
            id=f"declared-order:{part.name or f'{part.market}-{index + 1}'}",
            group=market.underlying,
            size=e18(part.size),
            decimals=_UNITS,
            limit=Price(e18(part.limit)),
            pocket=part.pocket or CROSS,
        ),
    )


def _strike(text: str) -> Price:
    return Price(e18(positive_decimal(text)))


def _expiry(part: ExpiryPart, path: Path_, problems: Problems) -> ExpiryQuote | None:
    vols: dict[Price, int] = {}
    for strike, vol in part.vols.items():
        price = made(problems, (*path, "vols", strike), partial(_strike, strike))
        if price is not None:
            vols[price] = vol
    return made(
        problems,
        path,
        lambda: ExpiryQuote(
            group=part.group,
            expiry=part.expiry,
            at=part.at,
            forward=Price(e18(part.forward)),
            fixed=Price(e18(part.fixed)),
            rate=part.rate,
            volatility=part.volatility,
            vols=MappingProxyType(vols),
            confidence=PPM if part.confidence is None else part.confidence,
        ),
    )
