"""A deployed contract, called by the signatures of its source: `contract.view("balanceOf(address)(uint256)", holder)`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eth_abi import decode, encode
from eth_utils import keccak

from tests.nodes.devnode import DevNode

FAR = 2**256 - 1


def split(text: str) -> list[str]:
    """The types between one pair of parentheses, tuples in one piece: `(a,(b,c)[])` gives `a` and `(b,c)[]`."""
    parts, depth, start = [], 0, 1
    for place, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if (letter == "," and depth == 1) or (letter == ")" and depth == 0):
            parts.append(text[start:place])
            start = place + 1
    return [part for part in parts if part]


def parse(signature: str) -> tuple[str, list[str], list[str]]:
    """A signature with its results, `f(a,b)(c)`: what is hashed, the types taken, the types given."""
    start, depth = signature.index("("), 0
    for place in range(start, len(signature)):
        depth += {"(": 1, ")": -1}.get(signature[place], 0)
        if depth == 0:
            break
    taken, given = signature[start : place + 1], signature[place + 1 :]
    return signature[: place + 1], split(taken), split(given) if given else []


def calldata(signature: str, *values: object) -> str:
    """The input of a call, as hex."""
    hashed, types, _ = parse(signature)
    return f"0x{(keccak(hashed.encode())[:4] + encode(types, values)).hex()}"


@dataclass(frozen=True)
class Contract:
    """A contract on a node."""

    node: DevNode = field(repr=False, compare=False)
    address: str

    def view(self, signature: str, *values: object, block: str = "latest") -> Any:
        """What a view function gives at a block: one value, or a tuple of them."""
        given = parse(signature)[2]
        raw = self.node.call(self.address, calldata(signature, *values), block)
        found = decode(given, bytes.fromhex(raw[2:]))
        return found[0] if len(found) == 1 else found

    def send(self, signature: str, *values: object, sender: str | None = None, value: int = 0) -> dict[str, Any]:
        """Send a transaction, from the node's first account unless told; a revert raises."""
        return self.node.send(self.address, calldata(signature, *values), value, sender=sender)


def create(node: DevNode, bytecode: str, types: str = "()", *values: object) -> Contract:
    """Deploy creation code with its encoded arguments."""
    return Contract(node, node.deploy(bytecode, encode(split(types), values).hex()))
