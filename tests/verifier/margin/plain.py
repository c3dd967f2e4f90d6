"""The plain slow path, as an oracle: every trial is weighed whole, and no figure is taken from a curve or a ledger."""

from __future__ import annotations

from verifier.margin.buckets import Bucket
from verifier.margin.curves import LineCurve, PerpCurve
from verifier.margin.group_curve import GroupCurve
from verifier.margin.parts import Part, part_of
from verifier.margin.report import weigh_pools
from verifier.margin.snapshot import Line, Position, Snapshot
from verifier.margin.trial import Pool, Scales, Trial, _only, _with_cash


class PlainScales(Scales):
    """Asks the engine for everything, and remembers nothing."""

    def weigh(self, trial: Trial) -> tuple[Pool, ...]:
        setting = self.setting
        made = weigh_pools(trial.snapshot, setting.policy, setting.rules, setting.mode)
        return tuple(_with_cash(part_of(report), trial.cash) for report in made)

    def lows(self, trial: Trial) -> dict:
        from verifier.margin.curves import PoolLow, low_of

        return {pool.name: PoolLow(pool.low_known, low_of(pool.low)) for pool in self.weigh(trial)}

    def low_of_group(self, snapshot: Snapshot, bucket: Bucket, pool: str) -> tuple:
        return self._engine_low(snapshot, bucket, pool)

    def curve(self, snapshot: Snapshot, bucket: Bucket, pool: str) -> GroupCurve | None:
        return None

    def perp_curve(self, snapshot: Snapshot, position: Position) -> PerpCurve | None:
        return None

    def line_curve(self, snapshot: Snapshot, line: Line) -> LineCurve | None:
        return None

    def _group(self, snapshot: Snapshot, bucket: Bucket) -> tuple[Part, ...]:
        from dataclasses import replace

        return self._alone(replace(snapshot, **_only(bucket.lines, bucket.positions, bucket.orders)))

    def _position(self, snapshot: Snapshot, position: Position) -> Part:
        self._kept.clear()
        return super()._position(snapshot, position)
