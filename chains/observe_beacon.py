"""What several beacon endpoints say at once: the newest finality of all of them, and a checkpoint that they agree on.

One endpoint can withhold what is newest, never forge it: so all are asked, each answer is proven, and the newest that
holds is taken. An answer that contradicts another with a good signature stops the client (`Misbehaviour`).

A checkpoint that endpoints name is the word of those who named it, and no more. It is asked for only where the checker
says so in so many words, and counted by operator, as an observation of a block is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar, cast

from chains.driver import Clock, Desk, drive
from chains.endpoint import by_operator
from chains.errors import FetchError, Unobserved
from verifier.consensus.committee import two_thirds
from verifier.consensus.containers import NO_HEADER, Update
from verifier.consensus.descent import final_in, final_of
from verifier.consensus.questions import AskAttested, AskCanonical, AskFinality, AskFinalizedRoot
from verifier.consensus.validate import validate_update
from verifier.errors import FromTheFuture, Misbehaviour, VerifierError
from verifier.flow import Ask
from verifier.gather_light import Followed, accept_attested, accept_finality, hold_apart
from verifier.network import Network
from verifier.primitives import ChainId, Hash32, Timestamp
from verifier.trust import Checkpoint

if TYPE_CHECKING:
    from chains.beacon import BeaconLine

A = TypeVar("A")

HOLD_SECONDS: Final = 15.0
"""For holding final headers apart: whoever hangs delays that, and keeps nobody from what is signed."""


async def ask_everyone(desk: Desk, chain: ChainId, question: Ask[A]) -> list[tuple[BeaconLine, A | FetchError]]:
    """What each beacon endpoint of a network answers, judged by nobody yet; in the order configured."""
    lines: Sequence[BeaconLine] = desk.beacons.get(chain, ())
    until = desk.deadline(chain)
    asked = [cast("Ask[object]", question)]
    answers = await asyncio.gather(*(line.answer(asked, until) for line in lines))
    return [(line, cast("A | FetchError", answer)) for line, (answer,) in zip(lines, answers, strict=True)]


async def newest_finality(desk: Desk, held: Followed, clock: Clock) -> Followed:
    """
    The client after the newest honest finality update of all endpoints; as it was where none has a newer one.

    Endpoints whose update does not hold are marked. Silence is not an error here: what is missing shows as age.

    Args:
        clock: The checker's; asked once the answers are in, since what is newest is often signed while a run goes on.

    Raises:
        Misbehaviour: Two good signatures contradict each other.
    """
    chain, begun = held.state.config.chain_id, held
    answers = await ask_everyone(desk, chain, AskFinality(chain_id=chain))
    now = clock()
    found = [(line, update) for line, update in answers if isinstance(update, Update)]
    # The older first: a newer one that passes over a contradiction would hide it.
    for line, update in sorted(found, key=lambda entry: entry[1].finalized.slot):
        try:
            held = accept_finality(held, update, now)
        except Misbehaviour:
            raise
        except FromTheFuture:
            continue  # our clock may be behind by a slot, and says so elsewhere
        except VerifierError as error:
            line.behaviour.note_lie(error)
    await _hold_apart(desk, begun, held, [update for _, update in found], now)
    return held


async def _hold_apart(desk: Desk, begun: Followed, held: Followed, seen: Sequence[Update], now: Timestamp) -> None:
    """
    Hold the newest final header against every other that was shown: the one before it, and those of other endpoints.

    Raises:
        Misbehaviour: Two of them are on different branches.
    """
    newest, before = final_of(held.state), final_of(begun.state)
    others = [before]
    for update in seen:
        named = update.finalized.beacon
        if named not in {newest.header, before.header} and _is_valid(begun, update, now):
            others.append(final_in(update))
    # Not wait_for: before Python 3.12 it drops a cancellation that comes as its awaitable ends.
    with suppress(TimeoutError):
        async with asyncio.timeout(HOLD_SECONDS):
            await drive(hold_apart(newest, others, held.state.config), desk)


def _is_valid(held: Followed, update: Update, now: Timestamp) -> bool:
    """Whether an update shows a final header; nobody is stopped by a forgery."""
    state = held.state
    try:
        validate_update(state.view, update, state.config.slot_at(now), two_thirds(state.current.size))
    except VerifierError:
        return False
    return update.has_finality and update.finalized != NO_HEADER


async def newest_attested(desk: Desk, held: Followed, clock: Clock) -> Followed:
    """The same with the newest honest optimistic update of all endpoints."""
    chain = held.state.config.chain_id
    answers = await ask_everyone(desk, chain, AskAttested(chain_id=chain))
    newest, now = held, clock()
    for line, update in answers:
        if not isinstance(update, Update) or update.attested.slot <= newest.state.newest.slot:
            continue
        try:
            newest = accept_attested(held, update, now)
        except Misbehaviour:
            raise
        except FromTheFuture:
            continue
        except VerifierError as error:
            line.behaviour.note_lie(error)
    return newest


async def observe_checkpoint(network: Network, desk: Desk, k: int, *, now: Timestamp) -> Checkpoint:
    """
    A finalized beacon block that at least k distinct operators hold for canonical.

    Each names its newest finalized block; each is then asked of the blocks that the others named, since they need not
    be equally far. The one that most operators stand behind is taken.

    Raises:
        Unobserved: Fewer than k operators stand behind any.
    """
    chain = network.chain_id
    named = await ask_everyone(desk, chain, AskFinalizedRoot(chain_id=chain))
    roots = list(dict.fromkeys(Hash32(root) for _, root in named if isinstance(root, bytes)))
    behind: dict[Hash32, list[BeaconLine]] = {}
    for root in roots:
        answers = await ask_everyone(desk, chain, AskCanonical(chain_id=chain, root=root))
        behind[root] = [line for line, said in answers if said is True]
    counted = {root: frozenset(by_operator(lines)) for root, lines in behind.items()}
    best = max(counted, key=lambda root: len(counted[root]), default=None)
    if best is None or len(counted[best]) < k:
        failures = tuple((line.name, said.reason) for line, said in named if isinstance(said, FetchError))
        raise Unobserved(network.name, k, 0 if best is None else len(counted[best]), failures)
    return Checkpoint(chain, best, counted[best], k, now)
