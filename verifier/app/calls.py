"""One proven call from the command line: asked, gathered into a bundle, verified out of that bundle, and shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.text import Text
from rich.tree import Tree

from verifier.app.arguments import call_data, shown
from verifier.app.compile import NetworkSpec
from verifier.app.desks import checker_at, desk_of, lights_at, moment_of
from verifier.app.errors import UsageError
from verifier.app.following import Shelf
from verifier.app.gathering import GatheredBundle, gather_calls
from verifier.app.json_view import Json, head, refusal_json, step_json, time_json
from verifier.app.quantities import checksummed, given_address, rfc3339
from verifier.app.report.escape import clean
from verifier.calls import DEFAULT_GAS, ZERO_ADDRESS, Call
from verifier.checker import Checker
from verifier.claims import CallReading, Claim
from verifier.codec.abi import decode_values, split_types
from verifier.errors import BadInput, MissingEvidence, NotUsable, Where
from verifier.flow import Unanswered
from verifier.primitives import Address, Timestamp, to_hex
from verifier.proven import Ended, ProvenCall, ProvenWord, trail
from verifier.verify import Refusal
from verifier.verify_calls import CallOutcome, call_claim, verify_calls

_FUNCTION = "write 'name(types)(types)' in quotes: the types it takes, then those it returns"
_ARGUMENTS = "give the arguments in the order of the types, each as a word of its own; lists and tuples as JSON"
_ERROR, _PANIC = bytes.fromhex("08c379a0"), bytes.fromhex("4e487b71")
"""Selectors of Solidity's `Error(string)` and `Panic(uint256)`."""


@dataclass(frozen=True, slots=True)
class ProvenAnswer:
    """
    What one call was found to answer.

    Attributes:
        values: The decoded values, in the order of `types`; None where there are none.
        failure: Why there are none, in words; the reason of a revert where it gives one.
        waves: Round trips to the network.
    """

    function: str
    types: Sequence[str]
    outcome: CallOutcome
    values: tuple[object, ...] | None
    failure: str | None
    data: bytes
    bundle_id: bytes
    network: str
    now: Timestamp
    waves: int


@dataclass(frozen=True, slots=True)
class TypedCall:
    """
    A call as it was typed.

    Attributes:
        at: A block hash that is believed by naming it, or a time; None for what the network's own roots say.
        sender: What CALLER says; None for zero.
        gas: Units that the call is given; None for the usual bound.
    """

    contract: str
    function: str
    arguments: Sequence[str]
    at: str | None = None
    sender: str | None = None
    gas: int | None = None


def ask_contract(
    spec: NetworkSpec,
    typed: TypedCall,
    *,
    hints: bool,
    now: Timestamp,
    seconds: float,
    shelf: Shelf | None = None,
) -> ProvenAnswer:
    """
    Gather and verify one call.

    Args:
        shelf: Where a light client of the network goes on from, and is kept.

    Raises:
        UsageError: What was typed is no address, function, argument or block.
    """
    claim, types = _claim(spec, typed)
    pins, as_of = moment_of(spec, typed.at, now)
    checker = checker_at(spec, pins, now)
    gathered, waves = asyncio.run(_gather(spec, claim, as_of, checker, shelf, hints=hints, seconds=seconds))
    believed = replace(checker, roots=gathered.roots, lights=tuple(gathered.states.values()))
    verified = verify_calls(gathered.data, believed)
    outcome = _named(verified.outcomes[0], gathered)
    values, failure = _decoded(outcome, types)
    return ProvenAnswer(
        typed.function,
        types,
        outcome,
        values,
        failure,
        gathered.data,
        verified.bundle_id,
        spec.network.name,
        now,
        waves,
    )


def check_call(
    spec: NetworkSpec,
    typed: TypedCall,
    data: bytes,
    *,
    now: Timestamp,
) -> ProvenAnswer:
    """
    Verify one call out of a bundle, offline: the one that was typed, and no other that the bundle may hold.

    Args:
        data: Untrusted.

    Raises:
        UsageError: What was typed is no address, function, argument or block hash.
        Malformed: The bytes are no bundle of calls.
        MissingEvidence: The bundle holds another call than the one asked for.
    """
    claim, types = _claim(spec, typed)
    pins, _ = moment_of(spec, typed.at, now)
    if typed.at is not None and not pins:
        raise UsageError("--at: a bundle has its own time", "give the hash of a block that you believe, or nothing")
    checker = checker_at(spec, pins, now)
    verified = verify_calls(data, checker)
    outcome = next((one for one in verified.outcomes if _is_asked(one, claim)), None)
    if outcome is None:
        raise MissingEvidence(Where(network=spec.network.name, address=claim.holder), "this call")
    values, failure = _decoded(outcome, types)
    name = spec.network.name
    return ProvenAnswer(typed.function, types, outcome, values, failure, data, verified.bundle_id, name, now, 0)


def _is_asked(outcome: CallOutcome, claim: Claim) -> bool:
    """Whether a call is this one on this network; what its maker says of the answer's types does not matter."""
    chain = outcome.claim.chain_id if isinstance(outcome, Refusal) else outcome.rests_on.network.chain_id
    wanted = claim.reading.call if isinstance(claim.reading, CallReading) else None
    return chain == claim.chain_id and wanted is not None and _asked(outcome) == wanted


def _claim(spec: NetworkSpec, typed: TypedCall) -> tuple[Claim, list[str]]:
    to = _typed_address("contract", typed.contract)
    origin = ZERO_ADDRESS if typed.sender is None else _typed_address("--from", typed.sender)
    try:
        data, returns = call_data(typed.function, typed.arguments)
    except BadInput as error:
        about = error.what.startswith("argument")
        raise UsageError(str(error), _ARGUMENTS if about else _FUNCTION) from None
    types = split_types(returns)
    if not types:
        raise UsageError(f"{typed.function} returns nothing", "ask for a function that returns something")
    try:
        asked = Call(to, data, origin, DEFAULT_GAS if typed.gas is None else typed.gas)
    except BadInput as error:
        raise UsageError(str(error), "ask for less") from None
    return call_claim(spec.network.chain_id, asked, returns), types


def _typed_address(what: str, text: str) -> Address:
    try:
        return given_address(text)
    except ValueError as error:
        raise UsageError(f"{what}: {error}", "give the address as explorers show it") from None


async def _gather(
    spec: NetworkSpec,
    claim: Claim,
    as_of: Timestamp,
    checker: Checker,
    shelf: Shelf | None,
    *,
    hints: bool,
    seconds: float,
) -> tuple[GatheredBundle, int]:
    async with desk_of(spec, seconds) as desk:
        lights = lights_at(spec, desk, checker, shelf)
        gathered = await gather_calls([claim], as_of, desk, checker, hints=hints, lights=lights)
        return gathered, desk.waves[spec.network.chain_id]


def _named(outcome: CallOutcome, gathered: GatheredBundle) -> CallOutcome:
    """A refusal with the reason that only the gatherer knows."""
    error = gathered.failures.get(0)
    if error is None or not isinstance(outcome, Refusal):
        return outcome
    return Refusal(outcome.claim, error, missing=isinstance(error, Unanswered) and not error.lied)


def _decoded(outcome: CallOutcome, types: Sequence[str]) -> tuple[tuple[object, ...] | None, str | None]:
    if isinstance(outcome, Refusal):
        return None, str(outcome.error)
    if outcome.ended is not Ended.RETURNED:
        return None, _why(outcome)
    if not outcome.output and not outcome.code_hashes:
        return None, f"{outcome.where}: there is no contract"
    try:
        values = decode_values(f"({','.join(types)})", outcome.output, outcome.where)
    except NotUsable as error:
        return None, str(error)
    return tuple(shown(kind, value) for kind, value in zip(types, values, strict=True)), None


def _why(outcome: ProvenCall) -> str:
    """A revert's own reason, where it is one of Solidity's."""
    if outcome.ended is Ended.HALTED:
        cure = f" ({outcome.call.gas:,} were given; --gas gives more)" if outcome.halted == "OutOfGasError" else ""
        return f"halted: {outcome.halted}{cure}"
    kind, data = outcome.output[:4], outcome.output[4:]
    try:
        if kind == _ERROR:
            return f"reverted: {clean(str(decode_values('(string)', data, outcome.where)[0]))}"
        if kind == _PANIC:
            return f"reverted: panic {decode_values('(uint256)', data, outcome.where)[0]:#04x}"
    except NotUsable:
        pass
    return f"reverted with {to_hex(outcome.output)}" if outcome.output else "reverted without a reason"


def _asked(outcome: CallOutcome) -> Call | None:
    """The call that was asked for, however it went."""
    if isinstance(outcome, ProvenCall):
        return outcome.call
    return outcome.claim.reading.call if isinstance(outcome.claim.reading, CallReading) else None


def answer_json(answer: ProvenAnswer) -> Json:
    """One object: what was asked, what came back, and the trail."""
    outcome, refused = answer.outcome, isinstance(answer.outcome, Refusal)
    made: Json = {
        **head("call"),
        "status": "refused" if isinstance(outcome, Refusal) else outcome.ended.value,
        "network": answer.network,
        "contract": None if (asked := _asked(outcome)) is None else to_hex(asked.to),
        "function": answer.function,
        "types": list(answer.types),
        "values": None if answer.values is None else list(answer.values),
        "failure": None if answer.failure is None else clean(answer.failure),
        "bundle_id": to_hex(answer.bundle_id),
        "now": time_json(answer.now),
        "round_trips": answer.waves,
        "refusal": refusal_json(outcome) if isinstance(outcome, Refusal) else None,
        "trail": [],
        "trust": None,
    }
    if not refused and isinstance(outcome, ProvenCall):
        made["trail"] = [step_json(step) for step in reversed(tuple(trail(outcome)))]
        trust = outcome.trust
        made["trust"] = {
            "word": trust.word,
            "anchor": trust.anchor.value,
            "settlement": None if trust.settlement is None else trust.settlement.value,
            "bases": sorted({basis.value for basis in trust.bases} | {"unreviewed-code"}),
        }
    return made


def answer_tree(answer: ProvenAnswer) -> Tree:
    """The answer with its trail, for people."""
    tree = Tree(Text(clean(answer.function), style="bold"), guide_style="dim")
    if answer.values is None:
        tree.add(Text(clean(answer.failure or "no answer"), style="bold red"))
    for kind, value in zip(answer.types, answer.values or (), strict=False):
        told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        tree.add(Text(f"{kind}: {clean(told)}", style="green"))
    if not isinstance(answer.outcome, ProvenCall):
        return tree
    outcome, block = answer.outcome, answer.outcome.rests_on
    under = tree.add(Text(f"{answer.network} block {block.number} {to_hex(block.hash)} at {rfc3339(block.timestamp)}"))
    under.add(Text(f"trust: anchor {outcome.trust.anchor.value}; unreviewed-code, which you named yourself"))
    for address, code_hash in sorted(outcome.code_hashes.items()):
        under.add(Text(f"code {checksummed(address)} {to_hex(code_hash)}"))
    for read in outcome.reads:
        if isinstance(read, ProvenWord):
            place = checksummed(Address(read.rests_on.address))
            under.add(Text(f"word {place} {to_hex(read.slot)} = {to_hex(read.word)}"))
    return tree
