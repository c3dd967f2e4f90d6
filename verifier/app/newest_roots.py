"""How old the newest root is that a rollup's parent settles, and beside it the newest that is only posted.

Both are found by the scheme's asking half and proven under a block of the parent: pinned, by a light client, or, where
the checker has neither, as its own endpoints say it. The answer shows which. Ages are by the parent's clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich.table import Table

from chains.driver import Desk, drive
from verifier.app.compile import NetworkSpec
from verifier.app.desks import desk_of, lights_of
from verifier.app.exit_codes import Exit
from verifier.app.following import Shelf
from verifier.app.gathering import anchors_of
from verifier.app.json_view import Json, failure_json, time_json
from verifier.app.quantities import rfc3339
from verifier.app.report.escape import clean
from verifier.app.report.tables import listing, span
from verifier.checker import Checker
from verifier.errors import VerifierError
from verifier.flow import Answer, Ask, AskReach, Unanswered
from verifier.network import SettledOn
from verifier.policy import Policy
from verifier.primitives import Timestamp, to_hex
from verifier.proven import ProvenHeader, ProvenSettlement, trail
from verifier.settlement import gather_settlement
from verifier.settlement.reach import check_reach
from verifier.trust import Anchor, Settlement

Failure = Unanswered | VerifierError


@dataclass(frozen=True, slots=True)
class RootAge:
    """
    The newest root of one grade.

    Attributes:
        header: The rollup's block that the root is of.
        unserved: Why no endpoint proves state of that block; None where one does.
    """

    header: ProvenHeader
    settlement: ProvenSettlement
    unserved: str | None


@dataclass(frozen=True, slots=True)
class NewestRoots:
    """
    What a rollup's parent holds, each part or why it could not be had.

    Attributes:
        parent: The parent's block under which it was proven; None where there is none, as `settled` then says.
    """

    now: Timestamp
    parent: ProvenHeader | None
    settled: RootAge | Failure
    proposed: RootAge | Failure


def newest_roots(spec: NetworkSpec, *, now: Timestamp, seconds: float, shelf: Shelf | None) -> NewestRoots | None:
    """What a rollup's parent holds as of now; None for a network that settles on no other."""
    if not isinstance(spec.network.rooted_by, SettledOn):
        return None
    # What is found is shown with its anchor, whatever the checker's policy would count.
    policy = replace(spec.policy, anchors=frozenset(Anchor), max_head_lag=now, max_age=now)
    checker = Checker(spec.roots, spec.networks, {}, policy, now, consensus=spec.beacon.configs)
    return asyncio.run(_asked(spec, spec.network.rooted_by, checker, seconds, shelf))


async def _asked(
    spec: NetworkSpec, rooted: SettledOn, checker: Checker, seconds: float, shelf: Shelf | None
) -> NewestRoots:
    async with desk_of(spec, seconds) as desk:
        lights = lights_of(spec, desk, checker, shelf)
        try:
            above = spec.networks[rooted.parent]
            parent = (await anchors_of(checker.now, desk, checker, above, lights)).header
        except (Unanswered, VerifierError) as error:
            return NewestRoots(checker.now, None, error, error)
        settled = await _one(spec, desk, parent, checker.policy)
        # No settled root is new enough to stand in for a posted one: then its own failure is the answer.
        looking = replace(checker.policy.looking(), max_head_lag=0)
        return NewestRoots(checker.now, parent, settled, await _one(spec, desk, parent, looking))


async def _one(spec: NetworkSpec, desk: Desk, parent: ProvenHeader, policy: Policy) -> RootAge | Failure:
    try:
        flow = gather_settlement(spec.network, parent, Timestamp(parent.timestamp), policy)
        header = (await drive(flow, _Untried(desk))).header
        (settlement,) = (
            step for step in trail(header) if isinstance(step, ProvenSettlement) and step.network == spec.network
        )
    except (Unanswered, VerifierError) as error:
        return error
    try:
        await drive(check_reach(spec.network, header), desk)
    except Unanswered as error:
        return RootAge(header, settlement, str(error))
    return RootAge(header, settlement, None)


@dataclass(frozen=True, slots=True)
class _Untried:
    """Endpoints that are not asked whether they prove state: how old a root is does not hang on that."""

    desk: Desk

    async def answer(self, questions: Sequence[Ask[object]]) -> Sequence[Answer]:
        """As the desk answers; a trial is passed over, and nothing of its answer is used."""
        asked = [question for question in questions if not isinstance(question, AskReach)]
        found = iter(await self.desk.answer(asked))
        return [() if isinstance(question, AskReach) else next(found) for question in questions]


def exit_of(found: NewestRoots) -> Exit:
    """
    What a probe ends with on account of the settled root: an account on this rollup would fare no better.

    That nothing is settled yet is no failure of anyone, and what is only posted counts nowhere.
    """
    root = found.settled
    if isinstance(root, RootAge):
        return Exit.OK if root.unserved is None else Exit.INCOMPLETE
    return Exit.INCOMPLETE if isinstance(root, Unanswered) and not root.lied else Exit.REFUSED


# --- shown -----------------------------------------------------------------------------------------------


def roots_json(found: NewestRoots) -> Json:
    """What was found, in the shape of docs/schema/probe.json."""
    parent = found.parent
    under: Json | None = None
    if parent is not None:
        under = {
            "network": parent.network.name,
            **_block(parent),
            "anchor": parent.trust.anchor.value,
            "behind_clock": max(0, found.now - parent.timestamp),
        }
    return {
        "parent": under,
        "settled": _root_json(found, found.settled, Settlement.SETTLED),
        "proposed": _root_json(found, found.proposed, Settlement.PROPOSED),
    }


def _root_json(found: NewestRoots, root: RootAge | Failure, wanted: Settlement) -> Json:
    if not isinstance(root, RootAge):
        return {"status": "missing" if isinstance(root, Unanswered) else "refused", "refusal": failure_json(root)}
    if root.settlement.settlement is not wanted:
        return {"status": "none", "refusal": None}
    since = root.settlement.since
    return {
        "status": "proven",
        "refusal": None,
        **_block(root.header),
        "age": age_of(found, root),
        "since": None if since is None else time_json(since),
        "entry": clean(root.settlement.entry),
        "open_points": [clean(point) for point in root.settlement.open_points],
        "bases": sorted(basis.value for basis in root.settlement.trust.bases),
        "state_proofs": root.unserved is None,
        "unserved": None if root.unserved is None else clean(root.unserved),
    }


def _block(header: ProvenHeader) -> Json:
    return {"block": int(header.number), "hash": to_hex(header.hash), "time": time_json(header.timestamp)}


def age_of(found: NewestRoots, root: RootAge) -> int:
    """Seconds from the root's block to the parent's, whose time is the clock of settlement."""
    return 0 if found.parent is None else max(0, found.parent.timestamp - root.header.timestamp)


def roots_table(found: NewestRoots) -> Table:
    """The same for people."""
    return listing(["newest root", ""], [[name, text] for name, text in _rows(found)])


def _rows(found: NewestRoots) -> Iterator[tuple[str, str]]:
    parent = found.parent
    if parent is not None:
        at = f"block {parent.number} of {parent.network.name}, {rfc3339(parent.timestamp)}"
        yield "proven under", f"{at}, anchor {parent.trust.anchor.value}"
    for wanted, root in ((Settlement.SETTLED, found.settled), (Settlement.PROPOSED, found.proposed)):
        if not isinstance(root, RootAge):
            yield wanted.value, f"{type(root).__name__}: {clean(str(root))}"
            continue
        if root.settlement.settlement is not wanted:
            yield wanted.value, "none is newer than the settled one" if wanted is Settlement.PROPOSED else "none yet"
            continue
        yield wanted.value, _words(found, root)
        if root.unserved is not None:
            yield f"{wanted.value}, its state", clean(root.unserved)


def _words(found: NewestRoots, root: RootAge) -> str:
    at = f"{span(age_of(found, root))} old: block {root.header.number}, {rfc3339(root.header.timestamp)}"
    points = "; ".join([*root.settlement.open_points, *root.settlement.shown])
    bases = ", ".join(sorted(root.settlement.trust.bases))
    return f"{at}; {clean(root.settlement.entry)}{f' ({clean(points)})' if points else ''}; resting on {bases}"
