"""What the risk reports of `xmargin margin` share: their options, what they are tried on, and how figures are written.

Every one of them is hypothetical by nature: they say what would happen, and no statement takes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from verifier.app.errors import UsageError
from verifier.app.quantities import exact_decimal, scaled, span_seconds
from verifier.app.report.tables import cents
from verifier.app.what_if import Grid, Section, WhatIf
from verifier.margin.fixed import SCALE, show_scaled
from verifier.margin.liquidation_steps import Charge, Trading
from verifier.margin.snapshot import Snapshot
from verifier.margin.trial import Scales, Setting, Trial
from verifier.policy import PPM
from verifier.primitives import to_hex

if TYPE_CHECKING:
    from verifier.margin.peers import Owed, Peer

DEFAULT_AVERSION: Final = 10**6
"""1e-6 for each dollar."""
MOST_SECONDS: Final = 30 * 86_400
SHOWN_FALL: Final = 100_000
"""The uniform fall that the loop is shown for, where no shock was given: 10 %."""
MOST_ROWS: Final = 40
NEAR_ONE: Final = (SCALE * 95 // 100, SCALE * 105 // 100)
"""An asset priced within 5 % of a dollar is money: it does not fall against itself in uniform moves."""


@dataclass(frozen=True, slots=True)
class RiskOptions:
    """What the analyses take from the command line.

    Attributes:
        fee: Of the notional that is closed, in ppm.
        bonus: Of the collateral that is sold, in ppm.
        seed: Of drawn moves.
        horizon: Seconds that the tail risk is of; None for a step of the returns. `horizons`: of single assets.
        over: Seconds within which a plan is to be carried out; None where no schedule is asked for.
        aversion: To the risk of a schedule, in 1e-12 for each dollar.
        turnover: By how much the share of an asset in the collateral may change, in ppm.
        peers: Other accounts, and claims between all of them; None where there is no file of them.
    """

    fee: int = 0
    bonus: int = 0
    seed: int = 1
    over: int | None = None
    aversion: int = DEFAULT_AVERSION
    turnover: int = PPM
    peers: tuple[tuple[Peer, ...], tuple[Owed, ...]] | None = None
    horizon: int | None = None
    horizons: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def charge(self) -> Charge:
        """As the engine takes it."""
        return Charge(fee=self.fee, bonus=self.bonus)


RiskAnalysis = Callable[[WhatIf, RiskOptions], Section]


def needs_report(option: str, report: str, *, given: bool, asked: bool) -> None:
    """
    Refuse an option that would change nothing.

    Raises:
        UsageError: The report that it belongs to is not asked for.
    """
    if given and not asked:
        raise UsageError(f"{option} without {report} changes nothing", f"add {report}, or leave {option} out")


def parse_rate(text: str, option: str, *, least: int = 0) -> int:
    """A rate as typed, like 0.5%: in ppm.

    Raises:
        UsageError: No percentage from 0 to 100.
    """
    remedy = f"write {option} 0.5%"
    if not text.strip().endswith("%"):
        raise UsageError(f"{option} {text!r} is no percentage", remedy)
    try:
        rate = scaled(exact_decimal(text.strip()[:-1].strip()), 4, option)
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: {error}", remedy) from None
    if not least <= rate <= PPM:
        raise UsageError(f"{option} {text!r}: from {'above ' if least else ''}0% to 100%", remedy)
    return rate


def parse_span(text: str | None, option: str) -> int | None:
    """
    A time as typed, like 4h: in seconds, up to thirty days.

    Raises:
        UsageError: None of these.
    """
    if text is None:
        return None
    remedy = f"write {option} 4h"
    try:
        seconds = span_seconds(int(text) if text.strip().isdecimal() else text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: {error}", remedy) from None
    if not 1 <= seconds <= MOST_SECONDS:
        raise UsageError(f"{option} {text!r}: from 1s to 30d", remedy)
    return seconds


def parse_horizons(texts: Sequence[str]) -> tuple[int | None, Mapping[str, int]]:
    """
    Times as typed: one for all assets, like 4h, and of single ones, like ETH=4h; each said once.

    Raises:
        UsageError: None of these, or said twice.
    """
    found: dict[str, int] = {}
    for text in texts:
        group, _, time = text.rpartition("=")
        if group in found:
            raise UsageError(f"--horizon {text!r} is said twice", "write --horizon 4h --horizon ETH=1h")
        found[group] = parse_span(time, "--horizon") or 0
    return found.pop("", None), MappingProxyType(found)


def check_horizons(options: RiskOptions, snapshot: Snapshot) -> None:
    """
    Refuse the time of an asset that the account does not have.

    Raises:
        UsageError: There is no such asset.
    """
    held = {line.group for line in snapshot.lines} | {position.group for position in snapshot.positions}
    for group in options.horizons:
        if group not in held:
            what = f"--horizon {group}=…: the account has {', '.join(sorted(held))}"
            raise UsageError(what, "name one of these, as reports do")


def parse_aversion(text: str, option: str) -> int:
    """
    An aversion to risk for each dollar, like 0.000001: in units of 1e-12, up to 1.

    Raises:
        UsageError: None of these.
    """
    remedy = f"write {option} 0.000001"
    try:
        found = scaled(exact_decimal(text.strip()), 12, option)
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: {error}", remedy) from None
    if not 0 <= found <= 10**12:
        raise UsageError(f"{option} {text!r}: from 0 to 1", remedy)
    return found


def scales_of(made: WhatIf) -> tuple[Scales, Trial]:
    """What the account is tried on."""
    return Scales(Setting(made.policy, made.rules, made.mode)), Trial(made.snapshot)


def trading_of(made: WhatIf, options: RiskOptions) -> Trading:
    """Impact by the depths of the account file; fees and bonuses by the options."""
    from verifier.margin.models.selling import impacts_of

    return Trading(impacts=MappingProxyType(impacts_of(made.snapshot.depths)), other=options.charge)


def still_of(snapshot: Snapshot) -> frozenset[str]:
    """Groups that count as money."""
    low, high = NEAR_ONE
    return frozenset(group for group, quote in snapshot.quotes.items() if low <= quote.price <= high)


def usd(value: int | None) -> str:
    """Money to the cent, or a dash."""
    return "-" if value is None else cents(value)


def price(value: int | None) -> str:
    """A price to eight digits at most, or a dash."""
    if value is None:
        return "-"
    digits = max(2, 8 - len(str(value // SCALE)))
    return show_scaled(value // 10 ** (18 - digits), digits)


def labels_of(snapshot: Snapshot) -> Mapping[str, str]:
    """What people call each line, position and order: shorter than its id, and still of one thing alone."""
    short = {line.id: f"{line.symbol or line.group} on {line.network}" for line in snapshot.lines if line.network}
    said = Counter(short.values())
    holders = {line.id: to_hex(line.provenance.holder) for line in snapshot.lines if line.provenance is not None}
    for name, text in short.items():
        if said[text] > 1 and name in holders:
            short[name] = f"{text} of {holders[name][:10]}…"
    said = Counter(short.values())
    found = {name: text for name, text in short.items() if said[text] == 1}
    typed = [line.id for line in snapshot.lines if line.declared]
    typed += [position.id for position in snapshot.positions] + [order.id for order in snapshot.orders]
    return found | {name: name.removeprefix("declared-").replace(":", " ", 1) for name in typed}


def part_name(labels: Mapping[str, str], part: str) -> str:
    """A part of a step as people call it: one thing, or what is netted against what."""
    return " against ".join(labels.get(name, name) for name in part.split(">")) or "all positions"


def pool_name(name: str) -> str:
    """A pool as people call it."""
    return name or "cross"


def section(key: str, data: object, grids: list[Grid], notes: tuple[str, ...] = ()) -> Section:
    """A section without empty tables."""
    return Section(key, data, tuple(grid for grid in grids if grid.rows), notes)
