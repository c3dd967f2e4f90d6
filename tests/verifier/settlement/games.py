"""A dispute game in the factory of a simulated parent, valid unless a test changes one thing."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.simulators.rollup import NOW, REVIEWED, STATE, Contract, Parent, Rollup, array, entry, header, word
from tests.simulators.trie_builder import keccak
from verifier.claims import CodePin
from verifier.primitives import Address, Hash32

GAME = Address(b"\x6a" * 20)
GAME_IMPLEMENTATION = Address(b"\x1f" * 20)
GAME_CODE = b"the game's implementation"
GAME_PIN = CodePin(Hash32(keccak(GAME_CODE)))
DELAY = 302_400
DAY = 86_400
PASSER_ROOT = b"\x99" * 32
CLONE_HEAD = bytes.fromhex(
    "36602c57343d527f9e4ac34f21c619cefc926c8bd93b54bf5a39c7ab2127a895af1cc0691d7e3dff593da1005b3d3d3d3d363d3d376100"
    "7660373639366100"
)
CLONE_TAIL = bytes.fromhex("5af43d3d93803e603557fd5bf3")


def uuid(game_type: int, claim: bytes, extra: bytes) -> bytes:
    """As the factory computes it: abi.encode(uint32, bytes32, bytes)."""
    padded = extra + bytes(-len(extra) % 32)
    return keccak(word(game_type) + claim + word(96) + word(len(extra)) + padded)


def output_root(raw: bytes, state: bytes = STATE, passer: bytes = PASSER_ROOT) -> bytes:
    return keccak(bytes(32) + state + passer + keccak(raw))


def told_registry(game_type: int, extra: bytes, registry: bytes) -> bytes:
    """Type, extra data and the implementation's arguments, as the factory's newer form puts them behind the head."""
    length, at = {5: (60, 0), 10: (140, 100), 1: (164, 52)}.get(game_type, (124, 52))
    arguments = b"\xa1" * at + registry + b"\xa2" * (length - at - 20)
    return game_type.to_bytes(4, "big") + extra + arguments


def clone_code(claim: bytes, extra: bytes, implementation: bytes = GAME_IMPLEMENTATION) -> bytes:
    arguments = b"\xcc" * 20 + claim + b"\xdd" * 32 + extra
    return CLONE_HEAD + bytes.fromhex("76013d73") + implementation + CLONE_TAIL + arguments + b"\x00\x76"


@dataclass
class GameWorld:
    """One game and everything that judges it."""

    game_type: int = 8
    number: int = 700
    created: int = NOW - 10 * DAY
    resolved: int = NOW - DELAY - 1
    status: int = 2
    extra: bytes | None = None
    claim: bytes | None = None
    passer: bytes = PASSER_ROOT
    respected_slot: tuple[int, int] | None = None
    delay: int = DELAY
    chain_id: int = 10
    parent: Parent = field(default_factory=Parent)

    def __post_init__(self) -> None:
        self.raw = header(self.number, NOW - 11 * DAY)
        self.extra = word(self.number) if self.extra is None else self.extra
        self.claim = output_root(self.raw, passer=self.passer) if self.claim is None else self.claim
        self.factory, factory = self.parent.proxy(0xFA)
        self.registry, registry = self.parent.proxy(0xA5)
        self.portal, portal = self.parent.proxy(0x90)
        self.superchain, self.superchain_config = self.parent.proxy(0x5C)
        self.config, config = self.parent.proxy(0xC0)
        config.words[108] = 7 << 160 | int.from_bytes(self.superchain, "big")
        self.words = {
            "factory": factory.words,
            "registry": registry.words,
            "portal": portal.words,
            "config": config.words,
        }
        record = self.game_type << 224 | self.created << 160 | int.from_bytes(GAME, "big")
        factory.words[entry(uuid(self.game_type, self.claim, self.extra), 103)] = record
        registry.words[0] = int.from_bytes(self.config, "big") << 16 | 0x01
        registry.words[1] = int.from_bytes(self.factory, "big")
        registry.words[6] = (self.created - 1) << 32 | self.game_type
        portal.words[62] = int.from_bytes(self.registry, "big")
        portal.words[56] = int.from_bytes(self.factory, "big")
        portal.words[53] = int.from_bytes(self.superchain, "big") << 8 | 1
        portal.words[59] = self.created << 32 | self.game_type
        self.code = clone_code(self.claim, self.extra)
        state = self.created | self.resolved << 64 | self.status << 128 | 1 << 136
        self.game = self.parent.contracts[GAME] = Contract({0: state}, self.code)
        slot, offset = self.respected_slot or (10, 0)
        self.game.words[slot] = self.game.words.get(slot, 0) | 1 << 8 * offset
        self.parent.contracts[GAME_IMPLEMENTATION] = Contract(code=GAME_CODE)

    @property
    def rollup(self) -> Rollup:
        return self.of_scheme("op_fault")

    def of_scheme(self, scheme: str) -> Rollup:
        contracts = {
            "factory": self.factory,
            "registry": self.registry,
            "portal": self.portal,
            "system_config": self.config,
            "superchain_config": self.superchain,
        }
        codes = [(role, REVIEWED) for role in contracts] + [(f"game:{self.game_type}", GAME_PIN)]
        return Rollup(scheme, contracts, codes, self.delay, self.chain_id)

    @property
    def preimages(self) -> list[bytes]:
        assert self.extra is not None
        return [self.game_type.to_bytes(4, "big") + self.passer, self.extra, self.code]

    def blacklist(self) -> None:
        self.words["registry"][entry(GAME, 5)] = 1

    def pause(self, identifier: bytes = bytes(20)) -> None:
        self.superchain_config.words[entry(identifier, 1)] = NOW - 60


__all__ = ["DAY", "DELAY", "GAME", "GAME_PIN", "GameWorld", "array", "clone_code", "output_root", "uuid"]
