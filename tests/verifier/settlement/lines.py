"""A posted game that builds on others in the factory of a simulated parent, all of which stand unless a test says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.simulators.rollup import NOW, Contract, array, entry, header, word
from tests.simulators.trie_builder import keccak
from tests.simulators.world import EMPTY_TRIE
from tests.verifier.settlement.games import DAY, GAME, GameWorld, clone_code, output_root, told_registry, uuid
from verifier.policy import Policy
from verifier.primitives import Address
from verifier.proven import ProvenHeader
from verifier.trust import TrustRoot

NO_PARENT = b"\xff" * 4
REGISTRY = b"\xa5" * 20
RESPECTED_AT = {6: (9, 0), 42: (9, 0), 10: (8, 1), 621: (0, 18)}
CHALLENGE = {6: (1, 1 << 32), 42: (1, 1 << 32), 10: (1, 1 << 40), 621: (5, 1)}
"""Slot, and a value that says that somebody challenged the game."""
CHAIN = 10


@dataclass
class Listed:
    """One game of the type in the factory's list."""

    kind: int
    number: int
    time: int
    made: int
    at: int
    extra: bytes
    raw: bytes
    status: int = 0

    @property
    def address(self) -> Address:
        return Address(self.at.to_bytes(2, "big") * 10)

    @property
    def claim(self) -> bytes:
        return keccak(self.extra[4:]) if self.kind == 10 else output_root(self.raw, passer=EMPTY_TRIE)

    @property
    def record(self) -> int:
        return self.kind << 224 | self.made << 160 | int.from_bytes(self.address, "big")

    @property
    def code(self) -> bytes:
        rest = told_registry(10, self.extra, REGISTRY) if self.kind == 10 else self.extra
        return clone_code(self.claim, rest)

    @property
    def packed(self) -> bytes:
        return self.claim + len(self.extra).to_bytes(2, "big") + self.extra


def listed(kind: int, number: int, at: int, made: int, parent: bytes, status: int = 0, salt: bytes = b"") -> Listed:
    """A game about a block that is ten seconds older for each number below 1,000."""
    time = NOW - 11 * DAY - 10 * (1_000 - number)
    raw = header(number, time, extra=salt)
    root = output_root(raw, passer=EMPTY_TRIE)
    extra = {
        10: parent + b"\x01" + time.to_bytes(8, "big") + word(CHAIN) + root,
        621: word(number) + parent.rjust(20, b"\0") + root,
    }.get(kind, word(number) + parent)
    return Listed(kind, number, time, made, at, extra, raw, status)


@dataclass
class Lineage:
    """
    A child about block 1,000, made two days ago, with a line of ancestors below it.

    Attributes:
        ends: How the oldest begins: at the anchor, or on a game that resolved for the defender.
        strangers: Other games of the type; they come behind the child in the list.
    """

    kind: int = 42
    ancestors: int = 2
    ends: str = "anchor"
    strangers: Sequence[Listed] = ()
    world: GameWorld = field(init=False)

    def __post_init__(self) -> None:
        anchor = REGISTRY if self.kind == 621 else NO_PARENT
        self.old = listed(self.kind, 100, 0xB0B0, NOW - 20 * DAY, anchor, 2)
        self.games = [self.old]
        if self.ends == "resolved":
            self.games.append(listed(self.kind, 600, 0xB1B1, NOW - 15 * DAY, anchor, 2))
        parent = self.named(len(self.games) - 1) if self.ends == "resolved" else anchor
        for i in range(self.ancestors):
            made = NOW - 3 * DAY + i
            self.games.append(listed(self.kind, 1_000 - self.ancestors + i, 0x1001 + i, made, parent))
            parent = self.named(len(self.games) - 1)
        self.own = listed(self.kind, 1_000, 0x6A6A, NOW - 2 * DAY, parent)
        self.games += [self.own, *self.strangers]
        self.world = self._world()

    def named(self, index: int) -> bytes:
        """How a child says that it builds on a game."""
        return self.games[index].address if self.kind == 621 else index.to_bytes(4, "big")

    def _world(self) -> GameWorld:
        slot, offset = RESPECTED_AT[self.kind]
        own = self.own
        world = GameWorld(
            game_type=self.kind, number=1_000, created=own.made, status=0, resolved=0, extra=own.extra, claim=own.claim,
            passer=EMPTY_TRIE, respected_slot=(slot, offset),
        )  # fmt: skip
        assert bytes(world.registry) == REGISTRY
        world.raw, world.code = own.raw, own.code
        world.words["registry"][6] = (NOW - 30 * DAY) << 32 | self.kind
        factory = world.words["factory"]
        factory[104] = len(self.games)
        for index, game in enumerate(self.games):
            resolved = (game.made + DAY << 64) * (game.status == 2)
            state = game.made | resolved | game.status << 128 | 1 << 136
            words = {0: state}
            words[slot] = words.get(slot, 0) | 1 << 8 * offset
            if self.kind == 621:
                words[7] = 1 << 64
            world.parent.contracts[game.address] = Contract(words, game.code)
            factory[entry(uuid(self.kind, game.claim, game.extra), 103)] = factory[array(104, index)] = game.record
        world.game = world.parent.contracts[GAME]
        return world

    @property
    def above(self) -> list[Listed]:
        """The ancestors, nearest first."""
        return [game for game in reversed(self.games) if game not in (self.old, self.own, *self.strangers)]

    @property
    def line(self) -> list[Listed]:
        """The child and its open ancestors."""
        return [self.own, *(game for game in self.above if game.status == 0)]

    def words(self, game: Listed) -> dict[int, int]:
        return self.world.parent.contracts[game.address].words

    def others(self, first: int = 0) -> bytes:
        told = [game for game in self.games[first:] if game not in self.line]
        return first.to_bytes(8, "big") + b"".join(game.packed for game in told)

    def evidence(self, header: bytes | None = None, codes: Sequence[bytes] | None = None) -> bytes:
        """The line as the module lays it out."""
        oldest = self.line[-1]
        needless = oldest is self.own or self.kind == 10
        raw = (b"" if needless else oldest.raw) if header is None else header
        told = [game.code for game in self.above] if codes is None else codes
        first = len(raw).to_bytes(2, "big") + raw + (EMPTY_TRIE if raw else b"")
        return first + b"".join(len(code).to_bytes(2, "big") + code for code in told)

    def verify(
        self, policy: Policy, seen: Sequence[TrustRoot], above: bytes | None = None, others: bytes | None = None
    ) -> ProvenHeader:
        head, extra, code = self.world.preimages
        head += self.others() if others is None else others
        line = self.evidence() if above is None else above
        return self.world.rollup.verify(
            self.world.parent, self.world.raw, [head, extra, code, line], policy=policy, seen=seen
        )
