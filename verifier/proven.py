"""Proven values: what only the verifier makes, out of evidence and something proven before.

There is no public constructor. Calling a class raises and is a type error; `dataclasses.replace` and `pickle` raise
too. `mint` makes them, and only the rooms that prove things import it (a test checks who does). Every value has
`rests_on`: the proven value or trust root it was derived from; `trail` follows it down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Never, NoReturn, Self, TypeVar, final

from verifier.calls import Call
from verifier.claims import Claim, PriceClaim
from verifier.errors import Where
from verifier.network import Network
from verifier.primitives import Address, BlockNumber, ChainId, Hash32, SlotKey, Timestamp, Wei, Word
from verifier.trust import Checkpoint, HeaderRoot, Settlement, Trust, TrustRoot


class Proven:
    """A value only the verifier makes. Its constructor takes what no one has, and it does not pickle."""

    __slots__ = ()

    def __init__(self, _: Never, /) -> None:
        raise TypeError(f"{type(self).__name__} is made by the verifier, from evidence")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a proven value does not leave its process; its bundle does")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


class Moment(StrEnum):
    """How a snapshot stands to the as-of time."""

    EXACT = "exact"
    """Shown to be the last block not after it."""
    HEAD = "head"
    """The newest anchored block; its own time is what it speaks of."""


@dataclass(frozen=True, slots=True)
class BlockValues:
    """What the EVM can see of a block beside its number and time; None where the header has no such field.

    Attributes:
        mix_hash: Random value since the Merge; on Arbitrum it packs counters (L1 block number, ArbOS version).
        base_fee: Wei for each unit of gas.
        newer: How many fields follow those of Prague, the last fork that added any which we know to run.
    """

    beneficiary: Address | None
    gas_limit: int | None
    difficulty: int | None
    mix_hash: Hash32 | None
    base_fee: int | None
    excess_blob_gas: int | None
    newer: int = 0


@final
@dataclass(frozen=True, slots=True, init=False)
class ProvenBeacon(Proven):
    """
    A beacon block header that a light client reached from its checkpoint.

    Attributes:
        root: Of the header; what a checkpoint, a parent link or `block_roots` names.
        execution_hash: The execution block that it settles: its own payload's up to Fulu, the one before it from Gloas
            on; None before Capella, where light clients learn nothing of it, and for a header reached by its root.
        signers, committee: How many members signed, of how many; both 0 for the checkpoint's own header.
    """

    rests_on: Checkpoint | ProvenBeacon
    chain_id: ChainId
    slot: int
    timestamp: Timestamp
    root: Hash32
    parent_root: Hash32
    state_root: Hash32
    body_root: Hash32
    execution_hash: Hash32 | None
    signers: int
    committee: int
    trust: Trust


@final
@dataclass(frozen=True, slots=True, init=False)
class ProvenHeader(Proven):
    """A block header whose hash we computed and found named by something believed."""

    rests_on: HeaderRoot | ProvenBeacon | ProvenHeader | ProvenWord | ProvenSettlement
    network: Network
    hash: Hash32
    parent_hash: Hash32
    number: BlockNumber
    timestamp: Timestamp
    state_root: Hash32
    transactions_root: Hash32
    receipts_root: Hash32
    withdrawals_root: Hash32 | None
    block: BlockValues
    trust: Trust

    @property
    def where(self) -> Where:
        """The place, for errors about what hangs under this header."""
        return Where(network=self.network.name, block=str(self.number))


@final
@dataclass(frozen=True, slots=True, init=False)
class ProvenRoot(Proven):
    """A state root; `number` and `timestamp` are None where a settlement fixes a root without a header."""

    rests_on: ProvenHeader | ProvenSettlement
    network: Network
    state_root: Hash32
    number: BlockNumber | None
    timestamp: Timestamp | None
    trust: Trust

    @property
    def where(self) -> Where:
        """The place, for errors about what hangs under this root."""
        return Where(network=self.network.name, block=None if self.number is None else str(self.number))


@final
@dataclass(frozen=True, slots=True, init=False)
class ProvenAccount(Proven):
    """An account under a proven root. `exists` is False where it is proven absent; its other fields are then nothing.

    `balance` is None where no single leaf field is the balance (Blast).
    """

    rests_on: ProvenRoot
    address: Address
    exists: bool
    nonce: int
    balance: Wei | None
    storage_root: Hash32
    code_hash: Hash32

    @property
    def where(self) -> Where:
        """The place, for errors about what hangs under this account."""
        return self.rests_on.where.at(address=self.address)

    @property
    def trust(self) -> Trust:
        """That of its root."""
        return self.rests_on.trust


@final
@dataclass(frozen=True, slots=True, init=False)
class ProvenWord(Proven):
    """The word at one slot of a proven account; zero where it is proven absent."""

    rests_on: ProvenAccount
    slot: SlotKey
    word: Word

    @property
    def where(self) -> Where:
        """The place of the slot."""
        return self.rests_on.where.at(slot=self.slot)

    @property
    def trust(self) -> Trust:
        """That of its account."""
        return self.rests_on.trust


@final
@dataclass(frozen=True, slots=True, init=False)
class ProvenSettlement(Proven):
    """What a contract of the parent network is proven to hold of a rollup's root, and how final it holds it to be.

    Attributes:
        rests_on: The word of the parent's contract that names the root.
        network: The rollup, not the parent.
        settlement: `settled` where every window, veto and delay is past; else `proposed`.
        entry: What the contract calls it, for people: a game and its type, an assertion, a batch.
        root: What the contract fixes: an output root, a block hash or a state root.
        since: When it was posted, by the parent's clock; None where the contract does not keep that.
        judged_by: Every other account and word that was read to judge it.
        open_points: Why it is not settled; empty where it is.
        shown: What speaks for a proposed root all the same, where the policy counts those; empty elsewhere.
        trust: The parent's anchor, this settlement, and the bases of both.
    """

    rests_on: ProvenWord
    network: Network
    scheme: str
    settlement: Settlement
    entry: str
    root: Hash32
    since: Timestamp | None
    judged_by: tuple[ProvenAccount | ProvenWord, ...]
    open_points: tuple[str, ...]
    shown: tuple[str, ...]
    trust: Trust

    @property
    def where(self) -> Where:
        """The rollup, for errors about what hangs under this root."""
        return Where(network=self.network.name)


class ListKind(StrEnum):
    """The three lists whose roots a header holds."""

    TRANSACTIONS = "transactions"
    RECEIPTS = "receipts"
    WITHDRAWALS = "withdrawals"


@final
@dataclass(frozen=True, slots=True, init=False)
class ProvenItem(Proven):
    """One item of a block's list by its index; `raw` is None where the list is proven to end before it."""

    rests_on: ProvenHeader
    kind: ListKind
    index: int
    raw: bytes | None

    @property
    def trust(self) -> Trust:
        """That of its header."""
        return self.rests_on.trust


class Ended(StrEnum):
    """How a call ended."""

    RETURNED = "returned"
    REVERTED = "reverted"
    """The contract refused, with data of its own."""
    HALTED = "halted"
    """An exception of the machine: out of gas, an invalid opcode."""


@final
@dataclass(frozen=True, slots=True, init=False)
class ProvenCall(Proven):
    """What a contract's own code answers to a call, in the state after a proven block.

    Attributes:
        output: What it returned, or reverted with; empty where it halted.
        halted: The exception's name where it halted.
        reads: Every account and word that the answer rests on, each proven under the header.
        code_hashes: By address, the proven hash of each account's code that ran or was looked at.
        steps: Units of work that it took.
    """

    rests_on: ProvenHeader
    call: Call
    ended: Ended
    output: bytes
    halted: str | None
    reads: tuple[ProvenAccount | ProvenWord, ...]
    code_hashes: Mapping[Address, Hash32]
    steps: int

    @property
    def where(self) -> Where:
        """The place of the contract."""
        return self.rests_on.where.at(address=self.call.to)

    @property
    def trust(self) -> Trust:
        """That of its header; whether the code is known to the checker is weighed where the figure gets its meaning."""
        return self.rests_on.trust


@final
@dataclass(frozen=True, slots=True, init=False)
class ProvenAmount(Proven):
    """The figure of a claim, in base units: at least zero for a holding, at most zero for a debt.

    Attributes:
        rests_on: The word or the account that holds the figure, or the call that returned it.
        bound_by: Accounts and words that prove the code which gives the figure its meaning; empty for native coin
            and where the checker's policy took unreviewed code.
        as_of: The moment asked for. `moment` says how the block stands to it.
        trust: The weakest of each fact along the trail, code included.
    """

    rests_on: ProvenWord | ProvenAccount | ProvenCall
    claim: Claim
    amount: int
    as_of: Timestamp
    moment: Moment
    header: ProvenHeader
    bound_by: tuple[ProvenAccount | ProvenWord, ...]
    trust: Trust


@final
@dataclass(frozen=True, slots=True, init=False)
class ProvenPrice(Proven):
    """
    What one whole unit of a group is worth in its quote, as a contract's storage says it: in 1e-18, above zero.

    Attributes:
        rests_on: The word or the call that the price mainly rests on; `bound_by` is what else was read.
        at: The time that the price speaks of, which is the feed's own where it has one.
        as_of, moment, header, trust: As of an amount.
    """

    rests_on: ProvenWord | ProvenCall
    claim: PriceClaim
    price: int
    at: Timestamp
    as_of: Timestamp
    moment: Moment
    header: ProvenHeader
    bound_by: tuple[ProvenAccount | ProvenWord, ...]
    trust: Trust


@final
@dataclass(frozen=True, slots=True, init=False)
class SignedPrice(Proven):
    """
    What a quorum of named signers says of one whole unit of a group: that they signed it is shown, that it is true is
    not. It values an account as a declared price does, and never stands before a proven one.

    Attributes:
        rests_on: The proven word that names the set of signers; the header where the checker's own policy names it.
        price, interval: In 1e-18 of the quote: the price, above zero, and how far the signers say it may be off.
        at: When they say it was so.
        signed_by, size: Who signed, and how many the set has; `number` is the set's.
        as_of, moment, header, bound_by, trust: As of a proven price.
    """

    rests_on: ProvenWord | ProvenHeader
    claim: PriceClaim
    price: int
    interval: int
    at: Timestamp
    signed_by: tuple[Address, ...]
    size: int
    number: int
    as_of: Timestamp
    moment: Moment
    header: ProvenHeader
    bound_by: tuple[ProvenAccount | ProvenWord, ...]
    trust: Trust


P = TypeVar("P", bound=Proven)


def mint(kind: type[P], /, **values: object) -> P:
    """Make a proven value. For the rooms that prove things, right after they have proven it.

    Field *types* are not checked here, so the few callers stay short and are tested.

    Raises:
        TypeError: A field is missing or unknown; a fault of ours.
    """
    names = getattr(kind, "__dataclass_fields__", {}).keys()
    if values.keys() != names:
        raise TypeError(f"{kind.__name__} takes exactly {sorted(names)}, got {sorted(values)}")
    made = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def trail(value: Proven | TrustRoot) -> Iterator[Proven | TrustRoot]:
    """The value, what it rests on, and so on down to the trust root."""
    step: Proven | TrustRoot | None = value
    while step is not None:
        yield step
        step = getattr(step, "rests_on", None)
