"""Calls where machines have differed: delegated accounts, precompiles, what is destroyed, made, and returned at the edge.

Each is code over named accounts that says what came of it, and how much gas was left before and after.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import rlp

from tests.nodes.genesis import MONEY
from tests.simulators.trie_builder import keccak
from tests.verifier.evm.test_recursion import RECURSIONS
from verifier.calls import Call
from verifier.claims import AccountRead
from verifier.primitives import Address

SENDER = Address(b"\x5e" * 20)
CONTRACT = Address(b"\xd0" + bytes(18) + b"\x01")
READS = "5a" + "6001" + "54" + "01" + "3d" + "01" + "5f52" + "30" + "602052" + "60405ff3"
"""Tells its gas, a word of its storage, and whose storage that is."""
TOP = "5f5260205260405260605ff3"
"""Returns the three words on top."""

Accounts = dict[str, dict[str, Any]]


def corners() -> tuple[Accounts, list[Call]]:
    """All of them, and the accounts that they need."""
    delegates = {Address(b"\xd1" + bytes(18) + bytes([n])): target for n, target in enumerate(_targets())}
    accounts: Accounts = {_name(SENDER): {"balance": MONEY}, _name(CONTRACT): _account(READS, storage=5)}
    accounts |= {_name(at): _account(f"ef0100{to.hex()}", storage=7) for at, to in delegates.items()}
    calls = [Call(at, b"\x01" * 40, SENDER, 200_000) for at in delegates]
    probes = [*_looks([*delegates, CONTRACT]), *_precompiles(), *_ends(), *_edges()]
    for n, (code, balance) in enumerate(dict.fromkeys(probes)):
        at = Address(b"\xd2" + n.to_bytes(19, "big"))
        accounts[_name(at)] = _account(code, balance=balance)
        calls.append(Call(at, b"\x02" * 5, SENDER, 1_000_000))
    maker, worn = Address(b"\xd3" * 20), Address(b"\xd4" * 20)
    accounts[_name(maker)] = _account("5f5f5ff05f5260205ff3", balance=int(MONEY, 16))
    accounts[_name(worn)] = _account("5f5f5ff05a5f5260205260405ff3", nonce=2**64 - 1)
    return accounts, [*calls, Call(maker, b"", maker, 300_000), Call(worn, b"", SENDER, 300_000)]


def recursing() -> tuple[Accounts, list[Call]]:
    """Contracts that call, or make, themselves as deep as the gas lets them, and say how deep that was."""
    places = {code: recursion(name) for name, code in RECURSIONS.items()}
    accounts = {_name(at): _account(code) for code, at in places.items()}
    return accounts, [Call(Address(at), b"", SENDER, 30_000_000) for at in places.values()]


def recursion(name: str) -> Address:
    """Where one of them stands."""
    return Address(bytes([0xC2, list(RECURSIONS).index(name)]) * 10)


def makers(depth: int) -> list[AccountRead]:
    """
    Where the one that makes itself does so, each out of the one before it.

    Without a hint such a place is found out round by round, since the one within it is.
    """
    places = [recursion("CREATE")]
    for _ in range(depth):
        places.append(Address(keccak(rlp.encode([places[-1], 1]))[12:]))
    return [AccountRead(place) for place in places]


def _name(address: bytes) -> str:
    return f"0x{address.hex()}"


def _account(code: str, *, balance: int = 0, nonce: int = 1, storage: int = 0) -> dict[str, Any]:
    words = {f"0x{1:064x}": f"0x{storage:064x}"} if storage else {}
    return {"balance": hex(balance), "nonce": hex(nonce), "code": f"0x{code}", "storage": words}


def _targets() -> list[bytes]:
    """A contract, a delegate of one, itself, precompiles, nothing, somebody without code, the zero address."""
    first = b"\xd1" + bytes(19)
    return [CONTRACT, first, first[:19] + b"\x02", bytes(19) + b"\x04", bytes(18) + b"\x01\x00", b"\xab" * 20, SENDER, bytes(20)]  # fmt: skip


def _looks(addresses: list[Address]) -> Iterator[tuple[str, int]]:
    """At the size, hash, code and balance of each; and calls of it in each way, twice, and with money."""
    for at in (address.hex() for address in addresses):
        for look in ("3b", "3f", "31"):
            yield f"5a73{at}{look}5a{TOP}", 0
        yield f"60305f600073{at}3c5a60405260605ff3", 0
        for way, value in (("f1", "5f"), ("f2", "5f"), ("f4", ""), ("fa", "")):
            asked = f"60405f60055f{value}73{at}617530{way}"
            yield f"{asked}5a60605260805260a05ff3", 0
            yield f"{asked}50{asked}5a60605260805260a05ff3", 0
        yield f"60405f60055f600173{at}617530f15a60605260805260a05ff3", 5


def _precompiles() -> Iterator[tuple[str, int]]:
    """Every number of theirs and its neighbours, with input of every length that some of them take."""
    for number in (*range(0x14), 0xFF, 0x100, 0x101):
        for size in (0, 32, 64, 96, 128, 160, 192, 213, 256, 288, 384):
            if number not in {0x08, 0x0F} or size < 192:  # a pairing is a fifth of all the work that a call may be here
                yield f"61ffff5f5260405f61{size:04x}5f5f61{number:04x}62030d40f15a3d60605260805260a05260c05ff3", 0


def _ends() -> Iterator[tuple[str, int]]:
    """Contracts that destroy themselves, for somebody, nobody and a precompile, with money and without; and what is seen."""
    for heir in (CONTRACT.hex(), "ab" * 20, b"\x01".rjust(20, b"\x00").hex()):
        for balance in (0, 5):
            yield f"73{heir}ff", balance
    called, look = "5f5f5f5f600185617530f150", f"8031813b5a{TOP}"
    for made in (_create("33ff"), _create(_code("33ff"))):  # while it is made, and when it is called, once and twice
        yield made + look, 7
        yield made + called + look, 7
        yield made + 2 * called + look, 7


def _edges() -> Iterator[tuple[str, int]]:
    """Return data beyond its end, a place made twice, code that may not be, too much of it, writes where none may be."""
    called = f"60405f5f5f5f73{CONTRACT.hex()}617530f150"
    for copy in ("60015f5f3e", "5f5f5f3e", "5f60015f3e", "60011960015f3e", "60405f5f3e", "60415f5f3e"):
        yield f"{copy}5a5f5260205ff3", 0
        yield f"{called}{copy}5a5f5260205ff3", 0
        yield f"{called}{copy}5a5f5260205ffd", 0
    yield f"60015f5f5ff560015f5f5ff55a{TOP}", 0
    for code in ("ef0100", "fe", "00"):
        yield f"{_create(_code(code))}803f5a{TOP}", 0
    for size in (0xC000, 0xC001):
        yield f"61{size:04x}5f5ff05a5f5260205260405ff3", 0
    for write in ("600160015d", "6001600155", "5f5fa0", "5f5f5ff0", "5fff"):
        yield f"{_create(_code(write))}5f5f5f5f84617530fa5a5a{TOP}", 0
    yield f"7f{'ab' * 32}5f526020600160005e60406003601f5e60805ff3", 0


def _stored(code: str) -> str:
    """Puts some code into memory, and its length and place on the stack."""
    length = len(code) // 2
    return f"{0x5F + length:02x}{code}5f5260{length:02x}60{32 - length:02x}"


def _code(code: str) -> str:
    """What is run to make a contract of this code."""
    return f"{_stored(code)}f3"


def _create(init: str) -> str:
    """Makes a contract by running this, and leaves its address."""
    return f"{_stored(init)}5ff0"
