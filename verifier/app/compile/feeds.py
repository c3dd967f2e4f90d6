"""[[feeds]] into price claims, with what is taken as an answer to each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

from verifier.app.account_file import FeedPart
from verifier.app.compile.places import Place
from verifier.app.errors import did_you_mean
from verifier.app.problems import Problems
from verifier.app.quantities import checksummed
from verifier.app.signed_updates import load_updates
from verifier.claims import PriceClaim
from verifier.errors import BadInput, VerifierError
from verifier.margin.fixed import MAX_PRICE
from verifier.margin.quotes import Feed
from verifier.policy import Policy
from verifier.positions import Parameter, PositionKind, position
from verifier.prices.source import check_source
from verifier.primitives import Address, parse_hex

WITHOUT: Final = "none"
"""In place of a sequencer's uptime feed: none is asked, though one is known."""
SIGNED_HEARTBEAT: Final = 60
"""Seconds within which signers of prices speak anew, where the file says nothing else; a contract's feed has a day."""


def compile_feeds(parts: Sequence[FeedPart], places: Mapping[str, Place], problems: Problems) -> tuple[Feed, ...]:
    """All feeds of a file; what is wrong goes to `problems`."""
    found: list[Feed] = []
    for i, part in enumerate(parts):
        place = places.get(part.network)
        if place is None:
            problems.add(("feeds", i, "network"), f"no such network; {did_you_mean(part.network, places)}")
            continue
        try:
            feed = _feed(part, place)
        except VerifierError as error:
            problems.add(("feeds", i, "with"), str(error))
            continue
        if any(feed.claim == other.claim for other in found):
            problems.add(("feeds", i), "the same feed is listed before; a second source must be another one")
        found.append(feed)
    return tuple(found)


def read_updates(parts: Sequence[FeedPart], folder: Path) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    """
    The signed updates in the files that feeds name, each once; and a sentence for each file that has none.

    Their prices are then missing, as where an endpoint does not answer: what is signed is as good as whoever fetches
    it, and one file must not stop the account.
    """
    found: dict[bytes, None] = {}
    faults: dict[str, None] = {}
    for name in dict.fromkeys(part.updates for part in parts if part.updates is not None):
        try:
            found.update(dict.fromkeys(load_updates(folder / name)))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            faults[f"{name} gives no signed updates: {reason or 'it cannot be read'}"] = None
    return tuple(found), tuple(faults)


def unnamed_uptime(feeds: Sequence[Feed], policy: Policy, name_of: Callable[[PriceClaim], str]) -> tuple[str, ...]:
    """Feeds of sequencers that prices are held against and the policy does not name, with the line to add."""
    found: dict[str, None] = {}
    for feed in feeds:
        proxy = dict(feed.claim.how.given).get("sequencer")
        if isinstance(proxy, bytes) and (feed.claim.chain_id, proxy) not in policy.accept_contracts:
            network, line = name_of(feed.claim), checksummed(Address(proxy))
            found[
                f"Chainlink's prices on {network} count only while its sequencer is up, and will be refused: name its "
                f'uptime feed and what that points to, accept_contracts = ["{network}:{line}", …], or do without by '
                f'sequencer = "{WITHOUT}"'
            ] = None
    return tuple(found)


def _feed(part: FeedPart, place: Place) -> Feed:
    given = {name: _parameter(value) for name, value in part.given.items()}
    if part.feed == "chainlink" and place.uptime is not None:
        given.setdefault("sequencer", bytes(place.uptime))
    if given.get("sequencer") == WITHOUT:
        del given["sequencer"]
    how = position(PositionKind(part.feed), **given)
    check_source(how, part.contract)
    if (how.kind is PositionKind.PYTH) != (part.updates is not None):
        raise BadInput("feed.updates", "the file with its signed updates, for a feed of kind pyth only", part.updates)
    claim = PriceClaim(place.network.chain_id, part.group, part.quote, part.contract, how)
    standard = Feed(claim)
    spoken = SIGNED_HEARTBEAT if how.kind is PositionKind.PYTH else standard.heartbeat
    return Feed(
        claim,
        spoken if part.heartbeat is None else part.heartbeat,
        0 if part.least is None else _scaled(part.least),
        MAX_PRICE if part.most is None else _scaled(part.most),
        standard.deviation if part.max_deviation is None else part.max_deviation,
        standard.interval if part.max_interval is None else part.max_interval,
    )


def _parameter(value: int | str) -> Parameter:
    if isinstance(value, str) and value.startswith("0x"):
        return parse_hex(value, "a feed's parameter")
    return value


def _scaled(value: Decimal) -> int:
    return int(value.scaleb(18))
