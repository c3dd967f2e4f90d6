"""What was declared of markets, as JSON: listed because nobody proved it."""

from __future__ import annotations

from collections.abc import Callable

from verifier.margin.declared_market import NO_MARKET, DeclaredMarket
from verifier.margin.fixed import show_scaled
from verifier.margin.market import ExpiryQuote, Route
from verifier.margin.snapshot import Order

Json = dict[str, object]


def market_json(market: DeclaredMarket, time: Callable[[int], Json]) -> Json:
    """Under one key where there is anything; nothing otherwise."""
    if market == NO_MARKET:
        return {}
    return {
        "market": {
            "orders": [_order(order) for order in market.orders],
            "expiries": [_expiry(quoted, time) for quoted in market.expiries],
            "routes": [_route(route) for route in market.routes],
            "returns": {group: len(series) for group, series in sorted(market.returns.items())},
            "return_step": market.return_step,
            "bridges": dict(sorted(market.bridges.items())),
            "depths": {
                group: {"volume": show_scaled(d.volume), "volatility": d.volatility, "coefficient": d.coefficient}
                for group, d in sorted(market.depths.items())
            },
        }
    }


def _order(order: Order) -> Json:
    return {
        "id": order.id,
        "group": order.group,
        "size": show_scaled(order.size, order.decimals),
        "limit": show_scaled(order.limit),
        "pocket": order.pocket or "cross",
    }


def _expiry(quoted: ExpiryQuote, time: Callable[[int], Json]) -> Json:
    return {
        "group": quoted.group,
        "expiry": time(quoted.expiry),
        "at": time(quoted.at),
        "forward": show_scaled(quoted.forward),
        "fixed": show_scaled(quoted.fixed),
        "rate": quoted.rate,
        "volatility": quoted.volatility,
        "vols": {show_scaled(strike): vol for strike, vol in sorted(quoted.vols.items())},
        "confidence": quoted.confidence,
    }


def _route(route: Route) -> Json:
    return {
        "start": route.start,
        "end": route.end,
        "capacity": show_scaled(route.capacity),
        "cost": route.cost,
        "latency": route.latency,
        "open": route.open,
        "bridge": route.bridge,
    }
