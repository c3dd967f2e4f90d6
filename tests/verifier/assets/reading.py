"""Reads a position on a real node as gathering would: round by round, every account and word proven under the block's state root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.nodes.anvil import Anvil
from tests.simulators.minting import header, network
from verifier.assets.figure import Figure
from verifier.assets.position import read_position
from verifier.assets.reader import Planning, Unread
from verifier.claims import Asset, Claim, ClaimKind, PriceClaim
from verifier.crypto.keccak import keccak256
from verifier.errors import MalformedWord, Where
from verifier.positions import Position
from verifier.prices.quote import Observed, Said
from verifier.prices.source import read_price
from verifier.primitives import ZERO_WORD, Address, ChainId, Hash32, SlotKey, Timestamp, parse_hex
from verifier.proven import ProvenAccount, ProvenRoot, ProvenWord, mint
from verifier.state.ethereum import verify_account, verify_word
from verifier.trie.table import NodeTable
from verifier.trust import Anchor, Trust

T = TypeVar("T")


def raw(address: str) -> Address:
    return Address(parse_hex(address))


@dataclass
class Seen:
    """What was proven of one block, in how many rounds."""

    node: Anvil
    number: int
    root: ProvenRoot
    accounts: dict[Address, ProvenAccount]
    words: dict[tuple[Address, SlotKey], ProvenWord]
    rounds: int = 0

    @property
    def block(self) -> str:
        return hex(self.number)

    def figure(self, claim: Claim, position: Position) -> Figure:
        """The position's figure, from proofs alone."""
        return self._read(lambda reader: read_position(claim, position, reader))

    def price(self, claim: PriceClaim, updates: tuple[bytes, ...] = ()) -> Observed | Said:
        """A price, from proofs alone, and from what was signed."""

        def read(reader: Planning) -> Observed | Said:
            reader.updates = updates
            return read_price(claim, reader)

        return self._read(read)

    def _read(self, read: Callable[[Planning], T]) -> T:
        self.rounds = 0
        while True:
            try:
                return read(Planning(self.accounts, self.words, Timestamp(self.root.timestamp or 0), Where()))
            except Unread as more:
                self.rounds += 1
                assert self.rounds < 9, "a kind must not ask for ever"
                for wanted in more.reads:
                    self._prove(wanted.address, wanted.slots)

    def _prove(self, address: Address, slots: tuple[SlotKey, ...]) -> None:
        keys = [f"0x{slot.hex()}" for slot in slots]
        answer: dict[str, Any] = self.node.rpc("eth_getProof", f"0x{address.hex()}", keys, self.block)
        nodes = [*answer["accountProof"], *(node for entry in answer["storageProof"] for node in entry["proof"])]
        table = NodeTable.from_hashed((keccak256(parse_hex(node)), parse_hex(node)) for node in nodes)
        used: set[Hash32] = set()
        self.accounts[address] = verify_account(self.root, address, table, used)
        for slot in slots:
            self.words[address, slot] = self._word(self.accounts[address], slot, table, used)

    def _word(self, account: ProvenAccount, slot: SlotKey, table: NodeTable, used: set[Hash32]) -> ProvenWord:
        try:
            return verify_word(account, slot, table, used)
        except MalformedWord as error:
            # Anvil keeps a leaf for a zero that was written over a zero, where every other node keeps none. Its root
            # commits to that leaf, so the word is zero all the same; what refuses it is held in tests of `verify_word`.
            assert "a stored zero" in str(error)
            return mint(ProvenWord, rests_on=account, slot=slot, word=ZERO_WORD)


def now(node: Anvil) -> Seen:
    """The newest block, with nothing proven yet."""
    block = node.block()
    number, timestamp = int(block["number"], 16), int(block["timestamp"], 16)
    above = header(network(node.chain_id), timestamp, Trust(Anchor.PINNED, None))
    root = mint(
        ProvenRoot,
        rests_on=above,
        network=above.network,
        state_root=Hash32(parse_hex(block["stateRoot"])),
        number=number,
        timestamp=Timestamp(timestamp),
        trust=above.trust,
    )
    return Seen(node, number, root, {}, {})


def claim_of(node: Anvil, contract: str, holder: str, *, debt: bool = False, symbol: str = "X") -> Claim:
    asset = Asset(ChainId(node.chain_id), symbol, 18, symbol, raw(contract))
    return Claim(asset, raw(holder), ClaimKind.DEBT if debt else ClaimKind.HOLDING)
