"""Typed storage from the command line: a layout and paths, read over one network, every word proven as it comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text
from rich.tree import Tree

from chains.driver import drive
from verifier.app.compile import NetworkSpec
from verifier.app.desks import checker_at, desk_of, lights_at, moment_of
from verifier.app.errors import UsageError
from verifier.app.following import Shelf
from verifier.app.gathering import anchors_of
from verifier.app.json_view import Json, head, step_json, time_json
from verifier.app.quantities import checksummed, rfc3339
from verifier.app.report.escape import clean
from verifier.checker import Checker
from verifier.claims import AccountRead
from verifier.codec import bounded_json
from verifier.codec.storage_layout import Decoded, Place, StorageLayout, decode, parse_layout, resolve, wanted
from verifier.errors import BadInput, LimitExceeded, NotThere, VerifierError
from verifier.evm.gather import Gathering, gather_state
from verifier.flow import Flow, Unanswered
from verifier.gather import Anchored
from verifier.gather_moment import find_snapshot
from verifier.primitives import Address, SlotKey, Timestamp, Word, to_hex
from verifier.proven import ProvenAccount, ProvenHeader, ProvenWord
from verifier.state.asking import Proofs
from verifier.state.ethereum import EMPTY_CODE

MAX_LAYOUT = 8 << 20


@dataclass(frozen=True, slots=True)
class SlotValue:
    """One path: what stands there, and the words that it was read from; or why there is nothing."""

    path: str
    value: Decoded | None
    words: tuple[ProvenWord, ...]
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class SlotsRead:
    """All paths of one contract, under one proven header; no header where no network could be reached."""

    contract: Address
    header: ProvenHeader | None
    account: ProvenAccount | None
    values: tuple[SlotValue, ...]
    failure: str | None
    now: Timestamp
    network: str


def read_layout(path: Path) -> StorageLayout:
    """
    A layout file.

    Raises:
        UsageError: It cannot be read, or is no layout.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_LAYOUT + 1)
        if len(raw) > MAX_LAYOUT:
            raise UsageError(f"{path} is larger than {MAX_LAYOUT} bytes", "give the one contract's storageLayout")
        return parse_layout(bounded_json.loads(raw))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a readable JSON file: {error}", "solc writes storageLayout") from None
    except (BadInput, LimitExceeded) as error:
        raise UsageError(f"{path}: {error}", "solc's storageLayout, or vyper -f layout") from None


def read_slots(
    spec: NetworkSpec,
    contract: Address,
    layout: StorageLayout,
    paths: Sequence[str],
    *,
    at: str | None,
    now: Timestamp,
    seconds: float,
    shelf: Shelf | None = None,
) -> SlotsRead:
    """
    Read paths of a contract's storage at one proven block.

    Args:
        shelf: Where a light client of the network goes on from, and is kept.

    Raises:
        UsageError: A path is not of the layout, or the block is no block.
    """
    places: dict[str, Place] = {}
    for path in paths:
        try:
            places[path] = resolve(layout, path)
        except (BadInput, LimitExceeded) as error:
            raise UsageError(f"{path}: {error}", "write the path as it would stand in the source") from None
    pins, as_of = moment_of(spec, at, now)
    checker = checker_at(spec, pins, now)
    return asyncio.run(_read(spec, contract, layout, places, as_of, checker, shelf, seconds))


async def _read(
    spec: NetworkSpec,
    contract: Address,
    layout: StorageLayout,
    places: Mapping[str, Place],
    as_of: Timestamp,
    checker: Checker,
    shelf: Shelf | None,
    seconds: float,
) -> SlotsRead:
    async with desk_of(spec, seconds) as desk:
        try:
            lights = lights_at(spec, desk, checker, shelf)
            anchored = await anchors_of(as_of, desk, checker, spec.network, lights)
            return await drive(_flow(anchored, contract, layout, places, as_of, checker), desk)
        except (Unanswered, VerifierError) as error:
            return SlotsRead(contract, None, None, (), str(error), checker.now, spec.network.name)


def _flow(
    anchored: Anchored,
    contract: Address,
    layout: StorageLayout,
    places: Mapping[str, Place],
    as_of: Timestamp,
    checker: Checker,
) -> Flow[SlotsRead]:
    header, _, _ = yield from find_snapshot(anchored.header, as_of, checker)
    proofs, values = Proofs(header), dict[str, SlotValue]()
    readers = [_Reader(contract, layout, path, place, values) for path, place in places.items()]
    state = yield from gather_state(proofs, [reader.run for reader in readers], hints=False)
    failed = {list(places)[i]: error for i, error in state.failed.items()}
    found = tuple(values[p] if p in values else SlotValue(p, None, (), str(failed[p])) for p in places)
    account = proofs.accounts.get(contract)
    return SlotsRead(contract, header, account, found, None, checker.now, header.network.name)


class _Reader:
    """Reads one path over whatever is proven so far."""

    def __init__(
        self, contract: Address, layout: StorageLayout, path: str, place: Place, values: dict[str, SlotValue]
    ) -> None:
        self.contract, self.layout, self.path, self.place, self.values = contract, layout, path, place, values

    def run(self, state: Gathering) -> None:
        """Ask for all that the path needs as far as that is known, then decode."""
        known: dict[SlotKey, Word] = {}
        words: dict[SlotKey, ProvenWord] = {}
        while missing := wanted(self.layout, self.place, known):
            state.need([AccountRead(self.contract, missing)])
            account = state.account(self.contract)
            if not account.exists or account.code_hash == EMPTY_CODE:
                raise NotThere(account.where, "the contract's code")
            words.update({slot: state.word(account, slot) for slot in missing})
            known.update({slot: words[slot].word for slot in missing})
        account = state.account(self.contract)
        value = decode(self.layout, self.place, known.__getitem__, account.where)
        self.values[self.path] = SlotValue(self.path, value, tuple(words.values()))


def plain(value: Decoded) -> object:
    """A decoded value as JSON has it: numbers as decimal text, bytes as hex."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return to_hex(value)
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return {name: plain(item) for name, item in value.items()}


def slots_json(found: SlotsRead) -> Json:
    """One object: each path with its value, and the words that prove it."""
    header = found.header
    return {
        **head("slots"),
        "status": "incomplete" if any(v.value is None for v in found.values) or found.failure else "proven",
        "network": found.network,
        "contract": to_hex(found.contract),
        "code_hash": None if found.account is None else to_hex(found.account.code_hash),
        "block": None if header is None else {"number": header.number, "hash": to_hex(header.hash)},
        "time": None if header is None else time_json(header.timestamp),
        "trust": None if header is None else header.trust.word,
        "failure": None if found.failure is None else clean(found.failure),
        "values": [
            {
                "path": clean(value.path),
                "value": None if value.value is None else plain(value.value),
                "failure": None if value.failure is None else clean(value.failure),
                "words": [step_json(word) for word in value.words],
            }
            for value in found.values
        ],
        "now": time_json(found.now),
    }


def slots_tree(found: SlotsRead) -> Tree:
    """The values as a tree, each with the words below it."""
    tree = Tree(Text(f"{checksummed(found.contract)} on {found.network}", style="bold"), guide_style="dim")
    if found.header is None:
        tree.add(Text(f"refused: {clean(found.failure or 'nothing was proven')}", style="bold red"))
        return tree
    tree.add(Text(f"header {found.header.number} at {rfc3339(found.header.timestamp)}, {found.header.trust.word}"))
    for value in found.values:
        if value.value is None:
            tree.add(Text(f"{clean(value.path)}: {clean(value.failure or 'nothing')}", style="bold red"))
            continue
        branch = tree.add(Text(f"{clean(value.path)} = {_shown(value.value)}", style="green"))
        for word in value.words[:64]:
            branch.add(Text(f"slot {to_hex(word.slot)} = {to_hex(word.word)}"))
    return tree


def _shown(value: Decoded) -> str:
    inner = plain(value)
    return inner if isinstance(inner, str) else json.dumps(inner, ensure_ascii=False)
