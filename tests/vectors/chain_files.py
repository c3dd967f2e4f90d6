"""Real records as the verifier takes them: JSON to fields, header files to networks, state roots to headers.

The networks here hold what a record's dialect says and nothing else; those of the registry are tested elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tests.simulators.trie_builder import keccak
from verifier.consensus.weaker import verify_anchor
from verifier.errors import Where
from verifier.headers.decode import encode_header
from verifier.headers.dialects import NUMBERS
from verifier.network import Dialect, Family, Network, OwnConsensus
from verifier.primitives import ChainId, Hash32
from verifier.proven import ProvenHeader
from verifier.trie.table import NodeTable
from verifier.trust import PinnedBlock

BLANK_HEADER: Mapping[str, bytes | int] = {
    "parentHash": b"\x01" * 32,
    "sha3Uncles": keccak(b"\xc0"),
    "miner": bytes(20),
    "stateRoot": keccak(b"\x80"),
    "transactionsRoot": keccak(b"\x80"),
    "receiptsRoot": keccak(b"\x80"),
    "logsBloom": bytes(256),
    "difficulty": 0,
    "number": 1,
    "gasLimit": 30_000_000,
    "gasUsed": 0,
    "timestamp": 1_700_000_000,
    "extraData": b"",
    "mixHash": bytes(32),
    "nonce": bytes(8),
    "baseFeePerGas": 7,
    "withdrawalsRoot": keccak(b"\x80"),
    "blobGasUsed": 0,
    "excessBlobGas": 0,
    "parentBeaconBlockRoot": bytes(32),
    "requestsHash": keccak(b"requests"),
}
"""A header of Prague, for roots that come without one."""


def data(text: str) -> bytes:
    """Bytes of a record; one source left out the prefix."""
    return bytes.fromhex(text.removeprefix("0x"))


def fields_of(header: Mapping[str, str]) -> dict[str, bytes | int]:
    """Quantities as integers, all else as bytes; keys that are no header fields too."""
    return {k: int(v, 16) if k in NUMBERS or len(v) % 2 else data(v) for k, v in header.items()}


def network_of(dialect: str = "ethereum", chain_id: int = 1, **changes: object) -> Network:
    family = Family(dialect, dialects=(Dialect(dialect),), **changes)
    return Network(ChainId(chain_id), dialect, family, "ETH", OwnConsensus("test"))


def anchored(rlp: bytes, network: Network, block_hash: bytes) -> ProvenHeader:
    """A header that was pinned by hash."""
    return verify_anchor(rlp, network, [PinnedBlock(network.chain_id, Hash32(block_hash))], Where(network.name))


def record_header(record: Mapping, **changes: object) -> ProvenHeader:
    """The header of a record, under the hash that the record states."""
    network = network_of(record["dialect"], record["chain_id"], **changes)
    rlp = encode_header(fields_of(record["header"]), network.family.dialects[0])
    return anchored(rlp, network, data(record["block_hash"]))


def blank_header(**fields: bytes | int) -> ProvenHeader:
    """A made header that holds a root which comes without one."""
    rlp = encode_header({**BLANK_HEADER, **fields}, Dialect.ETHEREUM)
    return anchored(rlp, network_of(), keccak(rlp))


def table_of(nodes: Iterable[bytes]) -> NodeTable:
    """Each node once. What is told beside an empty trie (`0x80`) is no node of it, and servers differ in telling it."""
    return NodeTable.build([node for node in dict.fromkeys(nodes) if node != b"\x80"])


def nodes_of(texts: Sequence[str]) -> list[bytes]:
    return [data(text) for text in texts]
