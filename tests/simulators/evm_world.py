"""A proven state of contracts made by hand: code, storage and balances in real tries, under a header of the test's choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import rlp

from tests.simulators.chain import HISTORY, account, header_fields, pinned, storage_trie, uint
from tests.simulators.trie_builder import Built, build, keccak
from verifier.calls import Call
from verifier.checker import Checker
from verifier.claims import AssetKey, Claim, KnownAsset
from verifier.evidence import Bundle, Section
from verifier.evm.call import CodeTable
from verifier.flow import Ask, AskCode, AskProof
from verifier.forks import Activation, EvmRules, Fork, Schedule
from verifier.network import Dialect, Family, HistoryRing, Network, OwnConsensus
from verifier.policy import STRICT
from verifier.primitives import Address, ChainId, Hash32, Timestamp
from verifier.proven import ProvenHeader
from verifier.trie.table import NodeTable
from verifier.trust import PinnedBlock
from verifier.verify import SectionState

TO = Address(b"\xc0" * 20)
OTHER = Address(b"\xd0" * 20)


@dataclass
class Account:
    """One account of the state."""

    code: bytes = b""
    storage: Mapping[int, int] = field(default_factory=dict)
    balance: int = 0
    nonce: int = 1

    @cached_property
    def trie(self) -> Built:
        return storage_trie({k.to_bytes(32, "big"): rlp.encode(uint(v)) for k, v in self.storage.items() if v})


@dataclass
class EvmWorld:
    """A network of one block, whose state holds these accounts."""

    accounts: Mapping[Address, Account]
    fork: Fork = Fork.OSAKA
    rules: EvmRules | None = field(default_factory=EvmRules)
    forks: Schedule | None = None
    number: int = 1_000
    time: int = 1_700_000_000
    mix_hash: bytes = bytes(range(32))
    history: bool = True
    extra: tuple[bytes, ...] = ()

    @property
    def network(self) -> Network:
        ring = HistoryRing(HISTORY, 8_191) if self.history else None
        family = Family("simulated", (Dialect.ETHEREUM,), history=ring, evm=self.rules)
        forks = (Activation(self.fork, self.fork.value),) if self.forks is None else self.forks
        return Network(ChainId(1), "simulated", family, "ETH", OwnConsensus("test"), forks=forks)

    @cached_property
    def state(self) -> Built:
        leaves = {a: account(x.nonce, x.balance, x.trie.root, keccak(x.code)) for a, x in self.accounts.items()}
        return build({keccak(address): leaf for address, leaf in leaves.items()})

    @property
    def rlp(self) -> bytes:
        fields = header_fields(self.number, self.time, state=self.state.root)
        fields[13] = self.mix_hash
        fields[2] = b"\xfe" * 20
        return rlp.encode([*fields, *self.extra])

    @property
    def header(self) -> ProvenHeader:
        return pinned(self.rlp, self.network)

    def bundle(self, claims: Sequence[Claim], *, codes: Sequence[bytes] | None = None) -> Bundle:
        """All evidence with these claims."""
        nodes = tuple(sorted(self.evidence()))
        kept = tuple(sorted({x.code for x in self.accounts.values() if x.code} if codes is None else set(codes)))
        section = Section(ChainId(1), self.rlp, (), tuple(range(len(nodes))), None, tuple(range(len(kept))))
        return Bundle(Timestamp(self.time + 5), tuple(claims), (), (section,), nodes, kept)

    def checker(self, *accepted: Address, meanings: Mapping[AssetKey, KnownAsset] | None = None) -> Checker:
        """A checker that pinned the block, and takes these contracts without review."""
        policy = replace(STRICT, accept_contracts=frozenset((ChainId(1), a) for a in accepted))
        pin = PinnedBlock(ChainId(1), self.header.hash)
        return Checker((pin,), {ChainId(1): self.network}, meanings or {}, policy, Timestamp(self.time + 9))

    def evidence(self) -> list[bytes]:
        """Every node of every trie."""
        tries = [self.state, *(x.trie for x in self.accounts.values())]
        return list(dict.fromkeys(node for trie in tries for node in trie.nodes.values()))

    def answer(self, question: Ask[object]) -> object:
        """What an honest endpoint says that serves no hints."""
        match question:
            case AskProof(address=address, slots=slots):
                nodes = self.state.prove(keccak(address))
                for slot in slots if address in self.accounts else ():
                    nodes += self.accounts[address].trie.prove(keccak(slot))
                return tuple(nodes)
            case AskCode(address=address):
                return self.accounts[address].code if address in self.accounts else b""
        raise LookupError(question)

    def section(self, *, without: bytes | None = None, codes: bool = True, steps: int | None = None) -> SectionState:
        """Proven state over all evidence, or without one node; its calls may do so much work together."""
        nodes = [(Hash32(keccak(n)), n) for n in self.evidence() if n != without]
        kept = CodeTable([x.code for x in self.accounts.values() if x.code] if codes else [])
        more = {} if steps is None else {"steps": steps}
        return SectionState(self.header, NodeTable.from_hashed(nodes), set(), kept, **more)


def call(data: bytes = b"", gas: int = 10_000_000, to: Address = TO) -> Call:
    """A call of the first contract."""
    return Call(to, data, gas=gas)


def returns_top(code: bytes) -> bytes:
    """Code that returns the word it leaves on the stack."""
    return code + bytes.fromhex("60005260206000f3")
