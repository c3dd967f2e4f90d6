"""Questions as Ethereum JSON-RPC calls, and the replies as evidence.

Blocks are named by hash where the node allows it (EIP-1898), so that an answer cannot be about a block that moved in
between; by number where it does not, and the judge then finds out. Storage keys are sent as 32 bytes, the one spelling
that every client takes, and in chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from chains.answers import HeaderFields, parse_header, parse_height, parse_proof
from chains.errors import BadAnswer, ByHashRefused, FetchError, NotProvable, TooManyKeys
from chains.hints import parse_code, parse_logs, parse_returned
from chains.receipts import parse_receipts
from chains.replies import Call, Json
from chains.touched import parse_access_list, parse_prestate
from verifier.crypto.keccak import keccak256
from verifier.errors import VerifierError, Where
from verifier.flow import (
    Ask,
    AskCode,
    AskHeader,
    AskHeight,
    AskLogs,
    AskProof,
    AskReceipts,
    AskSaid,
    AskTouched,
    HintMethod,
)
from verifier.headers.decode import candidates, decode_header
from verifier.network import Family
from verifier.primitives import BlockNumber, Hash32, SlotKey, to_hex

KEYS_PER_CALL: Final = 256
"""Geth takes 1,024 and some providers fewer; larger chunks save nothing."""


@dataclass(slots=True)
class Habits:
    """What one endpoint was found to take; it starts with what the protocol promises.

    Attributes:
        unproven: The newest block whose state it was found not to prove, or says so: such a window only moves on.
    """

    by_hash: bool = True
    keys_per_call: int = KEYS_PER_CALL
    unproven: int | None = None

    def learns(self, error: FetchError, plan: Plan) -> bool:
        """Whether the error says how to ask otherwise; then the habit is changed, and the question worth repeating."""
        if isinstance(error, ByHashRefused) and plan.by_hash:
            self.by_hash = False
            return True
        if isinstance(error, TooManyKeys) and plan.keys > 1:
            self.keys_per_call = min(self.keys_per_call, max(1, plan.keys // 2))
            return True
        if isinstance(error, NotProvable) and plan.tried is not None:
            self.unproven = max(plan.tried, plan.tried if self.unproven is None else self.unproven)
        return False

    def reaches(self, questions: Sequence[Ask[object]]) -> bool:
        """Whether no question asks for state that the endpoint is known not to prove."""
        known = self.unproven
        return known is None or all(not isinstance(one, AskProof) or one.number > known for one in questions)


@dataclass(frozen=True, slots=True)
class Plan:
    """The calls that ask one question, and how their results are read. `read` raises FetchError or Malformed.

    Attributes:
        tried: The block whose state is asked for, where it may be too old to be proven.
    """

    calls: tuple[Call, ...]
    read: Callable[[Sequence[object]], object]
    by_hash: bool = False
    keys: int = 0
    tried: BlockNumber | None = None


def plan(question: Ask[object], family: Family, habits: Habits, endpoint: str) -> Plan:
    """How an endpoint of these habits is asked."""
    if isinstance(question, AskHeight):
        if question.final:
            return _plan_final(family, endpoint)
        return Plan((Call("eth_blockNumber", ()),), lambda results: parse_height(results[0], endpoint))
    if isinstance(question, AskHeader):
        return _plan_header(question, family, endpoint)
    if isinstance(question, AskProof):
        return _plan_proof(question, habits, endpoint)
    if isinstance(question, AskReceipts):
        block = block_parameter(question.block_hash, question.number, by_hash=habits.by_hash)
        call = Call("eth_getBlockReceipts", (block,))
        return Plan((call,), lambda results: parse_receipts(results[0], endpoint), by_hash=habits.by_hash)
    if isinstance(question, AskCode):
        return _plan_code(question, habits, endpoint)
    if isinstance(question, AskSaid):
        return _plan_said(question, habits, endpoint)
    if isinstance(question, AskLogs):
        return _plan_logs(question, endpoint)
    if isinstance(question, AskTouched):
        return _plan_touched(question, habits, endpoint)
    raise TypeError(f"no way to ask a {type(question).__name__}")


def _plan_final(family: Family, endpoint: str) -> Plan:
    """The block that the endpoint calls final, for its number."""

    def read(results: Sequence[object]) -> BlockNumber:
        answer = parse_header(results[0], endpoint, "the final block")
        header = choose(answer, BlockNumber(0), family, endpoint)
        return decode_header(header, family, Where(network=endpoint)).number

    return Plan((Call("eth_getBlockByNumber", ("finalized", False)),), read)


def chain_id_call() -> Call:
    """The call that tells which chain an endpoint says it serves."""
    return Call("eth_chainId", ())


# --- headers ---------------------------------------------------------------------------------------------


def _plan_header(question: AskHeader, family: Family, endpoint: str) -> Plan:
    block = question.block
    if isinstance(block, bytes):
        call, what = Call("eth_getBlockByHash", (to_hex(block), False)), f"block {to_hex(block)}"
    else:
        call, what = Call("eth_getBlockByNumber", (hex(block), False)), f"block {block}"

    def read(results: Sequence[object]) -> bytes:
        answer = parse_header(results[0], endpoint, what)
        return choose(answer, block, family, endpoint)

    return Plan((call,), read)


def choose(answer: HeaderFields, asked: Hash32 | BlockNumber, family: Family, endpoint: str) -> bytes:
    """
    Of the headers that a block answer may mean, the one with the hash asked for, or stated, or the first.

    The last is no mistake: no hash fits, so the judge shall see what came, and refuse it by its own rule.

    Raises:
        BadAnswer: The fields make no header at all.
    """
    wanted = asked if isinstance(asked, bytes) else answer.stated
    first: bytes | None = None
    try:
        for rlp in candidates(answer.fields, family):
            if wanted is None or keccak256(rlp) == wanted:
                return rlp
            first = first if first is not None else rlp
    except VerifierError as error:
        raise BadAnswer(endpoint, f"a block without a header: {error}") from None
    if first is None:
        raise BadAnswer(endpoint, "a block without the fields of a header")
    return first


# --- proofs ----------------------------------------------------------------------------------------------


def _plan_proof(question: AskProof, habits: Habits, endpoint: str) -> Plan:
    size = habits.keys_per_call
    slots = tuple(dict.fromkeys(question.slots))
    chunks = [slots[i : i + size] for i in range(0, len(slots), size)] or [()]
    block = block_parameter(question.block_hash, question.number, by_hash=habits.by_hash)
    calls = tuple(proof_call(bytes(question.address), chunk, block) for chunk in chunks)

    def read(results: Sequence[object]) -> tuple[bytes, ...]:
        nodes: dict[bytes, None] = {}
        for result, chunk in zip(results, chunks, strict=True):
            nodes.update(dict.fromkeys(parse_proof(result, question.address, chunk, endpoint)))
        return tuple(nodes)

    tried = question.number if question.deep else None
    return Plan(calls, read, by_hash=habits.by_hash, keys=max(len(chunk) for chunk in chunks), tried=tried)


# --- hints, and code that counts by its hash -------------------------------------------------------------


def _plan_code(question: AskCode, habits: Habits, endpoint: str) -> Plan:
    block = block_parameter(question.block_hash, question.number, by_hash=habits.by_hash)
    call = Call("eth_getCode", (to_hex(question.address), block))
    return Plan((call,), lambda results: parse_code(results[0], endpoint), by_hash=habits.by_hash)


def _plan_said(question: AskSaid, habits: Habits, endpoint: str) -> Plan:
    block = block_parameter(question.block_hash, question.number, by_hash=habits.by_hash)
    call = Call("eth_call", ({"to": to_hex(question.address), "data": to_hex(question.data)}, block))
    return Plan((call,), lambda results: parse_returned(results[0], endpoint), by_hash=habits.by_hash)


def _plan_logs(question: AskLogs, endpoint: str) -> Plan:
    wanted: Json = {
        "address": to_hex(question.address),
        "topics": [to_hex(question.topic)],
        "fromBlock": hex(question.first),
        "toBlock": hex(question.last),
    }
    return Plan((Call("eth_getLogs", (wanted,)),), lambda results: parse_logs(results[0], endpoint))


def _plan_touched(question: AskTouched, habits: Habits, endpoint: str) -> Plan:
    """What a call touches: an access list, or the state before it that a tracer saw."""
    asked = question.call
    message: Json = {
        "to": to_hex(asked.to),
        "from": to_hex(asked.sender),
        "data": to_hex(asked.data),
        "gas": hex(asked.gas),
    }
    block = block_parameter(question.block_hash, question.number, by_hash=habits.by_hash)
    if question.method is HintMethod.PRESTATE:
        call = Call("debug_traceCall", (message, block, {"tracer": "prestateTracer"}))
        return Plan((call,), lambda results: parse_prestate(results[0], endpoint), by_hash=habits.by_hash)
    call = Call("eth_createAccessList", (message, block))
    return Plan((call,), lambda results: parse_access_list(results[0], endpoint), by_hash=habits.by_hash)


def block_parameter(block_hash: Hash32, number: BlockNumber, *, by_hash: bool) -> Json:
    """A block as a parameter: by its hash, on the canonical chain only (EIP-1898), or by its number."""
    if by_hash:
        return {"blockHash": to_hex(block_hash), "requireCanonical": True}
    return hex(number)


def proof_call(address: bytes, slots: Sequence[SlotKey], block: Json) -> Call:
    """eth_getProof (EIP-1186)."""
    return Call("eth_getProof", (to_hex(address), [to_hex(slot) for slot in slots], block))


__all__ = ["Habits", "Plan", "block_parameter", "chain_id_call", "choose", "plan", "proof_call"]
