"""Proven and signed prices into quotes: held against what the checker expects of each, led to USD leg by leg, and
against one another.

What the account file asks for is all that counts: a price in a bundle that nobody asked for is not looked at. A price
that is too old for its feed, outside of its band, without a leg to USD, or at odds with a second source gives no
quote; what is then without a price is weighed as such.

Source: margin reference, sections 4 and 19.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from verifier.claims import PriceClaim
from verifier.errors import BadInput
from verifier.margin.declared import DeclaredPrice
from verifier.margin.fixed import MAX_PRICE, Price
from verifier.margin.snapshot import Quote
from verifier.policy import PPM
from verifier.primitives import Timestamp, to_hex
from verifier.proven import ProvenPrice, SignedPrice

USD: Final = "USD"
ONE: Final = 10**18
MOST_LEGS: Final = 4
Answer = ProvenPrice | SignedPrice
"""A price that the verifier established, or established that it was signed."""


@dataclass(frozen=True, slots=True)
class Feed:
    """
    A price that the checker asks for, and what it takes as an answer.

    Attributes:
        heartbeat: Seconds within which the feed speaks at least once; an older answer is one that it missed.
        least, most: The band outside of which no answer can be true, in 1e-18 of the quote.
        deviation: How far apart two sources of one group may be, in ppm.
        interval: How far off its own signers may say a price is, in ppm of it.
    """

    claim: PriceClaim
    heartbeat: int = 86_400
    least: int = 0
    most: int = MAX_PRICE
    deviation: int = 50_000
    interval: int = 20_000

    def __post_init__(self) -> None:
        if not 0 <= self.least < self.most <= MAX_PRICE:
            raise BadInput("feed.band", "0 <= least < most <= 10^12", (self.least, self.most))
        if self.heartbeat < 1 or not 0 < self.deviation <= PPM:
            raise BadInput("feed", "a heartbeat of a second or more, and a deviation up to 100 %", self.heartbeat)
        if not 0 <= self.interval < PPM:
            raise BadInput("feed.max_interval", "less than 100 %", self.interval)
        if self.claim.group == self.claim.quote:
            raise BadInput("feed.quote", "another group, or USD", self.claim.quote)


@dataclass(frozen=True, slots=True)
class Quotes:
    """Quotes in USD by group, and for each feed that gives none, why."""

    by_group: Mapping[str, Quote]
    unusable: Mapping[PriceClaim, str] = field(default_factory=dict)


def resolve(
    feeds: Sequence[Feed], found: Sequence[Answer], declared: Sequence[DeclaredPrice], as_of: Timestamp
) -> Quotes:
    """
    One quote in USD for each group that has one.

    A proven price stands before a signed one, and that before a declared one. Where a group has several, declared ones
    of its feed's age included, and they are further apart than the feeds allow, the group has no quote: which of them
    is wrong cannot be told.
    Nor has it one where none of its feeds gives one: whoever withholds a proof, or a feed that left its band, must not
    bring back the price that was typed in.
    """
    typed = {p.group: Quote(p.price, p.at, p.source, p.stable, p.confidence) for p in declared}
    answers = {price.claim: price for price in found}
    unusable: dict[PriceClaim, str] = {}
    good: dict[str, list[tuple[Feed, Answer]]] = {}
    for feed in feeds:
        answer = answers.get(feed.claim)
        why = _fault(feed, answer, as_of)
        if why or answer is None:
            unusable[feed.claim] = why
        else:
            good.setdefault(feed.claim.group, []).append((feed, answer))
    asked = {feed.claim.group for feed in feeds}
    walk = _Walk(good, {group: quote for group, quote in typed.items() if group not in asked}, typed, unusable)
    groups = {*good, *typed}
    quotes = {group: quote for group in sorted(groups) if (quote := walk.usd(group, ())) is not None}
    return Quotes(MappingProxyType(quotes), MappingProxyType(unusable))


def _fault(feed: Feed, answer: Answer | None, as_of: Timestamp) -> str:
    """Why an answer is not taken; nothing where it is."""
    if answer is None:
        return "it was not proven"
    age = as_of - answer.at
    if age > feed.heartbeat:
        return f"its answer is {age} s old, and it speaks every {feed.heartbeat} s"
    if not feed.least < answer.price < feed.most:
        return f"its answer {answer.price} is outside of {feed.least} to {feed.most}"
    if _interval(answer) > feed.interval:
        return f"its signers say it may be {_interval(answer)} ppm off, beyond {feed.interval}"
    return ""


def _interval(answer: Answer) -> int:
    """How far off a price may be by its signers' own word, in ppm of it, rounded up; what is proven has none."""
    return 0 if isinstance(answer, ProvenPrice) else -(-answer.interval * PPM // answer.price)


class _Walk:
    """From group to group until USD, each once."""

    def __init__(
        self,
        good: Mapping[str, list[tuple[Feed, Answer]]],
        alone: Mapping[str, Quote],
        typed: Mapping[str, Quote],
        unusable: dict[PriceClaim, str],
    ) -> None:
        self.good, self.alone, self.typed, self.unusable = good, alone, typed, unusable
        self.known: dict[str, Quote | None] = {}

    def usd(self, group: str, way: tuple[str, ...]) -> Quote | None:
        """A group's quote; None where it has none, or only in a circle."""
        if group in way or len(way) >= MOST_LEGS:
            return None
        if group not in self.known:
            self.known[group] = self._usd(group, (*way, group))
        return self.known[group]

    def _usd(self, group: str, way: tuple[str, ...]) -> Quote | None:
        sources = sorted(self.good.get(group, ()), key=lambda source: isinstance(source[1], SignedPrice))
        found: list[tuple[Feed, Quote]] = []
        for feed, answer in sources:
            quote = self._leg(feed, answer, way)
            if quote is not None:
                found.append((feed, quote))
        if not sources:
            return self.alone.get(group)
        if not found:
            return None
        prices = [quote.price for _, quote in found]
        beside = self.typed.get(group)
        if beside is not None and abs(found[0][1].at - beside.at) <= found[0][0].heartbeat:
            prices.append(beside.price)
        allowed = min(feed.deviation for feed, _ in found)
        apart = (max(prices) - min(prices)) * PPM // min(prices)
        if apart > allowed:
            self.unusable.update(
                {feed.claim: f"its sources are {apart} ppm apart, beyond {allowed}" for feed, _ in found}
            )
            return None
        return found[0][1]

    def _leg(self, feed: Feed, answer: Answer, way: tuple[str, ...]) -> Quote | None:
        source, interval = _source(feed, answer), _interval(answer)
        if feed.claim.quote == USD:
            return Quote(Price(answer.price), answer.at, source, interval=interval)
        base = self.usd(feed.claim.quote, way)
        if base is None:
            self.unusable[feed.claim] = f"it is priced in {feed.claim.quote}, which has no price in USD"
            return None
        price = answer.price * base.price // ONE
        if not 0 < price <= MAX_PRICE:
            self.unusable[feed.claim] = f"its price in USD is {price}, which no price can be"
            return None
        text = f"{source}, {feed.claim.quote} by {base.source}"
        both = interval + base.interval + -(-interval * base.interval // PPM)
        return Quote(Price(price), Timestamp(min(answer.at, base.at)), text, interval=both)


def _source(feed: Feed, answer: Answer) -> str:
    how, network = feed.claim.how.kind.value, answer.header.network.name
    if isinstance(answer, ProvenPrice):
        return f"proven: {how} {to_hex(feed.claim.contract)} on {network}"
    return f"signed, not proven: {how} by {len(answer.signed_by)} of {answer.size} guardians of set {answer.number}"
