"""The cheapest way to a goal, and which collateral or hedge would lower risk most.

A linear programme proposes; the engine disposes. What comes out is rounded against the account, carried out step by
step, and weighed; the figures are the engine's, and where the proposal does not hold it is made larger until it does
or is given up for the ranked plan.

Source: margin reference, sections 11 (cures) and 16.2, 16.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from verifier.margin.allocation import exposures
from verifier.margin.curves import BeyondCurves, Low, low_of, swapped
from verifier.margin.fixed import Usd, charge
from verifier.margin.ledger import ledger_of
from verifier.margin.liquidation import plan
from verifier.margin.liquidation_course import course
from verifier.margin.liquidation_desk import SLICE
from verifier.margin.liquidation_goal import Goal
from verifier.margin.liquidation_loop import Shock
from verifier.margin.liquidation_price import of_pool
from verifier.margin.liquidation_steps import Act, Closure, Step, Trading, execute
from verifier.margin.models.hedging import Candidate, candidates
from verifier.margin.models.programme import cheapest_shares
from verifier.margin.pool_curve import PoolCurve
from verifier.margin.report import PocketReport, weigh_pools
from verifier.margin.seek import Point, turning_point
from verifier.margin.snapshot import Line, Position
from verifier.margin.trial import Pool, Scales, Trial
from verifier.policy import PPM

GROW = 50_000
"""A proposal that the engine does not confirm is made larger by this, in ppm, …"""
TRIES = 12
"""… so many times."""
MOST_DEPOSIT = 10**12


@dataclass(frozen=True, slots=True)
class Cure:
    """One thing that by itself brings a pool to its goal.

    Attributes:
        act: Deposit, reduce or sell.
        amount: Base units, of `decimals`.
        cost: What equity loses by it; a deposit costs nothing but the money put in (`value`).
    """

    act: str
    part: str
    amount: int
    decimals: int
    value: Usd
    cost: Usd


@dataclass(frozen=True, slots=True)
class Proposal:
    """The cheapest set of reductions and sales, as the engine confirms it.

    Attributes:
        by: Which method it came from: the programme or the ranked plan.
        scenarios: How many price scenarios it holds in, the present one included.
    """

    by: str
    steps: tuple[Step, ...]
    cost: Usd
    after: Pool
    reached: bool
    scenarios: int


def cures(scales: Scales, trial: Trial, pool: str, trading: Trading, goal: Goal | None = None) -> tuple[Cure, ...]:
    """Every single deposit, reduction or sale that is enough, the least costly first; then by name."""
    aim = Goal() if goal is None else goal
    if not scales.pool(trial, pool).low_known or aim.lacking(scales.pool(trial, pool).low) <= 0:
        return ()
    part = of_pool(trial.snapshot, pool, scales)
    after = _tries(scales, trial, pool, trading)
    lacking = aim.lacks(scales.low(trial, pool).low)
    found: list[Cure | None] = [_deposit(scales, trial, pool, group, aim) for group in sorted(trial.snapshot.quotes)]
    held = [x for x in part.lines if not x.liability and x.amount and not x.declared]
    parts: list[tuple[Act, Line | Position]] = [(Act.REDUCE, p) for p in part.positions if p.size]
    for act, one in [*parts, *((Act.SELL, x) for x in held)]:
        closure = _closing(trial, act, one, trading, lambda made: aim.lacks(after(made)[0]), lacking)
        if closure is not None:
            step = execute(scales, trial, pool, (closure,), trading)[1][0]
            found.append(Cure(act.value, one.id, closure.amount, one.decimals, step.value, step.cost))
    return tuple(sorted((cure for cure in found if cure is not None), key=lambda c: (c.cost, c.value, c.act, c.part)))


def _deposit(scales: Scales, trial: Trial, pool: str, group: str, aim: Goal) -> Cure | None:
    """The least fully trusted deposit of a group that is enough; None where its haircut eats it."""
    price, decimals = trial.price(group), 9
    if price is None:
        return None

    quick = _deposited(scales, trial, _tried_deposit(trial, pool, group, MOST_DEPOSIT * 10**decimals, scales))

    def probe(amount: int) -> Point:
        if quick is not None:
            lacking = aim.lacks(quick(amount))
        else:
            made = _tried_deposit(trial, pool, group, amount, scales)
            with_it = replace(trial, snapshot=replace(trial.snapshot, lines=(*trial.snapshot.lines, made)))
            lacking = aim.lacks(scales.low(with_it, pool).low)
        return Point(amount, lacking <= 0, lacking)

    worth = max(aim.lacks(scales.low(trial, pool).low), 1)
    most = charge(worth * 1_000 * 10**decimals, price)
    far = probe(min(most, MOST_DEPOSIT * 10**decimals))
    if not far.turned:
        return None
    units = turning_point(probe, probe(0), far).at
    return Cure("deposit", group, units, decimals, Usd(charge(units * price, 10**decimals)), Usd(0))


def _deposited(scales: Scales, trial: Trial, made: Line) -> Callable[[int], Low] | None:
    """The pool's low figure with a new holding of some amount, up to its own; None where it has no curve."""
    curve = PoolCurve(scales, trial, made.pocket)
    held, price = curve.held(made.group), trial.price(made.group)
    line = scales.line_curve(trial.snapshot, made)
    if held is None or price is None or line is None or price > line.top:
        return None
    group, now = held
    amounts = {one.id: one.amount for one in group.lines}
    together, before = replace(group, lines=(*group.lines, line)), group.net(price, amounts)

    def low(amount: int) -> Low:
        return curve.swapped(made.group, swapped(now, before, together.net(price, amounts, made.id, amount)))

    return low


def _tried_deposit(trial: Trial, pool: str, group: str, amount: int, scales: Scales) -> Line:
    best = max(
        (x.trust for x in trial.snapshot.lines if x.trust is not None),
        key=lambda trust: -scales.setting.policy.trust_haircut(trust).initial,
        default=None,
    )
    return Line(id="tried-deposit", group=group, amount=amount, decimals=9, pocket=pool, trust=best)


def _tries(scales: Scales, trial: Trial, pool: str, trading: Trading) -> Callable[[Closure], tuple[Low, int]]:
    """The pool's low figure after a closure, and its cost: by its ledger, or by the engine where it has none."""
    ledger = ledger_of(scales, trial, pool, trading)

    def engine(closure: Closure) -> tuple[Low, int]:
        _, (step,) = execute(scales, trial, pool, (closure,), trading)
        return low_of(step.after.low), step.cost

    def after(closure: Closure) -> tuple[Low, int]:
        if ledger is None:
            return engine(closure)
        try:
            change = ledger.after(closure)
        except BeyondCurves:
            return engine(closure)
        return ledger.weighed(change.total, change.cash), change.cost

    return after


def _closing(
    trial: Trial, act: Act, part: Line | Position, trading: Trading, lacks: Callable[[Closure], int], lacking: int
) -> Closure | None:
    """The least of a part that is enough by itself."""
    most = abs(part.size) if isinstance(part, Position) else max(0, (part.amount or 0) - part.encumbered)
    if most == 0 or part.id in trading.frozen or trial.price(part.group) is None:
        return None

    def probe(amount: int) -> Point:
        left = lacks(Closure(act, part.id, amount))
        return Point(amount, left <= 0, left)

    far = probe(most)
    if not far.turned:
        return None
    return Closure(act, part.id, turning_point(probe, Point(0, turned=False, measure=lacking), far).at)


def cheapest_way(
    scales: Scales,
    trial: Trial,
    pool: str,
    trading: Trading,
    goal: Goal | None = None,
    scenarios: Sequence[Shock] = (),
) -> Proposal | None:
    """
    The reductions and sales of least cost after which nothing is lacking, now and in every scenario.

    Args:
        scenarios: Prices in which the goal must hold as well.

    Returns:
        None where the pool has no low figure or lacks nothing.
    """
    aim = Goal() if goal is None else goal
    shocks = (Shock({}), *scenarios)
    start = scales.pool(trial, pool)
    if not start.low_known or all(_lacks(scales, trial, pool, aim, shock) <= 0 for shock in shocks):
        return None
    if not scenarios:
        quick = _cheaper(scales, trial, pool, trading, aim)
        if quick is not None:
            return quick
    found = [
        _by_programme(scales, trial, pool, trading, aim, shocks),
        _by_rank(scales, trial, pool, trading, aim, shocks),
    ]
    return min((p for p in found if p is not None), key=lambda p: (not p.reached, p.cost, p.by), default=None)


def _cheaper(scales: Scales, trial: Trial, pool: str, trading: Trading, aim: Goal) -> Proposal | None:
    """The better of both as a ledger has them, which the engine then carries out; None where there is no ledger."""
    if ledger_of(scales, trial, pool, trading) is None:
        return None
    ranked = course(scales, trial, pool, trading, aim).closures
    rows: list[tuple[bool, int, str, Sequence[Closure]]] = []
    for closures in _proposed(scales, trial, pool, trading, aim, (Shock({}),)):
        end = _replayed(scales, trial, pool, trading, closures)
        if end is None:
            return None
        if aim.lacks(end[0]) <= 0:
            rows.append((False, end[1], "programme", closures))
            break
    end = _replayed(scales, trial, pool, trading, ranked)
    if end is None:
        return None
    rows.append((aim.lacks(end[0]) > 0, end[1], "ranked plan", ranked))
    short, _, by, chosen = min(rows, key=lambda way: way[:3])
    after, steps = execute(scales, trial, pool, chosen, trading)
    return _proposal(by, scales, after, pool, steps, (Shock({}),), reached=not short)


def _replayed(
    scales: Scales, trial: Trial, pool: str, trading: Trading, closures: Sequence[Closure]
) -> tuple[Low, int] | None:
    """Where closures lead and what they cost, on a ledger; None where only the engine can say."""
    ledger = ledger_of(scales, trial, pool, trading)
    if ledger is None:
        return None
    cost = 0
    try:
        for closure in closures:
            change = ledger.after(closure)
            ledger.commit(change)
            cost += change.cost
    except BeyondCurves:
        return None
    return ledger.low, cost


def _lacks(scales: Scales, trial: Trial, pool: str, aim: Goal, shock: Shock) -> int:
    return aim.lacks(scales.low(trial.at(shock.marks(trial.snapshot)), pool).low)


def _by_programme(
    scales: Scales, trial: Trial, pool: str, trading: Trading, aim: Goal, shocks: Sequence[Shock]
) -> Proposal | None:
    """What is proposed is carried out and weighed; a little more each time it is not enough."""
    for closures in _proposed(scales, trial, pool, trading, aim, shocks):
        found = _replayed(scales, trial, pool, trading, closures)
        if found is not None and aim.lacks(found[0]) > 0:
            continue
        end, steps = execute(scales, trial, pool, closures, trading)
        if all(_lacks(scales, end, pool, aim, shock) <= 0 for shock in shocks):
            return _proposal("programme", scales, end, pool, steps, shocks, reached=True)
    return None


def _proposed(
    scales: Scales, trial: Trial, pool: str, trading: Trading, aim: Goal, shocks: Sequence[Shock]
) -> Iterator[list[Closure]]:
    """Released margin of a sixty-fourth of each part, in each scenario, is what the programme takes for linear; what it
    says is rounded up, and grows.
    """
    part = of_pool(trial.snapshot, pool, scales)
    parts: list[tuple[Act, Line | Position, int]] = [(Act.REDUCE, p, abs(p.size)) for p in part.positions if p.size]
    parts += [(Act.SELL, x, max(0, (x.amount or 0) - x.encumbered)) for x in part.lines if not x.liability]
    parts = [p for p in parts if p[2] > 0 and p[1].id not in trading.frozen and trial.price(p[1].group) is not None]
    if not parts:
        return
    rows: list[list[int]] = [[] for _ in shocks]
    costs = []
    lacking = [_lacks(scales, trial, pool, aim, shock) for shock in shocks]
    after = _tries(scales, trial, pool, trading)
    for act, one, most in parts:
        closure = Closure(act, one.id, max(1, most // SLICE))
        low, cost = after(closure)
        left = [aim.lacks(low)]
        if len(shocks) > 1:
            cut, _ = execute(scales, trial, pool, (closure,), trading)
            left += [_lacks(scales, cut, pool, aim, shock) for shock in shocks[1:]]
        costs.append(cost * most // closure.amount)
        for row, was, now in zip(rows, lacking, left, strict=True):
            row.append((was - now) * most // closure.amount)
    wanted = [max(0, lack) for lack in lacking]
    answer = cheapest_shares(costs, rows, wanted)
    if answer is None:
        return
    for attempt in range(TRIES):
        grown = [min(PPM, charge(share * (PPM + attempt * GROW), PPM)) for share in answer]
        yield [
            Closure(act, one.id, min(most, charge(most * share, PPM)))
            for (act, one, most), share in zip(parts, grown, strict=True)
            if share > 0
        ]


def _by_rank(scales: Scales, trial: Trial, pool: str, trading: Trading, aim: Goal, shocks: Sequence[Shock]) -> Proposal:
    made = plan(scales, trial, pool, trading, aim, force=True)
    reached = all(_lacks(scales, made.trial, pool, aim, shock) <= 0 for shock in shocks)
    return _proposal("ranked plan", scales, made.trial, pool, made.steps, shocks, reached=reached)


def _proposal(
    by: str, scales: Scales, end: Trial, pool: str, steps: Sequence[Step], shocks: Sequence[Shock], *, reached: bool
) -> Proposal:
    cost = Usd(sum(step.cost for step in steps))
    return Proposal(by, tuple(steps), cost, scales.pool(end, pool), reached, len(shocks))


def hedges(scales: Scales, trial: Trial, pool: str) -> tuple[Candidate, ...]:
    """Assets that would lower the pool's risk, most first; those with a past only."""
    made = next((p for p in _reports(scales, trial) if p.name == pool), None)
    if made is None:
        return ()
    money: dict[str, int] = {}
    for one, usd in exposures(trial, made):
        if one.group in trial.snapshot.returns:
            money[one.group] = money.get(one.group, 0) + usd
    return candidates(trial.snapshot.returns, money)


def _reports(scales: Scales, trial: Trial) -> tuple[PocketReport, ...]:
    setting = scales.setting
    return weigh_pools(trial.snapshot, setting.policy, setting.rules, setting.mode)
