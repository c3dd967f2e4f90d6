"""Which dispute game is gathered for a moment: of settled ones and of open ones, before it and after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.simulators.rollup import NOW, Contract, array, entry, header, word
from tests.simulators.world import EMPTY_TRIE
from tests.verifier.settlement.games import DELAY, GameWorld, clone_code, output_root, uuid
from tests.verifier.settlement.test_asking import Answers, gather
from tests.verifier.settlement.test_proposed import TAKEN
from verifier.errors import NotSettled
from verifier.policy import STRICT, Policy, ProposedRule
from verifier.primitives import Address
from verifier.settlement.op_told import COUNT, LATEST, RESPECTED
from verifier.trust import Settlement

DAY = 86_400


class Games(GameWorld):
    """A registry with the games of a test: block number, block's age, game's age, and whether it was settled, in days."""

    def __init__(self, *told: tuple[int, float, float, bool]) -> None:
        super().__init__()
        self.words["portal"].pop(59)  # the rules of the older generation do not hold here
        factory, registry = self.words["factory"], self.words["registry"]
        registry[6] = 1 << 32 | 8
        self.headers: list[bytes] = []
        self.numbers: list[int] = []
        self.told: list[tuple[int, bytes, bytes]] = []
        for i, (number, block, made, settled) in enumerate(sorted(told, key=lambda one: -one[2])):
            raw = header(number, int(NOW - block * DAY))
            claim, extra, created = output_root(raw, passer=EMPTY_TRIE), word(number), int(NOW - made * DAY)
            at = bytes([0xB0 + i]) * 20
            record = 8 << 224 | created << 160 | int.from_bytes(at, "big")
            factory[entry(uuid(8, claim, extra), 103)] = factory[array(104, i)] = record
            state = created | 1 << 136 | (NOW - DELAY - 1 << 64 | 2 << 128) * settled
            self.parent.contracts[Address(at)] = Contract({0: state, 10: 1}, clone_code(claim, extra))
            self.headers.append(raw)
            self.numbers.append(number)
            self.told.append((record, claim, extra))
        factory[104] = len(self.told)

    def said(self, data: bytes) -> bytes | None:
        if data[:4] == COUNT:
            return word(len(self.told))
        if data[:4] == RESPECTED:
            return word(8)
        assert data[:4] == LATEST
        bodies = [
            word(i) + word(record) + word(record >> 160 & (1 << 64) - 1) + claim + word(160) + word(32) + extra
            for i, (record, claim, extra) in reversed([*enumerate(self.told)])
        ]
        offsets = b"".join(word(32 * len(bodies) + len(bodies[0]) * i) for i in range(len(bodies)))
        return word(32) + word(len(bodies)) + offsets + b"".join(bodies)

    def found(self, days: float, policy: Policy = STRICT) -> int:
        """The number of the block that is gathered for a moment so many days ago."""
        parent = Answers(self.parent, said=self.said)
        own = Answers(headers=self.headers, numbers=self.numbers)
        return int(gather(self.rollup, parent, own, as_of=int(NOW - days * DAY), policy=policy).header.number)


OLD, MIDDLE, LATE = (100, 20, 19, True), (200, 10, 9, True), (250, 7, 6, True)
WAITING, OPEN = (290, 3, 2.5, False), (300, 2, 1, False)


@pytest.mark.parametrize(
    ("days", "number"),
    [
        (0, 250),  # nothing settled lies after it: the newest that is settled
        (15, 200),  # the oldest whose block lies after it
        (20, 200),  # a block of just the moment is not after it
        (9.5, 250),  # made after it, about a block before it: the next one
        (10, 250),
        (7.5, 250),
        (6.5, 250),
    ],
)
def test_of_settled_games_the_oldest_after_the_moment_is_gathered_else_the_newest(days: float, number: int) -> None:
    """By the block that a game is about, not by when it was made."""
    assert Games(OLD, MIDDLE, LATE, WAITING, OPEN).found(days) == number


@pytest.mark.parametrize(
    ("days", "number"),
    [
        (0, 300),  # as old as the policy asks
        (2.8, 300),  # of two that were made after it, the one about a block after it
        (2.2, 300),
        (8, 250),  # settled and after it
    ],
)
def test_where_open_games_count_a_settled_one_after_the_moment_comes_first(days: float, number: int) -> None:
    assert Games(OLD, MIDDLE, LATE, WAITING, OPEN).found(days, TAKEN) == number


def test_a_game_younger_than_the_policy_asks_is_passed_over() -> None:
    younger = replace(TAKEN, proposed=ProposedRule(min_age=DAY + 1))
    assert Games(OLD, MIDDLE, LATE, WAITING, OPEN).found(0, younger) == 290


@pytest.mark.parametrize(("lag", "stands"), [(7 * DAY, True), (7 * DAY - 1, False)])
def test_where_no_open_game_counts_the_settled_one_stands_in_within_the_lag(lag: int, stands: bool) -> None:
    """Else what the open ones lack is told, which a newer settled one would not cure."""
    games = Games(OLD, MIDDLE, LATE, WAITING, OPEN)
    policy = replace(TAKEN, proposed=ProposedRule(min_age=30 * DAY), max_head_lag=lag)
    if stands:
        assert games.found(0, policy) == 250
    else:
        with pytest.raises(NotSettled, match="a proposed root: its age"):
            games.found(0, policy)


def test_a_game_that_the_endpoint_invents_after_the_moment_hides_no_settled_one_before_it() -> None:
    """The invented one costs a candidate; the newest settled one stands as if it had not been told of."""
    games = Games(OLD, MIDDLE, LATE)
    invented = (8 << 224 | int(NOW - 4 * DAY) << 160 | 0xEE, b"\xee" * 32, word(100))
    honest: Callable[[bytes], bytes | None] = games.said
    assert games.found(5) == 250
    games.told.append(invented)
    games.parent.contracts[Address((0xEE).to_bytes(20, "big"))] = Contract({}, clone_code(b"\xee" * 32, word(100)))
    assert honest(COUNT + bytes(32)) == word(4)
    assert games.found(5) == 250


def test_an_open_game_is_gathered_as_proposed_where_nothing_is_settled() -> None:
    """It is refused by the policy then, and not by the gathering."""
    games = Games(OPEN)
    parent, own = Answers(games.parent, said=games.said), Answers(headers=games.headers, numbers=games.numbers)
    found = gather(games.rollup, parent, own)
    assert found.header.trust.settlement is Settlement.PROPOSED
    assert not STRICT.takes(found.header.trust)
