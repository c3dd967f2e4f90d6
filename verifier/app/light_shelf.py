"""Where light clients are kept between runs: sealed, restored after a kill, and judged anew when they are loaded.

A row that fails its seal, or is of another chain, counts as not there: the client begins from its checkpoint again. How
old a state may be is decided where it is used. What was recorded with a run is the checker's own word that a header was
final then; it is looked up by the header that an old bundle begins at.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from verifier.app.kept import KeptLight
from verifier.app.seal import Seal
from verifier.app.store import Store
from verifier.consensus.forks import ConsensusConfig
from verifier.consensus.light_client import LightClientState
from verifier.consensus.sealed import from_bytes, to_bytes
from verifier.errors import Misbehaviour, VerifierError, Where
from verifier.evidence import LightEvidence
from verifier.gather_light import Followed
from verifier.network import Network
from verifier.primitives import ChainId, Hash32, Timestamp, hash32, parse_hex, to_hex
from verifier.trust import Checkpoint

Configs = Mapping[ChainId, ConsensusConfig]
_MAX_RECORDS = 64


@dataclass(frozen=True, slots=True)
class LightShelf:
    """Light clients in a store, under a seal."""

    store: Store
    seal: Seal
    configs: Configs

    def save(self, network: str, held: Followed, at: Timestamp) -> None:
        """Keep where a client stands, in place of where it stood."""
        state = held.state
        self.store.change(
            "INSERT INTO light_clients (chain_id, checkpoint, network, slot, root, at, sealed) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (chain_id, checkpoint) DO UPDATE SET network = excluded.network, "
            "slot = excluded.slot, root = excluded.root, at = excluded.at, sealed = excluded.sealed",
            (
                state.config.chain_id,
                to_hex(state.rests_on.root),
                network,
                state.finalized.slot,
                to_hex(state.finalized.beacon.root),
                at,
                self.seal.close(pack(held, at)),
            ),
        )

    def load(self, chain: ChainId, checkpoint: Checkpoint | None) -> Followed | None:
        """
        Where the client of a checkpoint stands; without one, the newest that began from what endpoints named.

        Raises:
            Misbehaviour: It met a contradiction, and does not go on.
        """
        rows = self.store.rows(
            "SELECT checkpoint, sealed FROM light_clients WHERE chain_id = ? ORDER BY at DESC", (chain,)
        )
        for row in rows:
            if checkpoint is not None and row["checkpoint"] != to_hex(checkpoint.root):
                continue
            found = self._opened(row["sealed"])
            if found is None or found.state.config.chain_id != chain:
                continue
            if found.state.rests_on == checkpoint or (checkpoint is None and found.state.rests_on.operators):
                self._check_stopped(found.state.rests_on)
                return found
        if checkpoint is not None:
            self._check_stopped(checkpoint)
        return None

    def recorded(self, hashes: Mapping[ChainId, Hash32]) -> tuple[LightClientState, ...]:
        """States recorded with runs, for networks by the execution block that evidence begins at, newest first."""
        found: list[LightClientState] = []
        for chain in hashes:
            rows = self.store.rows(
                "SELECT sealed FROM light_records WHERE chain_id = ? GROUP BY root ORDER BY max(run) DESC LIMIT ?",
                (chain, _MAX_RECORDS),
            )
            states = (held.state for row in rows if (held := self._opened(row["sealed"])) is not None)
            found += [state for state in states if _names(state, chain, hashes[chain])]
        return tuple(found)

    def record(self, network: Network, state: LightClientState, at: Timestamp) -> KeptLight:
        """A row for the run that a state anchored."""
        return KeptLight(
            network.chain_id,
            network.name,
            state.finalized.slot,
            to_hex(state.finalized.beacon.root),
            self.seal.close(pack(Followed(state, LightEvidence()), at)),
        )

    def stop(self, network: str, checkpoint: Checkpoint, error: Misbehaviour, at: Timestamp) -> None:
        """Keep what contradicts each other; the client of this checkpoint does not go on."""
        self.store.change(
            "INSERT OR IGNORE INTO light_conflicts (chain_id, checkpoint, network, at, slot, known_root, other_root, "
            "known, other, instead) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                checkpoint.chain_id,
                to_hex(checkpoint.root),
                network,
                at,
                error.slot,
                to_hex(error.known_root),
                to_hex(error.other_root),
                error.known,
                error.other,
                error.instead,
            ),
        )

    def _check_stopped(self, checkpoint: Checkpoint) -> None:
        rows = self.store.rows(
            "SELECT network, slot, known_root, other_root, known, other, instead FROM light_conflicts "
            "WHERE chain_id = ? AND checkpoint = ?",
            (checkpoint.chain_id, to_hex(checkpoint.root)),
        )
        for row in rows:
            slot, shown = row["slot"], [row[name] for name in ("known", "other", "instead")]
            parts = [part for part in shown if isinstance(part, bytes)]
            if isinstance(slot, int) and len(parts) == len(shown):
                roots = (parse_hex(row["known_root"], "root"), parse_hex(row["other_root"], "root"))
                raise Misbehaviour(Where(network=str(row["network"])), slot, *roots, *parts)

    def _opened(self, sealed: object) -> Followed | None:
        body = self.seal.open(sealed) if isinstance(sealed, bytes) else None
        if body is None:
            return None
        try:
            return unpack(body, self.configs)
        except (VerifierError, ValueError, KeyError, TypeError):
            return None  # of another version, or of a chain that is described otherwise now


def _names(state: LightClientState, chain: ChainId, block: Hash32) -> bool:
    named = (state.finalized.execution_hash, state.newest.execution_hash)
    return state.config.chain_id == chain and block in named


def pack(held: Followed, at: Timestamp) -> bytes:
    """A client as bytes for the seal: what it began from and when this was kept, its state, its evidence."""
    point, light = held.state.rests_on, held.evidence
    state = to_bytes(held.state)
    parts = [state, light.bootstrap or b"", light.final or b"", *light.updates]
    head = {
        "chain": point.chain_id,
        "checkpoint": to_hex(point.root),
        "operators": sorted(point.operators),
        "k": point.k,
        "named": point.at,
        "at": at,
        "sizes": [len(part) for part in parts],
    }
    text = json.dumps(head, separators=(",", ":"), sort_keys=True).encode()
    return len(text).to_bytes(4, "big") + text + b"".join(parts)


def unpack(body: bytes, configs: Configs) -> Followed:
    """A client from bytes whose seal was found whole. Raises where they are not of this form, or the state is none."""
    size = int.from_bytes(body[:4], "big")
    head = json.loads(body[4 : 4 + size])
    parts = list(_split(body[4 + size :], head["sizes"]))
    chain = ChainId(head["chain"])
    named = None if head["named"] is None else Timestamp(head["named"])
    root = hash32(parse_hex(head["checkpoint"], "checkpoint"))
    point = Checkpoint(chain, root, frozenset(head["operators"]), head["k"], named)
    state = from_bytes(parts[0], point, configs[chain])
    light = LightEvidence(parts[1] or None, tuple(parts[3:]), parts[2] or None)
    return Followed(state, light)


def _split(data: bytes, sizes: Iterable[int]) -> Iterable[bytes]:
    for size in sizes:
        yield data[:size]
        data = data[size:]
