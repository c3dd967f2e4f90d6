"""A report as one JSON object with a stable schema: money as exact decimal text in USD, amounts as decimal text.

Ratios are decimal text rounded down, or null where nothing is required or no figure can be given; rates are integers in
ppm; hex is lower case with 0x; times are RFC 3339 beside unix seconds. Within a schema version keys are only added.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from verifier.margin.as_json_market import market_json
from verifier.margin.declared import DeclaredDebt, DeclaredPosition, DeclaredPrice
from verifier.margin.fixed import show_scaled
from verifier.margin.haircut import PriceView
from verifier.margin.instruments import Future, InversePerp, Option, Terms
from verifier.margin.lines import LineValue
from verifier.margin.positions import PositionValue
from verifier.margin.report import Figures, HypotheticalReport, MarginReport, PocketReport
from verifier.margin.requirements import GroupValue
from verifier.margin.risk import Ratio, Risk
from verifier.margin.snapshot import Provenance, Reason
from verifier.policy import Haircut
from verifier.primitives import to_hex
from verifier.trust import Trust

SCHEMA: Final = "xmargin/margin-report"
VERSION: Final = 1


def to_json(made: MarginReport | HypotheticalReport) -> dict[str, object]:
    """The whole report; an account's name, bundle and declarations only where there is an account."""
    figures = made.figures
    head: dict[str, object] = {
        "schema": SCHEMA,
        "version": VERSION,
        "hypothetical": made.hypothetical,
        "status": figures.status.value,
        "mode": figures.mode.value,
        "as_of": _time(figures.snapshot.as_of),
        "policy_digest": to_hex(figures.policy_digest),
        "snapshot_digest": to_hex(figures.snapshot_digest),
        "total": {"low": _risk(figures.total_low), "high": _risk(figures.total_high)},
        "pockets": [_pocket(pocket) for pocket in figures.pockets],
        "reasons": _reasons(figures),
    }
    if isinstance(made, MarginReport):
        account = made.account
        head["account"] = account.name
        head["policy"] = account.policy.name
        head["bundle_id"] = to_hex(account.bundle_id)
        head["declared"] = {
            "prices": [_price(price) for price in account.prices],
            "debts": [_debt(debt) for debt in account.debts],
            "positions": [_position(position) for position in account.positions],
            **market_json(account.market, _time),
        }
    return head


def _reasons(figures: Figures) -> list[dict[str, object]]:
    return [_reason(reason) for reason in figures.reasons]


def _reason(reason: Reason) -> dict[str, object]:
    return {"doubt": reason.doubt.value, "subject": reason.subject, "text": reason.text}


def _pocket(pocket: PocketReport) -> dict[str, object]:
    low = pocket.low
    return {
        "name": pocket.name or "cross",
        "isolated": bool(pocket.name),
        "status": pocket.status.value,
        "low": _risk(low),
        "high": _risk(pocket.high),
        "known": {"low": _risk(pocket.known_low), "high": _risk(pocket.known_high)},
        "ratio": None if low is None else pocket.shown(low.ratio),
        "ratio_unbounded": low is not None and low.ratio.unbounded,
        "initial_ratio": None if low is None else pocket.shown(low.initial_ratio),
        "health_factor": None if low is None else pocket.shown(low.health_factor),
        "free_margin": show_scaled(pocket.free),
        "buffer": None if pocket.buffer is None else show_scaled(pocket.buffer),
        "usage": None if low is None else _up(low.usage),
        "lines": [_line(line) for line in pocket.lines],
        "groups": [_group(group) for group in pocket.groups],
        "positions": [_position_value(position) for position in pocket.positions],
        **_further(pocket),
        "reasons": [_reason(reason) for reason in pocket.reasons],
    }


def _further(pocket: PocketReport) -> dict[str, object]:
    """Only where there is something of it, so that a plain account's report keeps its bytes."""
    made: dict[str, object] = {}
    if pocket.orders:
        made["orders"] = [
            {
                "group": o.group,
                "side": o.side,
                "fill_loss": show_scaled(o.fill_loss),
                "initial": show_scaled(o.risk.initial),
                "maintenance": show_scaled(o.risk.maintenance),
            }
            for o in pocket.orders
        ]
    if pocket.reliefs:
        made["reliefs"] = [
            {
                "group": r.group,
                "expiry": _time(r.expiry),
                "initial": show_scaled(r.low.initial),
                "maintenance": show_scaled(r.low.maintenance),
            }
            for r in pocket.reliefs
        ]
    if pocket.portfolio is not None:
        from verifier.margin.as_json_more import portfolio_json

        made["portfolio"] = portfolio_json(pocket, pocket.portfolio)
    return made


def _terms(terms: Terms) -> dict[str, object]:
    if isinstance(terms, Option):
        kind = "call" if terms.call else "put"
        return {"terms": {"kind": kind, "strike": show_scaled(terms.strike), "expiry": _time(terms.expiry)}}
    if isinstance(terms, Future):
        return {"terms": {"kind": "future", "expiry": _time(terms.expiry)}}
    if isinstance(terms, InversePerp):
        return {"terms": {"kind": "inverse", "multiplier": show_scaled(terms.multiplier)}}
    return {}


def _risk(risk: Risk | None) -> dict[str, object] | None:
    if risk is None:
        return None
    return {
        "equity": show_scaled(risk.equity),
        "initial": show_scaled(risk.initial),
        "maintenance": show_scaled(risk.maintenance),
        "initial_haircut": show_scaled(risk.initial_haircut),
        "data_contingency": show_scaled(risk.data_contingency),
        "maintenance_haircut": show_scaled(risk.maintenance_haircut),
        "weighted_collateral": show_scaled(risk.weighted),
        "weighted_debt": show_scaled(risk.owed),
    }


def _line(value: LineValue) -> dict[str, object]:
    line, cuts = value.line, value.haircuts
    return {
        "id": line.id,
        "kind": "debt" if line.liability else "holding",
        "declared": line.declared,
        "symbol": line.symbol,
        "group": line.group,
        "amount": _text(line.amount),
        "last_proven_amount": _text(line.last_amount),
        "decimals": line.decimals,
        "price": _view(value.price),
        "gross": _money(value.gross),
        "haircuts": {
            "trust": _haircut(cuts.trust),
            "age": cuts.age,
            "price": cuts.price,
            "accrual": cuts.accrual,
        },
        "counted": {
            "low": _money(value.low),
            "low_initial": _money(value.known_low_initial) if value.low_known else None,
            "high": _money(value.high),
        },
        "trust": _trust(line.trust),
        "age": line.age,
        "provenance": _provenance(line.provenance),
        "reasons": [_reason(reason) for reason in value.reasons],
    }


def _provenance(found: Provenance | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {
        "chain_id": found.chain_id,
        "network": found.network,
        "holder": to_hex(found.holder),
        "contract": None if found.contract is None else to_hex(found.contract),
        "block": found.block,
        "block_hash": None if found.block_hash is None else to_hex(found.block_hash),
        "time": None if found.time is None else _time(found.time),
        "moment": None if found.moment is None else found.moment.value,
        "source": found.source,
    }


def _trust(trust: Trust | None) -> dict[str, object] | None:
    if trust is None:
        return None
    return {
        "word": trust.word,
        "anchor": trust.anchor.value,
        "settlement": None if trust.settlement is None else trust.settlement.value,
        "bases": sorted(basis.value for basis in trust.bases),
    }


def _group(group: GroupValue) -> dict[str, object]:
    return {
        "group": group.group,
        "net": {
            "low": show_scaled(group.net_low) if group.low_known else None,
            "low_initial": show_scaled(group.net_low_initial) if group.low_known else None,
            "high": show_scaled(group.net_high) if group.high_known else None,
        },
        "market_haircut": _haircut(group.factors.haircut),
        "debt_weight": {
            "initial": group.factors.debt_weight_initial,
            "maintenance": group.factors.debt_weight_maintenance,
        },
        "low": _risk(group.low) if group.low_known else None,
        "high": _risk(group.high) if group.high_known else None,
    }


def _position_value(value: PositionValue) -> dict[str, object]:
    position = value.position
    return {
        "id": position.id,
        "declared": not position.counts_gain,
        "group": position.group,
        **_terms(position.terms),
        "size": show_scaled(position.size, position.decimals),
        "entry": show_scaled(position.entry),
        "price": _view(value.price),
        "notional": _money(value.notional),
        "profit": _money(value.profit),
        "counted": {
            "low": show_scaled(value.counted_low) if value.low_known else None,
            "high": show_scaled(value.counted_high) if value.high_known else None,
        },
        "initial": show_scaled(value.low.initial) if value.low_known else None,
        "maintenance": show_scaled(value.low.maintenance) if value.low_known else None,
        "reasons": [_reason(reason) for reason in value.reasons],
    }


def _view(view: PriceView) -> dict[str, object] | None:
    if view.price is None:
        return None
    return {"usd": show_scaled(view.price), "age": view.age, "haircut": view.haircut, "source": view.source}


def _haircut(cut: Haircut) -> dict[str, object]:
    return {"initial": cut.initial, "maintenance": cut.maintenance}


def _price(price: DeclaredPrice) -> dict[str, object]:
    return {"group": price.group, "usd": show_scaled(price.price), "at": _time(price.at), "source": price.source}


def _debt(debt: DeclaredDebt) -> dict[str, object]:
    return {
        "name": debt.name,
        "group": debt.group,
        "amount": show_scaled(debt.amount, debt.decimals),
        "at": _time(debt.at),
        "source": debt.source,
        "pocket": debt.pocket or "cross",
    }


def _position(position: DeclaredPosition) -> dict[str, object]:
    return {
        "name": position.name,
        "group": position.group,
        "size": show_scaled(position.size, position.decimals),
        "entry": show_scaled(position.entry),
        **_terms(position.terms),
        "source": position.source,
        "pocket": position.pocket or "cross",
    }


def _money(value: int | None) -> str | None:
    return None if value is None else show_scaled(value)


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _up(usage: Ratio | None, places: int = 4) -> str | None:
    """Usage is a burden: it rounds up."""
    if usage is None:
        return None
    return show_scaled(-(-usage.numerator * 10**places // usage.denominator), places)


def _time(seconds: int) -> dict[str, object]:
    try:
        shown = datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):  # beyond the calendar; the seconds still say it
        shown = None
    return {"unix": seconds, "utc": shown}
