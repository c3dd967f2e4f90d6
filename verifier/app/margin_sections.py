"""The sections that `xmargin margin` shows beside the account: each from the engine's own figures.

`ANALYSES` is the one list of what an option of the command asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from verifier.app.quantities import rfc3339
from verifier.app.report.tables import cents, cents_up
from verifier.app.store import Row, Store
from verifier.app.what_if import Analysis, Grid, Section, WhatIf, with_profile
from verifier.margin.as_json_more import comparison_json, cures_json, pool_json, portfolio_json, quality_json
from verifier.margin.by_mode import Needs, compare_modes
from verifier.margin.composition import Levels, composition, contingencies
from verifier.margin.cures import cures
from verifier.margin.fixed import show_scaled, usd
from verifier.margin.haircut import view_price
from verifier.margin.modes import Mode
from verifier.margin.pool import Place, VenueRule, place_of, view_pool
from verifier.margin.portfolio import PortfolioValue
from verifier.margin.quality import quality
from verifier.margin.report import PocketReport, weigh_pools
from verifier.margin.scenario import Contingency
from verifier.margin.status import RUNGS, distances
from verifier.policy import PPM

HORIZON: Final = 3_600
"""Seconds within which money must arrive elsewhere to count."""


def needs(value: Needs | None) -> tuple[str, str]:
    """Initial and maintenance."""
    return ("-", "-") if value is None else (cents_up(value.initial), cents_up(value.maintenance))


def modes(made: WhatIf) -> Section:
    """The account and every position under each mode."""
    found = compare_modes(made.figures, made.policy, made.rules)
    totals = tuple(
        (t.mode.value, cents(t.equity), cents_up(t.initial), cents_up(t.maintenance), t.status) for t in found.totals
    )
    rows = tuple(
        (p.id.partition(":")[2] or p.id, *needs(p.isolated), *needs(p.cross), *needs(p.portfolio), *needs(p.alone))
        for p in found.positions
    )
    grids = [Grid("By mode", ("mode", "equity>", "initial>", "maintenance>", "status"), totals)]
    if rows:
        heads = [f"{mode} {level}>" for mode in ("isolated", "cross", "portfolio", "alone") for level in ("IM", "MM")]
        grids.append(Grid("What each position requires", ("position", *heads), rows))
    return Section("modes", comparison_json(found), tuple(grids))


def called(made: WhatIf) -> Section:
    """What is called, and what would cure it: to the next rung's bound and 2 % more."""
    target = made.rules.ladder.warning * (PPM + made.rules.calls.hysteresis) // PPM
    taken = made.snapshot
    views = {g: view_price(g, q, taken.as_of, made.rules) for g, q in taken.quotes.items()}
    found = [c for p in made.figures.pockets if (c := cures(p, views, made.policy.factors, target)) is not None]
    rows = []
    for cure in (c for c in found if c.cash):
        rows.append((cure.pool or "cross", "cash", cents_up(cure.cash)))
        rows += [(cure.pool or "cross", f"deposit {d.group}", show_scaled(d.amount)) for d in cure.deposits]
        rows += [
            (cure.pool or "cross", f"reduce {r.position.partition(':')[2] or r.position}", str(r.amount))
            for r in cure.reductions
            if r.amount is not None
        ]
    grids = (Grid("Any of these reaches the target", ("pool", "cure", "amount>"), tuple(rows)),) if rows else ()
    return Section("cures", [cures_json(cure) for cure in found], grids)


def ladder(made: WhatIf) -> Section:
    """How far each pool stands above every rung: the cash that it may lose, or lacks where it is below zero."""
    known = [(p.name or "cross", p.low) for p in made.figures.pockets]
    found = {name: None if low is None else distances(low, made.rules.ladder) for name, low in known}
    rows = tuple(
        (name, *("-" if apart is None else cents(apart[rung]) for rung in RUNGS)) for name, apart in found.items()
    )
    data = [
        {"pool": name, "above": None if apart is None else {r.value: show_scaled(m) for r, m in apart.items()}}
        for name, apart in found.items()
    ]
    heads = ("pool", *(f"{rung.value}>" for rung in RUNGS))
    return Section("ladder", data, (Grid("Cash above each rung", heads, rows),))


def doubts(made: WhatIf) -> Section:
    """What doubt about data costs."""
    found = [quality(pocket, made.rules.ladder) for pocket in made.figures.pockets]
    rows = tuple(
        (q.pool or "cross", *map(cents_up, (q.trust, q.age, q.price, q.missing, q.marked_up))) for q in found if q.total
    )
    heads = ("pool", "trust>", "age>", "price age>", "missing>", "debts marked up>")
    return Section(
        "quality", [quality_json(q) for q in found], (Grid("What doubt takes", heads, rows),) if rows else ()
    )


def venues(made: WhatIf) -> Section:
    """Each place by its own rule, and what can be moved between them."""
    found = view_pool(made.snapshot, VenueRule(made.policy, made.rules, made.mode), _venue_rules(made), HORIZON)
    rows = tuple(
        (
            v.place[0] or "declared",
            v.place[1] or "wallet",
            v.status.value,
            cents(v.risk.equity),
            cents_up(v.risk.initial),
            cents_up(v.lacking),
            cents(v.free),
        )
        for v in found.venues
    )
    heads = ("network", "protocol", "status", "equity>", "initial>", "lacking>", "free>")
    grids = (Grid("By network and protocol, each alone", heads, rows),) if len(rows) > 1 else ()
    return Section("venues", pool_json(found), grids)


def _venue_rules(made: WhatIf) -> dict[Place, VenueRule]:
    """The profile that the file names for a place; its factors stand before the file's own, for it is its rule."""
    places = {place_of(line) for line in made.snapshot.lines} | {place_of(p) for p in made.snapshot.positions}
    found: dict[Place, VenueRule] = {}
    for place in sorted(places):
        for venue in made.run.spec.venues:
            if venue.judges(*place):
                factors = MappingProxyType({**made.policy.factors, **venue.profile.factors})
                policy, rules = replace(made.policy, factors=factors), with_profile(made.rules, venue.profile)
                found.setdefault(place, VenueRule(policy, rules, venue.profile.mode))
    return found


def scenarios(made: WhatIf) -> Section:
    """Every scenario and contingency of the portfolio requirement, whatever mode the account is in."""
    pools = [p for p in made.figures.pockets if p.portfolio is not None]
    if not pools:
        pools = [
            p for p in weigh_pools(made.snapshot, made.policy, made.rules, Mode.PORTFOLIO) if p.portfolio is not None
        ]
    found = [(p, p.portfolio) for p in pools if p.portfolio is not None]
    grids: list[Grid] = []
    for pool, value in found:
        grids += _scenario_grids(pool, value)
    notes = () if found else ("no position: there is no portfolio requirement",)
    data = [{"pool": pool.name or "cross", **portfolio_json(pool, value)} for pool, value in found]
    return Section("scenarios", data, tuple(grids), notes)


def _scenario_grids(pool: PocketReport, value: PortfolioValue) -> list[Grid]:
    """The scenarios; then the whole sum, from the worst loss to what the pool requires, with every contingency."""
    name = pool.name or "cross"
    rows = tuple((s.name, cents_up(s.loss), "worst" if s.name == value.worst else "") for s in value.scenarios)
    rows += (("basis, not netted over expiries", cents_up(value.basis), "worst" if value.worst == "basis" else ""),)
    parts = composition(pool)
    charged = dict(contingencies(pool, parts))
    balances = [(n, charged.pop(n)) for n in (Contingency.COLLATERAL.value, Contingency.DATA.value)]
    factored = [whole - sum(both[n] for both in charged.values()) for n, whole in enumerate(_scenario_need(value))]
    total = (
        (f"worst loss of {cents_up(value.loss)}, by its factors", cents_up(factored[0]), cents_up(factored[1])),
        *((n, *_both(both)) for n, both in charged.items()),
        ("= by scenarios", cents_up(value.initial), cents_up(value.maintenance)),
        ("= by rules", cents_up(value.alone_initial), cents_up(value.alone_maintenance)),
        ("the smaller, hedging balances relieved", *_both(parts.together)),
        *((n, *_both(both)) for n, both in balances),
        ("weights of debts", *_both(parts.debts)),
        ("other positions, by rules", *_both(parts.by_rules)),
        ("resting orders", *_both(parts.orders)),
        ("floor", *_both(parts.floor)),
        ("= the pool requires", *_both(parts.total)),
    )
    return [
        Grid(f"Scenarios of {name}", ("scenario", "loss>", ""), rows),
        Grid(f"Requirement of {name}", ("part", "initial>", "maintenance>"), total),
    ]


def _scenario_need(value: PortfolioValue) -> Levels:
    return value.initial, value.maintenance


def _both(levels: Levels) -> tuple[str, str]:
    return cents_up(levels[0]), cents_up(levels[1])


def history(store: Store, account: str) -> Section:
    """What was reported, what is called, and what happened to calls; from the store, for reading."""
    reports = store.rows(
        "SELECT as_of, status, equity_low, initial, maintenance, ratio FROM margin_snapshots WHERE account = ? "
        "ORDER BY as_of DESC, id DESC LIMIT 50",
        (account,),
    )
    calls = store.rows(
        "SELECT pocket, kind, rung, opened, deadline, above FROM margin_calls WHERE account = ?", (account,)
    )
    events = store.rows(
        "SELECT at, pocket, what, kind, rung FROM margin_call_events WHERE account = ? ORDER BY id DESC LIMIT 50",
        (account,),
    )
    figures = ("status", "equity_low", "initial", "maintenance", "ratio")
    open_keys = ("pocket", "kind", "rung", "opened", "deadline")
    heads = ("as of", "status", "equity>", "initial>", "maintenance>", "ratio>")
    grids = (
        _rows("Reports", heads, reports, ("as_of", *figures)),
        _rows("Open calls", ("pool", *open_keys[1:]), calls, open_keys),
        _rows("Calls so far", ("at", "pool", "what", "kind", "rung"), events, ("at", "pocket", "what", "kind", "rung")),
    )
    data = {"reports": reports, "calls": calls, "events": events}
    return Section("history", data, tuple(grid for grid in grids if grid.rows))


_TIMES: Final = frozenset({"as_of", "opened", "deadline", "at"})


def _rows(title: str, heads: tuple[str, ...], rows: list[Row], keys: tuple[str, ...]) -> Grid:
    return Grid(title, heads, tuple(tuple(_shown(key, row[key]) for key in keys) for row in rows))


_MONEY: Final[Mapping[str, Callable[[int], str]]] = MappingProxyType(
    {"equity_low": cents, "initial": cents_up, "maintenance": cents_up}
)
"""To the cent against the account, as everywhere; the store and `--json` keep all digits."""


def _shown(key: str, value: object) -> str:
    if key in _TIMES:
        return _time(value)
    if key in _MONEY and value is not None:
        return _MONEY[key](usd(value))
    return "cross" if key == "pocket" and not value else str(value or "-")


def _time(value: object) -> str:
    return rfc3339(value) if isinstance(value, int) else "-"


ALWAYS: Final[tuple[Analysis, ...]] = (ladder, modes, called, doubts, venues)
ANALYSES: Final[Mapping[str, Analysis]] = MappingProxyType({"scenarios": scenarios})
"""By name of the command's option."""
