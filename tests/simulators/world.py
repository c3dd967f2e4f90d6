"""A network's worth of state made without the verifier: accounts, tokens, headers, and an endpoint that answers from it.

Codecs are those of `rlp` and pycryptodome, so that a mistake of ours does not cancel itself out. `answer` drives a flow
by hand, as an honest endpoint would; a test may hand in a `twist` that changes answers on their way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import rlp

from tests.simulators.trie_builder import Built, build, keccak
from verifier.checker import Checker
from verifier.claims import Asset, Claim, ClaimKind, CodePin, KnownAsset, Source, TokenLayout
from verifier.errors import VerifierError
from verifier.flow import Ask, AskHeader, AskHeight, AskProof, Flow, Unanswered
from verifier.network import Family, HistoryRing, Network, OwnConsensus
from verifier.policy import STRICT, Policy
from verifier.primitives import Address, ChainId, Hash32, Timestamp, slot_key
from verifier.trust import PinnedBlock

RING = HistoryRing(Address(bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935")), 8191)
FAMILY = Family("ethereum", history=RING)
EMPTY_TRIE = keccak(b"\x80")
EMPTY_CODE = keccak(b"")
TOKEN = Address(b"\x70" * 20)
TOKEN_CODE = keccak(b"the token's code")
LAYOUT = TokenLayout(slot_key(0))


def uint(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def holder(n: int) -> Address:
    return Address(n.to_bytes(20, "big"))


def balance_slot(owner: bytes, base: int = 0) -> bytes:
    return keccak(owner.rjust(32, b"\0") + base.to_bytes(32, "big"))


@dataclass
class World:
    """One network: coin and token balances by holder, and a chain of headers of which the last has this state."""

    chain_id: int = 1
    coins: dict[bytes, int] = field(default_factory=dict)
    tokens: dict[bytes, int] = field(default_factory=dict)
    blocks: int = 8
    first_number: int = 100
    start: int = 1_700_000_000
    spacing: int = 12
    with_history: bool = True
    storage_override: Built | None = None
    extra_leaves: dict[bytes, bytes] = field(default_factory=dict)
    ring: HistoryRing = RING

    def __post_init__(self) -> None:
        family = replace(FAMILY, history=self.ring)
        self.network = Network(ChainId(self.chain_id), f"net{self.chain_id}", family, "ETH", OwnConsensus("test"))
        self.storage: dict[bytes, Built] = {TOKEN: self.storage_override or self._token_storage()}
        self.states: dict[bytes, Built] = {}
        self.headers: list[bytes] = []
        parent, ring = bytes(32), {}
        for i in range(self.blocks):
            number = self.first_number + i
            if i:
                ring[(number - 1) % self.ring.length] = parent
            history = build({keccak(slot.to_bytes(32, "big")): rlp.encode(h.lstrip(b"\0")) for slot, h in ring.items()})
            state = self._state(history if self.with_history else None)
            header = self._header(parent, state.root, number, self.start + i * self.spacing)
            parent = keccak(header)
            self.headers.append(header)
            self.states[parent] = state
            self.storage[parent + RING.address] = history

    def _token_storage(self) -> Built:
        return build({keccak(balance_slot(o)): rlp.encode(uint(v)) for o, v in self.tokens.items() if v})

    def _state(self, history: Built | None) -> Built:
        token = rlp.encode([b"\x01", b"", self.storage[TOKEN].root, TOKEN_CODE])
        accounts = {keccak(TOKEN): token} | {keccak(a): leaf for a, leaf in self.extra_leaves.items()}
        for owner, coins in self.coins.items():
            accounts[keccak(owner)] = rlp.encode([b"", uint(coins), EMPTY_TRIE, EMPTY_CODE])
        if history is not None:
            accounts[keccak(RING.address)] = rlp.encode([b"\x01", b"", history.root, keccak(b"ring")])
        return build(accounts)

    def _header(self, parent: bytes, root: bytes, number: int, time: int) -> bytes:
        fields = [parent, keccak(b"\xc0"), bytes(20), root, EMPTY_TRIE, EMPTY_TRIE, bytes(256), b"", uint(number),
                  uint(30_000_000), b"", uint(time), b"", bytes(32), bytes(8), uint(7), EMPTY_TRIE, b"", b"", bytes(32), keccak(b"r")]  # fmt: skip
        return rlp.encode(fields)

    @property
    def head(self) -> Hash32:
        return Hash32(keccak(self.headers[-1]))

    def time_of(self, i: int) -> Timestamp:
        return Timestamp(self.start + (i % self.blocks) * self.spacing)

    def pin(self, i: int = -1) -> PinnedBlock:
        return PinnedBlock(ChainId(self.chain_id), Hash32(keccak(self.headers[i])))

    # --- claims ------------------------------------------------------------------------------------------

    @property
    def coin(self) -> Asset:
        return Asset(ChainId(self.chain_id), "ETH", 18, "ETH")

    @property
    def token(self) -> Asset:
        return Asset(ChainId(self.chain_id), "TOK", 6, "USD", TOKEN, LAYOUT)

    def known(self, **changes: object) -> KnownAsset:
        return replace(KnownAsset(self.token, (CodePin(Hash32(TOKEN_CODE)),), "test"), **changes)

    def claims(self, kind: ClaimKind = ClaimKind.HOLDING, source: Source = Source.REVIEWED) -> list[Claim]:
        coins = [Claim(self.coin, Address(o)) for o in self.coins]
        return coins + [Claim(self.token, Address(o), kind, source) for o in self.tokens]

    # --- answers -----------------------------------------------------------------------------------------

    def answer(self, question: Ask[object]) -> object:
        """What an honest endpoint says."""
        match question:
            case AskHeight():
                return self.first_number + self.blocks - 1
            case AskHeader(block=bytes() as wanted):
                return next(h for h in self.headers if keccak(h) == wanted)
            case AskHeader(block=number):
                return self.headers[int(number) - self.first_number]
            case AskProof(address=address, slots=slots, block_hash=block):
                nodes = list(self.states[block].prove(keccak(address)))
                storage = self.storage.get(block + address) or self.storage.get(address)
                for slot in slots if storage else ():
                    nodes += storage.prove(keccak(slot))
                return tuple(nodes)
        raise AssertionError(question)


Twist = Callable[[Ask[object], object], object]


def run(flow: Flow, worlds: Mapping[int, World], twist: Twist | None = None):
    """Drive a flow by hand: judge each answer, and say `Unanswered` where the judge refuses it."""
    rounds = 0
    try:
        batch = next(flow)
        while True:
            rounds += 1
            batch = flow.send([_judged(q, worlds[q.chain_id], twist) for q in batch])
    except StopIteration as stop:
        return stop.value, rounds


def _judged(question: Ask[object], world: World, twist: Twist | None) -> object:
    try:
        answer = world.answer(question)
        if twist is not None:
            answer = twist(question, answer)
        question.judge(answer)
    except VerifierError as error:
        return Unanswered(question, (("endpoint", error),), ())
    except (LookupError, StopIteration):
        return Unanswered(question, (), (("endpoint", "not found"),))
    return answer


def checker(*worlds: World, now: int | None = None, policy: Policy = STRICT, roots=None, meanings=None) -> Checker:
    latest = max(w.time_of(-1) for w in worlds)
    return Checker(
        roots=tuple(w.pin() for w in worlds) if roots is None else roots,
        networks={w.network.chain_id: w.network for w in worlds},
        meanings={w.token.key: w.known() for w in worlds} if meanings is None else meanings,
        policy=policy,
        now=Timestamp(latest if now is None else now),
    )
