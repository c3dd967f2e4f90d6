"""What an endpoint tells of an OP Stack rollup's contracts on its parent: games and outputs as their views return them.

All of it is hints. A game that is invented costs a candidate, and changes no verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput, MissingEvidence, Where
from verifier.flow import AskCode, AskSaid, Flow, ask
from verifier.network import Network, SettledOn
from verifier.primitives import Address, Hash32
from verifier.proven import ProvenHeader
from verifier.settlement.op_games import GameId, game_id

PAGE: Final = 64
_WORDS: Final = 5


def _selector(signature: str) -> bytes:
    return keccak256(signature.encode())[:4]


COUNT: Final = _selector("gameCount()")
RESPECTED: Final = _selector("respectedGameType()")
LATEST: Final = _selector("findLatestGames(uint32,uint256,uint256)")
AT_INDEX: Final = _selector("gameAtIndex(uint256)")
STATUS_OF: Final = _selector("status()")
SYSTEM_CONFIG: Final = _selector("systemConfig()")
SUPERCHAIN: Final = _selector("superchainConfig()")
LATEST_OUTPUT: Final = _selector("latestOutputIndex()")
OUTPUT: Final = _selector("getL2Output(uint256)")
PERIOD: Final = _selector("FINALIZATION_PERIOD_SECONDS()")


@dataclass(frozen=True, slots=True)
class Told:
    """A game as the factory's search tells of it."""

    index: int
    record: GameId
    root: Hash32
    extra: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """What an asking half needs at every step."""

    network: Network
    settled: SettledOn
    at: ProvenHeader

    def contract(self, role: str) -> Address:
        """The address of a role on the parent. Raises MissingEvidence where none is known."""
        found = self.settled.contract(role)
        if found is None:
            raise MissingEvidence(Where(network=self.network.name), f"the address of the {role} contract on the parent")
        return found

    def said(self, role: str, data: bytes) -> AskSaid:
        """The question what a role's contract returns, as a hint."""
        return self.said_by(self.contract(role), data)

    def said_by(self, address: Address, data: bytes) -> AskSaid:
        """The question what any contract of the parent returns, as a hint."""
        return AskSaid(
            chain_id=self.at.network.chain_id,
            address=address,
            data=data,
            block_hash=self.at.hash,
            number=self.at.number,
        )

    def code_of(self, address: Address) -> AskCode:
        """The question for the code of a contract of the parent."""
        return AskCode(
            chain_id=self.at.network.chain_id, address=address, block_hash=self.at.hash, number=self.at.number
        )

    def implementations(self) -> tuple[Address, ...]:
        """Implementations that some role was reviewed with."""
        return tuple(pin.implementation for _, pin in self.settled.codes if pin.implementation is not None)


def place_of(network: Network, at: ProvenHeader) -> Place:
    """A rollup under its parent's header. Raises BadInput for a network that is none."""
    if not isinstance(network.rooted_by, SettledOn):
        raise BadInput("settlement", "a network that is settled on a parent", network.name)
    return Place(network, network.rooted_by, at)


def parse_games(data: bytes) -> list[Told]:
    """
    The games in the answer of the factory's search; one that is not shaped so ends the list.

    Source: DisputeGameFactory.findLatestGames: GameSearchResult(index, metadata, timestamp, rootClaim, extraData)[].
    """
    games: list[Told] = []
    for i in range(min(number_at(data, 32), PAGE)):
        start = 64 + number_at(data, 64 + 32 * i)
        words = data[start : start + 32 * _WORDS]
        tail = start + int.from_bytes(words[128:], "big")
        size = number_at(data, tail)
        extra = data[tail + 32 : tail + 32 + size]
        if len(words) != 32 * _WORDS or len(extra) != size:
            break
        record = game_id(words[32:64])
        games.append(Told(int.from_bytes(words[:32], "big"), record, Hash32(words[96:128]), extra))
    return games


def number_at(data: bytes, at: int) -> int:
    """The 32-byte word of an answer at an offset; 0 beyond its end."""
    return int.from_bytes(data[at : at + 32], "big") if 0 <= at <= len(data) - 32 else 0


def page_of(place: Place, kind: int, start: int) -> Flow[list[Told]]:
    """A page of games of one type, newest first, as the factory's search tells of them."""
    data = LATEST + b"".join(value.to_bytes(32, "big") for value in (kind, start, PAGE))
    return parse_games((yield from ask(place.said("factory", data))))


def named_by(place: Place, role: str, by: Address, view: bytes) -> Flow[Address]:
    """A role's contract, or, where no entry names it, the one that another contract's view does."""
    named = place.settled.contract(role)
    if named is not None:
        return named
    told = yield from ask(place.said_by(by, view))
    return Address(told[12:32].rjust(20, b"\0"))
