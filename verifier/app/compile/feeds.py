"""[[feeds]] into price claims, with what is taken as an answer to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from verifier.app.account_file import FeedPart
from verifier.app.compile.places import Place
from verifier.app.errors import did_you_mean
from verifier.app.problems import Problems
from verifier.claims import PriceClaim
from verifier.errors import VerifierError
from verifier.margin.fixed import MAX_PRICE
from verifier.margin.quotes import Feed
from verifier.positions import Parameter, PositionKind, position
from verifier.prices.source import check_source
from verifier.primitives import parse_hex


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


def _feed(part: FeedPart, place: Place) -> Feed:
    given = {name: _parameter(value) for name, value in part.given.items()}
    how = position(PositionKind(part.feed), **given)
    check_source(how, part.contract)
    claim = PriceClaim(place.network.chain_id, part.group, part.quote, part.contract, how)
    standard = Feed(claim)
    return Feed(
        claim,
        standard.heartbeat if part.heartbeat is None else part.heartbeat,
        0 if part.least is None else _scaled(part.least),
        MAX_PRICE if part.most is None else _scaled(part.most),
        standard.deviation if part.max_deviation is None else part.max_deviation,
    )


def _parameter(value: int | str) -> Parameter:
    if isinstance(value, str) and value.startswith("0x"):
        return parse_hex(value, "a feed's parameter")
    return value


def _scaled(value: Decimal) -> int:
    return int(value.scaleb(18))
