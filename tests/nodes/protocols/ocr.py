"""
Chainlink's off-chain reporting, first and second: libocr's own aggregators, with four oracles of which one may be faulty.

A report holds what three of them observed, and two or more of them sign it; the contract checks signatures and takes the median.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Literal

from eth_abi import encode
from eth_keys.datatypes import PrivateKey
from eth_utils import keccak

from tests.nodes.anvil import Anvil
from tests.nodes.go_modules import bound_code, go_module
from tests.nodes.install import NodeUnavailableError
from tests.nodes.protocols.build import own
from tests.nodes.protocols.contract import Contract, create

LIBOCR = "github.com/smartcontractkit/libocr"
NOBODY = "0x" + "00" * 20
WIDEST = 2**191 - 1
FAULTY = 1
ORACLES = [PrivateKey(sha256(f"oracle {i}".encode()).digest()) for i in range(4)]
Kind = Literal["ocr1", "ocr2"]


def deploy(node: Anvil, kind: Kind) -> Contract:
    """An aggregator of 8 decimals with its oracles and no answer yet; a stand-in where libocr cannot be had."""
    if not have_libocr():
        return create(node, own()[f"{kind.capitalize()}Aggregator"].bytecode, "(uint8)", 8)
    return _first(node) if kind == "ocr1" else _second(node)


@cache
def have_libocr() -> bool:
    """Whether the authors' own contracts can be had here."""
    try:
        return go_module(LIBOCR).is_dir()
    except NodeUnavailableError:
        return False


def let_in(aggregator: Contract, reader: Contract) -> None:
    """Let a contract read an aggregator, as its owner does with a proxy; who asks from outside is let in anyway."""
    if have_libocr():
        aggregator.send("addAccess(address)", reader.address)


def report(kind: Kind, aggregator: Contract, value: int, signed_by: int = FAULTY + 1) -> None:
    """A new round whose median is a value; both contracts ask for one signature more than oracles may be faulty."""
    if not have_libocr():
        aggregator.send("transmit(int192)", value)
        return
    _, _, digest = aggregator.view(f"latestConfigDetails()(uint32,uint32,bytes{16 if kind == 'ocr1' else 32})")
    number = (aggregator.view("latestRound()(uint256)") + 1) << 8 | 1
    around = sorted(max(-WIDEST, min(WIDEST, value + more)) for more in (-1, 0, 1))
    observers = bytes([0, 1, 2]).ljust(32, b"\0")
    if kind == "ocr1":
        context = bytes(11) + digest + number.to_bytes(5, "big")
        said = encode(["bytes32", "bytes32", "int192[]"], [context, observers, around])
        rs, ss, vs = _signed(keccak(said), signed_by)
        aggregator.send("transmit(bytes,bytes32[],bytes32[],bytes32)", said, rs, ss, vs)
        return
    seen = int(aggregator.node.block()["timestamp"], 16)
    said = encode(["uint32", "bytes32", "int192[]", "int192"], [seen, observers, around, 1])
    words = [digest, number.to_bytes(32, "big"), bytes(32)]
    rs, ss, vs = _signed(keccak(keccak(said) + b"".join(words)), signed_by)
    aggregator.send("transmit(bytes32[3],bytes,bytes32[],bytes32[],bytes32)", words, said, rs, ss, vs)


def _signed(digest: bytes, count: int) -> tuple[list[bytes], list[bytes], bytes]:
    made = [key.sign_msg_hash(digest) for key in ORACLES[:count]]
    rs, ss = ([n.to_bytes(32, "big") for n in column] for column in ([s.r for s in made], [s.s for s in made]))
    return rs, ss, bytes(s.v for s in made).ljust(32, b"\0")


def _first(node: Anvil) -> Contract:
    code = bound_code(LIBOCR, "gethwrappers/accesscontrolledoffchainaggregator", "AccessControlledOffchainAggregator")
    types = "(uint32,uint32,uint32,uint32,uint32,address,int192,int192,address,address,uint8,string)"
    made = create(node, code, types, 0, 0, 0, 0, 0, NOBODY, -WIDEST, WIDEST, NOBODY, NOBODY, 8, "A / USD")
    signers, senders = _who(node)
    made.send("setPayees(address[],address[])", senders, senders)
    made.send("setConfig(address[],address[],uint8,uint64,bytes)", signers, senders, FAULTY, 1, b"")
    return made


def _second(node: Anvil) -> Contract:
    code = bound_code(LIBOCR, "gethwrappers2/accesscontrolledocr2aggregator", "AccessControlledOCR2Aggregator")
    types = "(address,int192,int192,address,address,uint8,string)"
    made = create(node, code, types, NOBODY, -WIDEST, WIDEST, NOBODY, NOBODY, 8, "A / USD")
    bounds = b"\1" + b"".join(n.to_bytes(24, "big", signed=True) for n in (-WIDEST, WIDEST))
    kinds = "address[],address[],uint8,bytes,uint64,bytes"
    made.send(f"setConfig({kinds})", *_who(node), FAULTY, bounds, 1, b"")
    return made


def _who(node: Anvil) -> tuple[list[str], list[str]]:
    """The oracles' signing addresses, and the accounts that transmit for them."""
    return [key.public_key.to_checksum_address() for key in ORACLES], list(node.accounts[: len(ORACLES)])
