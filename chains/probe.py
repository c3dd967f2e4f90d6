"""What one endpoint can do, found out by asking for it: a node that tells its height may still serve no proof.

Each answer is found with the real method. A proof counts as served when its nodes hold the account's path under the
header's own state root: a wrong proof is no proof. The window is searched over a fixed ladder of depths, so a probe
is bounded: at most some thirty calls.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chains.answers import parse_header, parse_height, parse_proof, parse_quantity
from chains.dialects.eth import block_parameter, chain_id_call, choose, proof_call
from chains.errors import BadAnswer, FetchError, WrongChainId, clean
from chains.providers import Line
from chains.replies import Call
from verifier.crypto.keccak import keccak256
from verifier.errors import VerifierError, Where
from verifier.headers.decode import Header, decode_header
from verifier.primitives import Address, BlockNumber, Hash32, slot_key
from verifier.trie.table import NodeTable
from verifier.trie.walk import walk

DEPTHS: Final = (0, 1, 16, 64, 128, 256, 1_024, 8_192, 65_536, 1_000_000)
BATCHES: Final = (1, 10, 50, 100)
KEYS: Final = (1, 64, 256, 1_024)
SECONDS: Final = 60.0
PROBED: Final = Address(bytes(20))
"""The zero address: it exists on most networks, and its absence is as good a proof."""
_QUANTITY: Final = re.compile("0x(0|[1-9a-f][0-9a-f]{0,15})")


@dataclass(frozen=True, slots=True)
class Capability:
    """What an endpoint serves, as far as it was asked.

    Attributes:
        proofs: Whether eth_getProof answers with nodes that hold, at the newest block but one.
        by_hash: Whether it does so for a block named by its hash (EIP-1898); None where nothing is served.
        window: The greatest depth of the ladder at which it does; None where nothing is served.
        batch: The most calls of the ladder that one request could hold.
        keys: The most storage keys of the ladder that one call could hold; None where nothing is served.
        unreached: The least depth of the ladder that was tried at which it does not; None where there is none.
        stated: What the endpoint says of itself by eth_capabilities, where it knows that method; cleaned text.
        oldest: The oldest block whose state it says there that it proves; one above its height where it says none.
        client: Its client's name and version, cleaned; None where it does not tell.
        problems: What was refused, by what was asked.
    """

    endpoint: str
    height: BlockNumber | None
    latency_ms: int | None
    proofs: bool
    by_hash: bool | None
    window: int | None
    unreached: int | None
    batch: int
    keys: int | None
    client: str | None
    stated: Mapping[str, str] | None
    oldest: int | None
    limits_enforced: bool
    problems: Mapping[str, str]

    @property
    def unproven(self) -> int | None:
        """The newest block whose state it does not prove: as found, else as it says where nothing gainsays it."""
        found = None if self.height is None or self.unreached is None else self.height - self.unreached
        if self.oldest is None or self.height is None:
            return found
        said = self.oldest - 1 if self.window is None else min(self.oldest - 1, self.height - self.window - 1)
        return max((value for value in (found, said) if value is not None and value >= 0), default=None)


async def probe(line: Line, *, seconds: float = SECONDS) -> Capability:
    """Ask one endpoint for what it can do. It never raises for what the endpoint does: that is the result."""
    return await _Probe(line, time.monotonic() + seconds).run()


class _Probe:
    """One probe under way."""

    def __init__(self, line: Line, until: float) -> None:
        self._line, self._until, self._problems = line, until, dict[str, str]()

    async def run(self) -> Capability:
        height = await self._height()
        at_head = None if height is None else await self._header(max(0, height - 1))
        by_number = at_head is not None and await self._proves(at_head, by_hash=False)
        by_hash = at_head is not None and await self._proves(at_head, by_hash=True)
        proofs = by_number or by_hash
        window, unreached = (
            await self._window(height, by_hash=by_hash) if proofs and height is not None else (None, None)
        )
        said = await self._said() if height is not None else None
        return Capability(
            endpoint=self._line.name,
            height=height,
            latency_ms=self._line.report().latency_ms,
            proofs=proofs,
            by_hash=by_hash if proofs else None,
            window=window,
            unreached=unreached,
            batch=await self._batch() if height is not None else 0,
            keys=await self._keys(at_head, by_hash=by_hash) if proofs and at_head is not None else None,
            client=await self._client() if height is not None else None,
            stated=None if said is None else {clean(key): clean(value) for key, value in sorted(said.items())[:32]},
            oldest=None if said is None or height is None else stated_oldest(said, height),
            limits_enforced=self._line.transport.limits_enforced,
            problems=dict(self._problems),
        )

    async def _one(self, call: Call, what: str) -> object | None:
        (reply,) = await self._line.call([call], self._until)
        if isinstance(reply, FetchError):
            self._problems.setdefault(what, reply.reason)
            return None
        return reply

    async def _height(self) -> BlockNumber | None:
        chain, height = await self._line.call([chain_id_call(), Call("eth_blockNumber", ())], self._until)
        try:
            for reply in (chain, height):
                if isinstance(reply, FetchError):
                    raise reply
            told = parse_quantity(chain, self._line.name, "chain id")
            if told != self._line.network.chain_id:
                raise WrongChainId(self._line.name, self._line.network.chain_id, told)
            return parse_height(height, self._line.name)
        except FetchError as error:
            self._problems["height"] = error.reason
            return None

    async def _header(self, number: int) -> Header | None:
        family, name = self._line.network.family, self._line.name
        reply = await self._one(Call("eth_getBlockByNumber", (hex(number), False)), f"header of block {number}")
        if reply is None:
            return None
        try:
            answer = parse_header(reply, name, f"block {number}")
            rlp = choose(answer, BlockNumber(number), family, name)
            if answer.stated is not None and keccak256(rlp) != answer.stated:
                raise BadAnswer(name, "a header whose fields do not hash to the hash it states")
            return decode_header(rlp, family, Where(network=self._line.network.name, block=str(number)))
        except (FetchError, VerifierError) as error:
            reason = error.reason if isinstance(error, FetchError) else str(error)
            self._problems.setdefault(f"header of block {number}", clean(reason))
            return None

    async def _proves(self, header: Header, *, by_hash: bool, keys: int = 0) -> bool:
        """Whether a proof of the probed account comes, and its nodes lead somewhere under the header's root."""
        what = f"proof {'by hash' if by_hash else 'by number'}" + (f" of {keys} keys" if keys else "")
        slots = [slot_key(i) for i in range(keys)]
        block = block_parameter(Hash32(header.hash), header.number, by_hash=by_hash)
        reply = await self._one(proof_call(PROBED, slots, block), what)
        if reply is None:
            self._problems.setdefault(what, "null in place of a proof")
            return False
        try:
            nodes = parse_proof(reply, PROBED, slots, self._line.name)
            table = NodeTable.from_hashed((keccak256(node), node) for node in nodes)
            where = Where(network=self._line.network.name, block=str(header.number), address=PROBED)
            walk(header.state_root, keccak256(PROBED), table, where, set())
        except (FetchError, VerifierError) as error:
            self._problems.setdefault(what, clean(error))
            return False
        return True

    async def _window(self, height: BlockNumber, *, by_hash: bool) -> tuple[int | None, int | None]:
        """The deepest rung that is served, and the one that is not; the ladder is climbed until then."""
        deepest: int | None = None
        for depth in DEPTHS:
            if depth >= height:
                break
            header = await self._header(height - depth)
            if header is None:
                break
            if not await self._proves(header, by_hash=by_hash):
                return deepest, depth
            deepest = depth
        return deepest, None

    async def _batch(self) -> int:
        best = 1
        for size in BATCHES[1:]:
            self._line.batch = size
            replies = await self._line.call([Call("eth_blockNumber", ())] * size, self._until)
            refused = next((reply for reply in replies if isinstance(reply, FetchError)), None)
            if refused is not None or self._line.batch < size:
                self._problems.setdefault(f"batch of {size}", refused.reason if refused else "refused, and split")
                break
            best = size
        self._line.batch = best
        return best

    async def _keys(self, header: Header, *, by_hash: bool) -> int | None:
        best: int | None = None
        for count in KEYS:
            if not await self._proves(header, by_hash=by_hash, keys=count):
                break
            best = count
        return best

    async def _client(self) -> str | None:
        reply = await self._one(Call("web3_clientVersion", ()), "client version")
        return clean(reply) if isinstance(reply, str) else None

    async def _said(self) -> Mapping[str, object] | None:
        (reply,) = await self._line.call([Call("eth_capabilities", ())], self._until)
        return {str(key): value for key, value in reply.items()} if isinstance(reply, dict) else None


def stated_oldest(said: Mapping[str, object], height: int) -> int | None:
    """
    The oldest block of which an endpoint says by eth_capabilities that it proves state; None where it does not tell.

    Source: ethereum/execution-apis pull request 755: of `stateproofs`, `disabled` and the optional `oldestBlock`.
    """
    part = said.get("stateproofs")
    if not isinstance(part, dict):
        return None
    if part.get("disabled") is True:
        return height + 1
    told = part.get("oldestBlock")
    if not isinstance(told, str) or _QUANTITY.fullmatch(told) is None:
        return None
    return min(int(told, 16), height + 1)


def _said(capability: Capability) -> str:
    """What it says of old state by eth_capabilities: a hint, which the window was found beside."""
    if capability.oldest is None or capability.height is None:
        return "-"
    return "none" if capability.oldest > capability.height else f"since block {capability.oldest:,}"


def shown(capability: Capability) -> Sequence[tuple[str, str]]:
    """The capability as rows for a table: what, and what was found; and why, where nothing is served."""
    why = {} if capability.proofs else capability.problems
    window = "none" if capability.window is None else f"at least {capability.window:,} blocks"
    by_hash = {None: "-", True: "yes", False: "no, by number"}[capability.by_hash]
    return (
        ("height", "-" if capability.height is None else f"{capability.height:,}"),
        ("latency", "-" if capability.latency_ms is None else f"{capability.latency_ms} ms"),
        ("proofs", "yes" if capability.proofs else "no"),
        ("by block hash", by_hash),
        ("proof window", window),
        ("says it proves", _said(capability)),
        ("calls in a batch", str(capability.batch)),
        ("keys in a call", "-" if capability.keys is None else str(capability.keys)),
        ("client", capability.client or "-"),
        ("limits", "enforced" if capability.limits_enforced else "not enforced"),
        *((f"no {what}", clean(reason)) for what, reason in why.items()),
    )
