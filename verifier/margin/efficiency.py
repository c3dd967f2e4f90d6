"""Capital efficiency: what would be needed apart, over what is needed together; and what the pooling costs.

Each step is measured by switching one thing on: positions that stand alone, then pooled, then offset by scenarios;
networks and protocols that stand alone, then pooled. What stands on a slow or closed route is taken back again. A ratio
without a denominator is None, never infinite.

Source: margin reference, sections 15 and 17.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from verifier.margin.contagion_nodes import network_of
from verifier.margin.fixed import Usd
from verifier.margin.modes import Mode
from verifier.margin.report import weigh_pools
from verifier.margin.risk import Ratio, Risk, total
from verifier.margin.snapshot import Line, Position, Snapshot
from verifier.margin.transfers import TransferPlan, plan_transfers
from verifier.margin.trial import Setting, Trial, with_parts


@dataclass(frozen=True, slots=True)
class Apart:
    """One network or protocol by itself: its own equity and requirement.

    Attributes:
        lacking: What it lacks of IM alone; `free` what it has beyond it.
    """

    name: str
    equity: Usd
    initial: Usd

    @property
    def lacking(self) -> Usd:
        """Capital that would have to be added if it stood alone."""
        return Usd(max(0, self.initial - self.equity))

    @property
    def free(self) -> Usd:
        """Equity beyond its own requirement."""
        return Usd(max(0, self.equity - self.initial))


@dataclass(frozen=True, slots=True)
class Efficiency:
    """What pooling saves, and what of it can be relied on.

    Attributes:
        alone: Σ of the requirements of positions that each stand alone.
        together: IM of the account as it is weighed.
        offsets: What weighing positions by scenarios saves over adding them up; None where it cannot be weighed so.
        networks, protocols: Each by itself.
        lacking_apart: Capital to be added if every network stood alone; `lacking_pooled` in one pool.
        transfers: What would have to move so that each network stands by itself.
        taken_back: The part of the saving that routes cannot bring in time.
    """

    alone: Usd
    together: Usd
    equity: Usd
    offsets: Usd | None
    networks: tuple[Apart, ...]
    protocols: tuple[Apart, ...]
    lacking_apart: Usd
    lacking_pooled: Usd
    transfers: TransferPlan
    taken_back: Usd
    horizon: int

    @property
    def ratio(self) -> Ratio | None:
        """CE: isolated over joint requirement, at least 1."""
        return Ratio(self.alone, self.together) if self.together > 0 else None

    @property
    def saving(self) -> Ratio | None:
        """1 − 1/CE."""
        return Ratio(self.alone - self.together, self.alone) if self.alone > 0 else None

    @property
    def network_ratio(self) -> Ratio | None:
        """Capital needed apart over capital needed pooled."""
        apart = sum(n.initial + n.lacking for n in self.networks)
        pooled = self.together + self.lacking_pooled
        return Ratio(apart, pooled) if pooled > 0 and self.networks else None

    @property
    def idle(self) -> Usd:
        """Equity beyond the requirement."""
        return Usd(max(0, self.equity - self.together))

    @property
    def saved_by_networks(self) -> Usd:
        """Capital that pooling the networks saves, before latency."""
        return Usd(max(0, self.lacking_apart - self.lacking_pooled))


def efficiency(setting: Setting, trial: Trial, *, horizon: int = 3_600, volatility: int = 0) -> Efficiency | None:
    """
    The efficiency of an account; None where some pool has no low figure.

    Args:
        horizon: Seconds within which a transfer must arrive to count.
        volatility: Annual, ppm, of what is transferred; 0 for money.
    """
    whole = _risk(setting, trial.snapshot)
    apart = _apart(setting, trial.snapshot, network_of)
    protocols = _apart(setting, trial.snapshot, lambda part: part.protocol or "wallet")
    if whole is None or apart is None or protocols is None:
        return None
    alone = _alone(setting, trial.snapshot)
    lacking = {place.name: place.lacking for place in apart if place.lacking}
    free = {place.name: place.free for place in apart if place.free}
    z = setting.rules.prices.z
    moved = plan_transfers(lacking, free, trial.snapshot.routes, volatility=volatility, z=z, horizon=horizon)
    pooled = max(0, whole.initial - whole.equity)
    apart_needs = sum(lacking.values())
    back = min(sum(moved.unmet.values()) + moved.cost, max(0, apart_needs - pooled))
    return Efficiency(
        alone=Usd(max(alone, whole.initial)),
        together=whole.initial,
        equity=whole.equity,
        offsets=_offsets(setting, trial.snapshot),
        networks=apart,
        protocols=protocols,
        lacking_apart=Usd(apart_needs),
        lacking_pooled=Usd(pooled),
        transfers=moved,
        taken_back=Usd(back),
        horizon=horizon,
    )


def _risk(setting: Setting, snapshot: Snapshot) -> Risk | None:
    made = [pool.low for pool in weigh_pools(snapshot, setting.policy, setting.rules, setting.mode)]
    known = [risk for risk in made if risk is not None]
    return total(known) if len(known) == len(made) else None


def _alone(setting: Setting, snapshot: Snapshot) -> int:
    """Σ IM of every position by itself, and of every line by itself: nothing nets, nothing offsets."""
    needed = 0
    for line in snapshot.lines:
        needed += _initial(setting, replace(snapshot, lines=(line,), positions=(), orders=(), doubts=()))
    for position in snapshot.positions:
        only = replace(position, portfolio=False)
        needed += _initial(setting, replace(snapshot, lines=(), positions=(only,), orders=(), doubts=()))
    return needed


def _initial(setting: Setting, snapshot: Snapshot) -> int:
    rules = replace(setting.rules, floor=type(setting.rules.floor)())
    return sum(pool.known_low.initial for pool in weigh_pools(snapshot, setting.policy, rules, Mode.CROSS))


def _offsets(setting: Setting, snapshot: Snapshot) -> Usd | None:
    """IM in one pool by adding up, less IM in one pool by scenarios."""
    pooled = _risk(replace(setting, mode=Mode.CROSS), snapshot)
    netted = _risk(replace(setting, mode=Mode.PORTFOLIO), snapshot)
    return None if pooled is None or netted is None else Usd(max(0, pooled.initial - netted.initial))


def _apart(setting: Setting, snapshot: Snapshot, name_of: Callable[[Line | Position], str]) -> tuple[Apart, ...] | None:
    """Each place's parts as an account of their own."""
    parts: tuple[Line | Position, ...] = (*snapshot.lines, *snapshot.positions)
    made = []
    for name in sorted({name_of(part) for part in parts}):
        risk = _risk(setting, _of(snapshot, name, name_of))
        if risk is None:
            return None
        made.append(Apart(name, risk.equity, risk.initial))
    return tuple(made)


def _of(snapshot: Snapshot, name: str, name_of: Callable[[Line | Position], str]) -> Snapshot:
    own = with_parts(
        snapshot,
        lambda line: line if name_of(line) == name else None,
        lambda position: position if name_of(position) == name else None,
    )
    return replace(own, orders=())


def by_name(places: tuple[Apart, ...]) -> Mapping[str, Apart]:
    """For look-ups."""
    return {place.name: place for place in places}
