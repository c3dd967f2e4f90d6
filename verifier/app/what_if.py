"""What `xmargin margin` works on: an account from the store or a bundle, and what is changed about it.

An account as it is gives a `MarginReport`; anything changed about it, or evidence beyond the policy's age, gives a
`HypotheticalReport`, which no statement takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING

from verifier.app.compile import AccountSpec
from verifier.app.errors import UnknownName, UsageError
from verifier.app.quantities import exact_decimal, scaled
from verifier.app.service import Run, check_account
from verifier.consensus.light_client import LightClientState
from verifier.margin.account import snapshot
from verifier.margin.fixed import Price, charge, credit
from verifier.margin.modes import Mode
from verifier.margin.profile import Profile
from verifier.margin.report import Figures, HypotheticalReport, MarginReport
from verifier.margin.rules import MarginRules
from verifier.margin.snapshot import Snapshot
from verifier.margin.trial import at_prices
from verifier.policy import PPM, Factors, Policy
from verifier.primitives import Timestamp
from verifier.trust import TrustRoot

if TYPE_CHECKING:
    from verifier.margin.models.past import Past

Json = dict[str, object]
_ANY_AGE = 10**9


@dataclass(frozen=True, slots=True)
class Shock:
    """A relative move: of one asset's price, of all prices (`ALL`), or of an asset's volatilities (`vol:ETH`)."""

    text: str
    group: str
    change: int
    volatility: bool = False


@dataclass(frozen=True, slots=True)
class WhatIf:
    """
    An account, as it is or changed.

    Attributes:
        run: What the evidence proved.
        report: A `MarginReport` only where nothing is changed and the evidence is as young as the policy asks.
        policy, rules, mode: What it was weighed by.
        age: Seconds between the evidence's as-of time and the clock.
    """

    run: Run
    report: MarginReport | HypotheticalReport
    snapshot: Snapshot
    policy: Policy
    rules: MarginRules
    mode: Mode
    shocks: tuple[Shock, ...]
    profile: str | None
    now: Timestamp
    age: int

    @property
    def figures(self) -> Figures:
        """What was computed."""
        return self.report.figures


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: columns, and rows of text. Columns whose name ends in `>` are set to the right."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One analysis: its key in JSON, what goes under it, and the tables people read."""

    key: str
    data: object
    grids: tuple[Grid, ...] = ()
    notes: tuple[str, ...] = ()


Analysis = Callable[[WhatIf], Section]


def parse_shock(text: str) -> Shock:
    """
    A shock as typed: `ETH=-30%`, `ALL=-20%`, `vol:ETH=+50%`.

    Raises:
        UsageError: It is none of these, or takes more than everything away.
    """
    name, equals, amount = text.partition("=")
    remedy = "write --shock ETH=-30%, --shock ALL=-20% or --shock vol:ETH=+50%"
    volatility = name.startswith("vol:")
    group = name.removeprefix("vol:").strip()
    if not equals or not group or not amount.strip().endswith("%"):
        raise UsageError(f"--shock {text!r} is no shock", remedy)
    try:
        percent: Decimal = exact_decimal(amount.strip()[:-1].strip().removeprefix("+"))
        change = scaled(percent, 4, "a shock")
    except ValueError as error:
        raise UsageError(f"--shock {text!r}: {error}", remedy) from None
    if not -PPM < change <= 100 * PPM:
        raise UsageError(f"--shock {text!r}: from above -100% to 10000%", remedy)
    return Shock(text, group, change, volatility)


def shocked(taken: Snapshot, shocks: Sequence[Shock]) -> Snapshot:
    """
    The snapshot after all shocks, one after the other. Forwards move with prices, stable prices stay.

    Raises:
        UnknownName: A shock names an asset without a price, or without a quoted volatility.
    """
    for shock in shocks:
        taken = _vols(taken, shock) if shock.volatility else _prices(taken, shock)
    return taken


def _prices(taken: Snapshot, shock: Shock) -> Snapshot:
    groups = sorted(taken.quotes) if shock.group == "ALL" else [shock.group]
    if shock.group != "ALL" and shock.group not in taken.quotes:
        raise UnknownName("priced asset", shock.group, taken.quotes)
    return at_prices(taken, {group: _moved(taken.quotes[group].price, shock.change) for group in groups})


def _moved(price: int, change: int) -> Price:
    """A fall is rounded down and a rise up: away from the price that is."""
    rounded = charge if change > 0 else credit
    return Price(max(1, rounded(price * (PPM + change), PPM)))


def _vols(taken: Snapshot, shock: Shock) -> Snapshot:
    known = {quoted.group for quoted in taken.expiries}
    if shock.group not in known:
        raise UnknownName("underlying with volatilities", shock.group, known)
    factor = PPM + shock.change

    def moved(vol: int) -> int:
        return charge(vol * factor, PPM)

    return replace(
        taken,
        expiries=tuple(
            q
            if q.group != shock.group
            else replace(
                q,
                volatility=None if q.volatility is None else moved(q.volatility),
                vols=MappingProxyType({strike: moved(vol) for strike, vol in q.vols.items()}),
            )
            for q in taken.expiries
        ),
    )


def what_if(
    spec: AccountSpec,
    data: bytes,
    *,
    now: Timestamp,
    roots: Sequence[TrustRoot] = (),
    mode: Mode | None = None,
    shocks: Sequence[Shock] = (),
    profile: Profile | None = None,
    lights: Sequence[LightClientState] = (),
    past: Past | None = None,
) -> WhatIf:
    """
    Verify a bundle against an account file, whatever its age, and weigh it with what is changed.

    Args:
        data: Untrusted.
        lights: Light-client states that the checker kept.
        profile: A venue's rules instead of the file's own; its factors stand where the file has none.
        past: Moves in place of the file's returns.

    Raises:
        Malformed: The bytes are no bundle.
        UnknownName: A shock names what is not there.
    """
    old = replace(spec, policy=replace(spec.policy, max_age=_ANY_AGE))
    run = check_account(old, data, now=now, roots=roots, lights=lights)
    run = replace(run, spec=spec)
    age = max(0, now - run.verified.as_of)
    policy, rules, chosen = spec.policy, spec.rules, mode or spec.mode
    if profile is not None:
        factors: Mapping[str, Factors] = {**profile.factors, **spec.policy.factors}
        policy = replace(policy, factors=MappingProxyType(factors))
        rules = with_profile(spec.rules, profile)
        chosen = mode or profile.mode
    taken = shocked(snapshot(run.report.account), shocks)
    if past is not None:
        taken = replace(taken, returns=past.returns, return_step=past.step)
    changed = bool(shocks) or profile is not None or chosen is not spec.mode or age > spec.policy.max_age
    changed = changed or past is not None
    report: MarginReport | HypotheticalReport
    if changed:
        report = HypotheticalReport(taken, policy, rules, chosen)
    else:
        report = check_account(spec, data, now=now, roots=roots, lights=lights).report
    return WhatIf(
        run, report, taken, policy, rules, chosen, tuple(shocks), None if profile is None else profile.name, now, age
    )


def with_profile(own: MarginRules, profile: Profile) -> MarginRules:
    """The venue's rules; what the file says of the world (volatilities, interest, latencies) stays."""
    return replace(
        profile.rules,
        volatility=own.volatility,
        debt_rates=own.debt_rates,
        latencies=MappingProxyType({**profile.rules.latencies, **own.latencies}),
        calls=own.calls,
    )
