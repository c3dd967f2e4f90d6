"""OP Stack rollups with dispute games: the root of a game that the anchor state registry holds to be valid.

Who could forge a root: whoever gets a false claim through its game unchallenged, or breaks its proof system, while the
guardian does not blacklist it within the delay; the guardian and the owners of the proxies at any time. For the
permissioned types one proposer, whom only the guardian checks.

The registry's own rule is reproduced in full, from words of one parent state: the factory made the game from this very
claim (1); the registry belongs to this factory, and is the portal's where that is pinned (2); the game is not
blacklisted (3), was created strictly after the retirement time (4), and the system is not paused (5); its type was
respected when it was created (6); it resolved for the defender (7), and strictly longer ago than the delay (8). A game
in progress, or in the delay, is `proposed`.

Two generations differ in where the rules stand: since the registry took them over, in its slots; before, in those of
the portal (`op_portal`), where the *present* respected type counts, and the time since when it is respected.

Preimages: game type (4 bytes) ‖ message passer's storage root (32) ‖ for a proposed root that is to count, the other
games of its time (`op_rivals`); the game's extra data; the game's code; for such a root whose game builds on another
one, the games of its line (`op_parents`); then, where the registry's own judgement is asked for too, the code that its
function runs. Both ways have to agree; where the registry's code is not reviewed, only the second counts, for a policy
that names the registry.

Source: AnchorStateRegistry.isGameClaimValid and layouts of op-contracts v6, as base/contracts publishes them;
OptimismPortal2.checkWithdrawal of contracts-bedrock 0.17.
"""

from __future__ import annotations

from collections.abc import Sequence

from verifier.errors import BadInput, MissingEvidence, NotSettled
from verifier.headers.decode import Header
from verifier.primitives import Address, to_hex
from verifier.proven import ProvenHeader
from verifier.settlement.op_bound import Game, bases, bound_game, disputes, open_points
from verifier.settlement.op_judged import registry_says
from verifier.settlement.op_parents import Line, builds_on, line_of
from verifier.settlement.op_rivals import rivals
from verifier.settlement.op_rules import (
    PORTAL_BLACKLIST,
    PORTAL_FACTORY,
    REGISTRY_BLACKLIST,
    REGISTRY_FACTORY,
    is_respected,
    is_the_portals,
    not_blacklisted,
    not_paused,
    not_retired,
    points_to_factory,
    superchain_runs,
    was_respected,
)
from verifier.settlement.proposed import Proposal
from verifier.settlement.scheme import Case, Verdict, check_code, rollup_header, settle, settled_header
from verifier.trust import Settlement


def verify(case: Case, rlp: bytes, preimages: Sequence[bytes]) -> ProvenHeader:
    """
    Establish a rollup's header by the dispute game whose claim commits to it, under the registry's rules.

    Args:
        rlp: Untrusted; the header of the claim's block.
        preimages: Untrusted; see the module.

    Raises:
        NotThere: The factory made no game of this claim.
        NotSettled: The game, or the whole system, is in a state in which the claim does not count.
        UnreviewedCode: A contract runs code that was not reviewed, and the policy does not name it.
        Denied: The policy denies the game, its claim or the header.
        WrongBinding, WrongHash, Malformed, ProofError, Unsupported: The evidence is about something else.
    """
    header = rollup_header(case, rlp)
    game, reviewed = bound_game(case, header, preimages[:3])
    registry = case.contract("registry")
    above, codes = _above(case, game, preimages[3:])
    if not check_code(case, "registry", registry):
        return _by_its_own_word(case, header, game, registry, codes)
    found = _by_rules(case, header, game, registry, above, reviewed=reviewed)
    return _agreed(case, found, game, registry, codes)


def _above(case: Case, game: Game, rest: Sequence[bytes]) -> tuple[bytes, Sequence[bytes]]:
    """Evidence of the games that a proposed game builds on, where it is to count; then what follows."""
    return (b"".join(rest[:1]), rest[1:]) if game.others and builds_on(case, game) else (b"", rest)


def _by_rules(
    case: Case, header: Header, game: Game, registry: Address, above: bytes, *, reviewed: bool
) -> ProvenHeader:
    reviewed &= is_the_portals(case, registry)
    points_to_factory(case, registry, REGISTRY_FACTORY)
    not_blacklisted(case, registry, REGISTRY_BLACKLIST, game.record.address)
    not_retired(case, registry, game)
    reviewed &= not_paused(case, registry)
    was_respected(case, game)
    points = open_points(case, game)
    line = line_of(case, header, game, registry, above) if points and above else None
    reviewed &= line is None or line.reviewed
    return _judged(case, header, game, points, line, reviewed=reviewed)


def _agreed(case: Case, found: ProvenHeader, game: Game, registry: Address, codes: Sequence[bytes]) -> ProvenHeader:
    """What the rules found, held against the registry's own judgement where its code is at hand."""
    if codes:
        valid, _ = registry_says(case, registry, game.record.address, codes)
        if valid != (found.trust.settlement is Settlement.SETTLED):
            told = "valid" if valid else "not valid"
            where = case.at.where.at(address=registry)
            raise NotSettled(where, "the registry's own judgement", str(found.trust.settlement), told)
    return found


def _by_its_own_word(case: Case, header: Header, game: Game, registry: Address, codes: Sequence[bytes]) -> ProvenHeader:
    """The registry's judgement alone: settled or not at all, on code that nobody reviewed."""
    if not codes:
        where = case.at.where.at(address=registry)
        raise MissingEvidence(where, "the registry's own judgement, which alone counts for code that is not reviewed,")
    valid, _ = registry_says(case, registry, game.record.address, codes)
    points = () if valid else ("the registry does not hold its claim valid yet",)
    return _concluded(case, header, game, points, reviewed=False)


def verify_portal(case: Case, rlp: bytes, preimages: Sequence[bytes]) -> ProvenHeader:
    """As `verify`, under the rules of the older generation, which stand in the portal."""
    header = rollup_header(case, rlp)
    game, reviewed = bound_game(case, header, preimages)
    portal = case.contract("portal")
    reviewed &= check_code(case, "portal", portal)
    points_to_factory(case, portal, PORTAL_FACTORY)
    not_blacklisted(case, portal, PORTAL_BLACKLIST, game.record.address)
    is_respected(case, portal, game)
    reviewed &= superchain_runs(case, portal)
    return _judged(case, header, game, open_points(case, game), None, reviewed=reviewed)


def _judged(
    case: Case, header: Header, game: Game, points: tuple[str, ...], line: Line | None, *, reviewed: bool
) -> ProvenHeader:
    proposal = _proposal(case, header, game, line) if points else None
    return _concluded(case, header, game, points, reviewed=reviewed, proposal=proposal)


def _proposal(case: Case, header: Header, game: Game, line: Line | None) -> Proposal:
    """What speaks against a game that is not final, and what is not shown."""
    line = line or Line((game,), header.timestamp, (), not builds_on(case, game), reviewed=True)
    against, unshown = [*disputes(case, game), *line.against], list[str]()
    if not line.whole:
        unshown.append("that the game it builds on stands")
    elif game.others:
        ours = {one.record.address: one.claim for one in line.games}
        against += rivals(case, line.since, ours, game.others)
    else:
        unshown.append("what other games the factory made since the block")
    return Proposal(header.hash, case.now - game.record.created, tuple(against), tuple(unshown))


def _concluded(
    case: Case,
    header: Header,
    game: Game,
    points: tuple[str, ...],
    *,
    reviewed: bool,
    proposal: Proposal | None = None,
) -> ProvenHeader:
    if game.others and proposal is None:
        raise BadInput("the other games of its time", "none beside a game that is settled", game.others)
    verdict = Verdict(
        word=game.word,
        entry=f"dispute game {to_hex(game.record.address)} of type {game.claim.game_type} ({game.kind.name})",
        root=game.claim.root,
        since=game.record.created,
        open_points=points,
        bases=bases(case, game),
        reviewed=reviewed,
        proposal=proposal,
    )
    return settled_header(header, settle(case, verdict))
