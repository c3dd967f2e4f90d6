"""What an answer says: an account's fields, its proof, a storage entry."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Literal

from tests.simulators.rpc import Answer, Call, Lie

Part = Literal["account", "storage"]


def altered(change: Callable[[Any], Any], name: str = "altered") -> Lie:
    """The result as `change` makes it: it gets a copy, and returns what is to be said. Error answers stay as they are."""

    def answer(_: Call, said: Answer) -> Answer:
        return {**said, "result": change(copy.deepcopy(said["result"]))} if "result" in said else said

    return Lie(name, answer=answer)


def field(name: str, value: Any) -> Lie:
    """One field of the result (an account's, a header's) has another value, or the value that a callable makes of it."""

    def change(result: Any) -> Any:
        if isinstance(result, dict):
            result[name] = value(result.get(name)) if callable(value) else value
        return result

    return altered(change, f"field {name}")


def without(name: str) -> Lie:
    """One field of the result is missing."""
    return altered(lambda result: {key: value for key, value in result.items() if key != name}, f"without {name}")


def result_is(value: Any) -> Lie:
    """The result is something else altogether."""
    return altered(lambda _: value, "result is")


def wrong_balance(by: int = 1) -> Lie:
    """The account's balance is off, its proof is as it was."""
    return field("balance", lambda was: hex(int(was, 16) + by))


def wrong_nonce(by: int = 1) -> Lie:
    """The account's nonce is off, its proof is as it was."""
    return field("nonce", lambda was: hex(int(was, 16) + by))


def wrong_code_hash() -> Lie:
    """The account's code hash has one bit flipped."""
    return field("codeHash", lambda was: flip(was, -1, 0))


def wrong_storage_hash() -> Lie:
    """The account's storage root has one bit flipped."""
    return field("storageHash", lambda was: flip(was, -1, 0))


def wrong_address(address: str) -> Lie:
    """The answer says that it is about another account."""
    return field("address", address)


def wrong_value(by: int = 1, slot: int = 0) -> Lie:
    """A storage value is off, its proof is as it was."""
    return _slot(slot, lambda entry: {**entry, "value": hex(int(entry["value"], 16) + by)}, "wrong value")


def wrong_key(key: str, slot: int = 0) -> Lie:
    """A storage entry says that it is about another key."""
    return _slot(slot, lambda entry: {**entry, "key": key}, "wrong key")


def minimal_key(slot: int = 0) -> Lie:
    """A key is echoed as minimal hex. Some honest nodes do so: nothing may break."""
    return _slot(slot, lambda entry: {**entry, "key": hex(int(entry["key"], 16))}, "minimal key")


def swapped_slots() -> Lie:
    """The storage entries come in the opposite order."""
    return field("storageProof", lambda was: list(reversed(was)))


def missing_slot(slot: int = -1) -> Lie:
    """One storage entry is left out."""
    return field("storageProof", lambda was: [entry for place, entry in enumerate(was) if place != slot % len(was)])


def no_slots() -> Lie:
    """All storage entries are left out, as some honest nodes do for absent accounts."""
    return field("storageProof", [])


def flipped_node(part: Part = "account", node: int = -1, byte: int = -1, bit: int = 0, slot: int = 0) -> Lie:
    """One bit of one proof node is flipped."""
    return _nodes(part, slot, lambda nodes: _at(nodes, node, lambda was: [flip(was, byte, bit)]), "flipped node")


def dropped_node(part: Part = "account", node: int = -1, slot: int = 0) -> Lie:
    """One proof node is missing: by default the last, which would make the key look absent to a careless reader."""
    return _nodes(part, slot, lambda nodes: _at(nodes, node, lambda _: []), "dropped node")


def truncated_node(part: Part = "account", node: int = -1, slot: int = 0) -> Lie:
    """The last byte of one proof node is missing."""
    return _nodes(part, slot, lambda nodes: _at(nodes, node, lambda was: [was[:-2]]), "truncated node")


def repeated_node(part: Part = "account", node: int = -1, slot: int = 0) -> Lie:
    """One proof node comes twice."""
    return _nodes(part, slot, lambda nodes: _at(nodes, node, lambda was: [was, was]), "repeated node")


def reordered_nodes(part: Part = "account", slot: int = 0) -> Lie:
    """The proof nodes come from leaf to root."""
    return _nodes(part, slot, lambda nodes: list(reversed(nodes)), "reordered nodes")


def surplus_node(part: Part = "account", data: str = "0xc22080", slot: int = 0) -> Lie:
    """A node that leads nowhere is added: harmless, to be dropped."""
    return _nodes(part, slot, lambda nodes: [*nodes, data], "surplus node")


def no_nodes(part: Part = "account", slot: int = 0) -> Lie:
    """The proof is an empty list, which proves nothing about a trie that is not empty."""
    return _nodes(part, slot, lambda _: [], "no nodes")


def absent_account() -> Lie:
    """An account that exists is told to be absent: no balance, empty hashes, and the last node withheld."""

    def change(result: Any) -> Any:
        zero = "0x" + "00" * 32
        slots = [{**entry, "value": "0x0", "proof": []} for entry in result["storageProof"]]
        nodes = result["accountProof"][:-1]
        return {
            **result,
            "balance": "0x0",
            "nonce": "0x0",
            "codeHash": zero,
            "storageHash": zero,
            "accountProof": nodes,
            "storageProof": slots,
        }

    return altered(change, "absent account")


def flip(data: str, byte: int, bit: int) -> str:
    raw = bytearray.fromhex(data.removeprefix("0x"))
    raw[byte % len(raw)] ^= 1 << bit
    return f"0x{raw.hex()}"


def _at(nodes: list[str], place: int, make: Callable[[str], list[str]]) -> list[str]:
    if not nodes:
        return nodes
    place %= len(nodes)
    return [*nodes[:place], *make(nodes[place]), *nodes[place + 1 :]]


def _slot(place: int, change: Callable[[Any], Any], name: str) -> Lie:
    def whole(result: Any) -> Any:
        if result["storageProof"]:
            result["storageProof"][place] = change(result["storageProof"][place])
        return result

    return altered(whole, name)


def _nodes(part: Part, slot: int, change: Callable[[list[str]], list[str]], name: str) -> Lie:
    if part == "storage":
        return _slot(slot, lambda entry: {**entry, "proof": change(entry["proof"])}, name)
    return field("accountProof", change)
