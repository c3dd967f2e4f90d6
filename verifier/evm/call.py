"""A call of a contract, established: run over a proven block's state, and every value it read is proven.

The output is what the contract's own code returns in that block, whoever asks. The code enters by its proven hash,
the block environment comes from the proven header, and a read outside the evidence ends the run with an error that
names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from verifier.calls import DEFAULT_CALL_LIMITS, Call, CallLimits, Work
from verifier.crypto.keccak import keccak256
from verifier.errors import BrokenAncestry, CallTooLarge, MissingEvidence, Unsupported, Where
from verifier.evm.environment import environment
from verifier.evm.state import State
from verifier.forks import Span
from verifier.primitives import ZERO_WORD, Address, Hash32, SlotKey, slot_key, to_hex
from verifier.proven import Ended, ProvenAccount, ProvenCall, ProvenHeader, ProvenWord, mint
from verifier.state.ethereum import EMPTY_CODE


class ProvenState(Protocol):
    """Proven state under one header; each read raises where the evidence does not prove it."""

    def account(self, address: Address) -> ProvenAccount:
        """The account, proven present or absent."""
        ...

    def word(self, account: ProvenAccount, slot: SlotKey) -> ProvenWord:
        """The word at one of its slots."""
        ...


class CodeTable:
    """Contract code by the hash that we computed, with a note of what was used."""

    __slots__ = ("_codes", "used")

    def __init__(self, codes: Iterable[bytes] | Mapping[Hash32, bytes] = ()) -> None:
        self._codes = dict(codes) if isinstance(codes, Mapping) else {keccak256(code): code for code in codes}
        self.used: set[Hash32] = set()

    def get(self, code_hash: Hash32) -> bytes | None:
        """The code, where it is at hand."""
        if code_hash in self._codes:
            self.used.add(code_hash)
        return self._codes.get(code_hash)

    def unused(self) -> list[Hash32]:
        """Hashes of code that no call asked for."""
        return [code_hash for code_hash in self._codes if code_hash not in self.used]


class Reader:
    """
    What a call reads, proven as it is read, counted, and noted for its trail.

    A precompile that the family has and the machine here has not is refused at any touch: code that only asks for its
    balance or its size pays another price there than for an account that nobody touched.
    """

    __slots__ = ("_codes", "_limits", "_refused", "_size", "_state", "_where", "accounts", "coded", "words")

    def __init__(
        self, state: ProvenState, codes: CodeTable, limits: CallLimits, where: Where, refused: Sequence[Span] = ()
    ) -> None:
        self._state, self._codes, self._limits, self._where, self._refused = state, codes, limits, where, refused
        self._size = 0
        self.accounts: dict[Address, ProvenAccount] = {}
        self.words: dict[tuple[Address, SlotKey], ProvenWord] = {}
        self.coded: dict[Address, bytes] = {}

    def account(self, address: Address) -> ProvenAccount:
        """The account, proven present or absent."""
        found = self.accounts.get(address)
        if found is None:
            self._count()
            self._refuse(address)
            found = self.accounts[address] = self._state.account(address)
        return found

    def word(self, account: ProvenAccount, slot: SlotKey) -> ProvenWord:
        """The word at one of its slots."""
        place = (account.address, slot)
        found = self.words.get(place)
        if found is None:
            self._count()
            found = self.words[place] = self._state.word(account, slot)
        return found

    def code(self, account: ProvenAccount) -> bytes:
        """The code that has the account's proven hash."""
        if account.address not in self.coded:
            self.coded[account.address] = code = self._looked_up(account)
            self._size += len(code)
            if self._size > self._limits.code_bytes:
                raise CallTooLarge(self._where, "bytes of code", self._limits.code_bytes, self._size)
        return self.coded[account.address]

    def _looked_up(self, account: ProvenAccount) -> bytes:
        if not account.exists or account.code_hash == EMPTY_CODE:
            return b""
        code = self._codes.get(account.code_hash)
        if code is None:
            raise MissingEvidence(account.where, f"the code with hash {to_hex(account.code_hash)}")
        return code

    def _refuse(self, address: Address) -> None:
        number = int.from_bytes(address, "big")
        for span in self._refused:
            if number in span:
                raise Unsupported(self._where.at(address=address), f"what a call asks of the precompile {span.name}")

    def _count(self) -> None:
        reads = len(self.accounts) + len(self.words)
        if reads >= self._limits.reads:
            raise CallTooLarge(self._where, "accounts and words", self._limits.reads, reads + 1)


class BlockHashes:
    """Hashes of the blocks before a proven one: its parent's, those of proven ancestors, or out of the history ring."""

    __slots__ = ("_header", "_known", "_reader")

    def __init__(self, header: ProvenHeader, reader: Reader, ancestors: Sequence[ProvenHeader]) -> None:
        self._header, self._reader = header, reader
        self._known = {int(header.number) - 1: header.parent_hash}
        for ancestor in ancestors:
            _check_ancestor(header, ancestor)
            self._known[int(ancestor.number)] = ancestor.hash
            self._known[int(ancestor.number) - 1] = ancestor.parent_hash

    def hash_of(self, height: int) -> Hash32:
        """
        The proven hash of a block.

        Raises:
            MissingEvidence: No ancestor at hand and no history contract tells it.
        """
        if height in self._known:
            return self._known[height]
        header = self._header
        ring = header.network.family.history
        if ring is None:
            raise MissingEvidence(header.where, f"the hash of block {height}, which the call asks for by BLOCKHASH,")
        account = self._reader.account(ring.address)
        word = self._reader.word(account, slot_key(height % ring.length))
        if word.word == ZERO_WORD:
            raise MissingEvidence(word.where, f"the hash of block {height}, which the call asks for by BLOCKHASH,")
        return Hash32(bytes(word.word))


def verify_call(
    header: ProvenHeader,
    call: Call,
    state: ProvenState,
    codes: CodeTable,
    *,
    ancestors: Sequence[ProvenHeader] = (),
    limits: CallLimits = DEFAULT_CALL_LIMITS,
    work: Work | None = None,
) -> ProvenCall:
    """
    Establish what a call returns in the state after a proven block, under that block's environment.

    Args:
        call: Ours, from the question.
        state: Proves accounts and words under the header's state root out of untrusted nodes.
        codes: Untrusted; code enters by its proven hash only.
        ancestors: Proven headers below `header`, for BLOCKHASH; the parent and the history contract need none.
        work: Shared with other calls; this one does no more than is left, and takes off what it did.

    Raises:
        Unsupported: The block's fork, an opcode or a precompile is not one that we can run; the error names it.
        CallTooLarge: It does more than `limits` allows.
        Malformed, ProofError: The evidence does not prove some value that the call reads; the error names it.
    """
    from verifier.evm.machine import machine  # the specification's package loads where a call is verified, not before

    where = header.where.at(address=call.to)
    env = environment(header)
    engine = machine(env.fork, where)
    reader = Reader(state, codes, limits, where, env.rules.refused_precompiles)
    hashes = BlockHashes(header, reader, ancestors)
    if work is not None:
        limits = replace(limits, steps=min(limits.steps, work.left))
    ended = engine.run(call, env, State(reader, engine.numbers, call.sender), hashes, limits, where, work)
    outcome = Ended.REVERTED if ended.reverted else Ended.RETURNED if ended.halted is None else Ended.HALTED
    return mint(
        ProvenCall,
        rests_on=header,
        call=call,
        ended=outcome,
        output=ended.output,
        halted=ended.halted,
        reads=(*reader.accounts.values(), *reader.words.values()),
        code_hashes={a: reader.accounts[a].code_hash for a, code in reader.coded.items() if code},
        steps=ended.steps,
    )


def _check_ancestor(header: ProvenHeader, ancestor: ProvenHeader) -> None:
    """An ancestor must have been proven from this very header, or it is a block of some other history."""
    step: object = ancestor
    while step is not None:
        if isinstance(step, ProvenHeader) and step.hash == header.hash and step.network == header.network:
            return
        step = getattr(step, "rests_on", None)
    raise BrokenAncestry(header.where, "an ancestor", f"proven from {to_hex(header.hash)}", to_hex(ancestor.hash))
