"""
Scroll's rollup contract on a local node, compiled from the authors' own sources: batches committed, finalized, reverted.

It is their ScrollChainMockBlob: the contract itself, with versioned hashes of blobs set by hand, since no node here takes blobs. Its
proof verifier and message queues are a stand-in of ours that agrees with everything. The sources ask for one version of the compiler;
they are compiled by the installed one, for which that line alone is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from eth_utils import keccak

from tests.nodes.artifacts import solidity
from tests.nodes.devnode import DevNode
from tests.nodes.packages import package
from tests.nodes.protocols.build import Code, compiled, own
from tests.nodes.protocols.contract import Contract, calldata, create

VERSION = 7
FOLDERS = ("L1/rollup", "L1/system-contract", "libraries", "mocks")
OPENZEPPELIN = "@openzeppelin/contracts-upgradeable"


@cache
def rollup_code() -> Code:
    """The contract's creation code and storage layout."""
    root: Path = package("@scroll-tech/contracts")
    files = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.sol"))]
    wanted = {path.relative_to(root).as_posix(): path.read_text() for path in files if _needed(path)}
    sources = {
        name: text.replace("pragma solidity =0.8.24;", "pragma solidity ^0.8.24;") for name, text in wanted.items()
    }
    folders = [(OPENZEPPELIN + "/", package(OPENZEPPELIN)), ("", root)]
    return compiled("scroll", sources, folders=folders, evmVersion="cancun")["ScrollChainMockBlob"]


def _needed(path: Path) -> bool:
    return path.stem in {"ScrollChain", "ScrollChainMockBlob", "IScrollChain", "SystemConfig"} or "Codec" in path.stem


@dataclass(frozen=True)
class ScrollChain:
    """A deployed rollup contract; the node's first account owns it, commits and proves."""

    node: DevNode
    contract: Contract

    def genesis(self, state_root: bytes) -> bytes:
        """Import the genesis batch; returns its hash."""
        header = bytes(25) + b"\x01" * 32 + bytes(32)
        self.contract.send("importGenesisBatch(bytes,bytes32)", header, state_root)
        self.contract.send("initializeV2()")
        return bytes(self.contract.view("committedBatches(uint256)(bytes32)", 0))

    def commit(self, index: int, parent: bytes) -> bytes:
        """Commit a batch of one blob; returns its header."""
        blob = keccak(index.to_bytes(32, "big"))
        header = bytes([VERSION]) + index.to_bytes(8, "big") + blob + parent
        self.contract.send("setBlobVersionedHash(uint256,bytes32)", 0, blob)
        self.contract.send("commitBatches(uint8,bytes32,bytes32)", VERSION, parent, keccak(header))
        return header

    def finalize(self, header: bytes, state_root: bytes) -> None:
        """Finalize up to a batch, with a proof that nobody looks at."""
        signature = "finalizeBundlePostEuclidV2(bytes,uint256,bytes32,bytes32,bytes)"
        self.contract.send(signature, header, 0, state_root, bytes(32), b"")

    def revert(self, header: bytes) -> None:
        """Take back every batch after one."""
        self.contract.send("revertBatch(bytes)", header)

    def is_finalized(self, index: int) -> bool:
        """The contract's own view."""
        found: bool = self.contract.view("isBatchFinalized(uint256)(bool)", index)
        return found


def deploy_scroll(node: DevNode, chain_id: int) -> ScrollChain:
    """Deploy it behind a proxy."""
    account, silent = node.accounts[0], create(node, own("Silence")["Silence"].bytecode).address
    types = "(uint64,address,address,address,address)"
    logic = create(node, rollup_code().bytecode, types, chain_id, silent, silent, silent, silent)
    start = bytes.fromhex(calldata("initialize(address,address,uint256)", silent, silent, 100)[2:])
    made = create(node, solidity()["Proxy1967"].bytecode, "(address,bytes)", logic.address, start)
    made.send("addSequencer(address)", account)
    made.send("addProver(address)", account)
    return ScrollChain(node, made)
