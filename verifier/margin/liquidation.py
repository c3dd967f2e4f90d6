"""The plan that restores solvency: which parts are closed, in which order, and how much of each.

The course is found on a desk (`liquidation_course.py`); the engine carries it out and says what each step costs and
where it leads.

Source: margin reference, sections 12.1 and 12.2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from verifier.margin.fixed import Usd
from verifier.margin.liquidation_course import End, course
from verifier.margin.liquidation_goal import Goal
from verifier.margin.liquidation_steps import Closure, Step, Trading, execute
from verifier.margin.trial import Pool, Scales, Trial


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order, and where they lead.

    Attributes:
        before, after: The pool at either end.
        lacking: What equity lacked of the goal at the start.
        cost: Sum of the steps' costs.
        shortfall: What insurance or loss sharing must bear.
        trial: The account after the last step; `start` before the first.
    """

    pool: str
    goal: Goal
    end: End
    steps: tuple[Step, ...]
    before: Pool
    after: Pool
    lacking: Usd
    cost: Usd
    shortfall: Usd
    trial: Trial
    start: Trial

    @property
    def closures(self) -> tuple[Closure, ...]:
        """What was done, for `execute`."""
        return tuple(step.closure for step in self.steps)


def plan(
    scales: Scales, trial: Trial, pool: str, trading: Trading, goal: Goal | None = None, *, force: bool = False
) -> Plan:
    """
    The steps that bring a failing pool to its goal.

    Args:
        force: Plan also for a pool that does not fail, as the cheapest way down to the goal.
    """
    aim = Goal() if goal is None else goal
    before = scales.pool(trial, pool)
    if not before.low_known:
        return _made(pool, aim, End.UNKNOWN, [], before, before, (trial, trial))
    if not (before.fails or force) or aim.lacking(before.low) <= 0:
        return _made(pool, aim, End.HEALTHY, [], before, before, (trial, trial))
    found = course(scales, trial, pool, trading, aim)
    after, steps = execute(scales, trial, pool, found.closures, trading)
    state = steps[-1].after if steps else before
    return _made(pool, aim, found.end, list(steps), before, state, (trial, after))


def _made(
    pool: str, goal: Goal, end: End, steps: list[Step], before: Pool, after: Pool, trials: tuple[Trial, Trial]
) -> Plan:
    lacking = Usd(max(0, goal.lacking(before.low))) if before.low_known else Usd(0)
    cost = Usd(sum(step.cost for step in steps))
    shortfall = Usd(max(0, -after.low.equity)) if end is End.DEFICIT else Usd(0)
    return Plan(pool, goal, end, tuple(steps), before, after, lacking, cost, shortfall, trials[1], trials[0])


def calmed(trading: Trading) -> Trading:
    """The same with marks that stay: for a loop that sets them itself."""
    return replace(trading, moves_marks=False)
