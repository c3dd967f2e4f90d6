"""Random EVM programs that mostly stay on their feet: the stack never runs dry, offsets stay small, calls find something."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

PLAIN = {
    # name: (opcode, taken, given)
    "ADD": (0x01, 2, 1), "MUL": (0x02, 2, 1), "SUB": (0x03, 2, 1), "DIV": (0x04, 2, 1), "SDIV": (0x05, 2, 1),
    "MOD": (0x06, 2, 1), "SMOD": (0x07, 2, 1), "ADDMOD": (0x08, 3, 1), "MULMOD": (0x09, 3, 1), "EXP": (0x0A, 2, 1),
    "SIGNEXTEND": (0x0B, 2, 1), "LT": (0x10, 2, 1), "GT": (0x11, 2, 1), "SLT": (0x12, 2, 1), "SGT": (0x13, 2, 1),
    "EQ": (0x14, 2, 1), "ISZERO": (0x15, 1, 1), "AND": (0x16, 2, 1), "OR": (0x17, 2, 1), "XOR": (0x18, 2, 1),
    "NOT": (0x19, 1, 1), "BYTE": (0x1A, 2, 1), "SHL": (0x1B, 2, 1), "SHR": (0x1C, 2, 1), "SAR": (0x1D, 2, 1),
    "ADDRESS": (0x30, 0, 1), "ORIGIN": (0x32, 0, 1), "CALLER": (0x33, 0, 1), "CALLVALUE": (0x34, 0, 1),
    "CALLDATASIZE": (0x36, 0, 1), "CODESIZE": (0x38, 0, 1), "GASPRICE": (0x3A, 0, 1), "RETURNDATASIZE": (0x3D, 0, 1),
    "COINBASE": (0x41, 0, 1), "TIMESTAMP": (0x42, 0, 1), "NUMBER": (0x43, 0, 1), "PREVRANDAO": (0x44, 0, 1),
    "GASLIMIT": (0x45, 0, 1), "CHAINID": (0x46, 0, 1), "SELFBALANCE": (0x47, 0, 1), "BASEFEE": (0x48, 0, 1),
    "BLOBHASH": (0x49, 1, 1), "BLOBBASEFEE": (0x4A, 0, 1), "POP": (0x50, 1, 0),
    "PC": (0x58, 0, 1), "MSIZE": (0x59, 0, 1), "GAS": (0x5A, 0, 1), "JUMPDEST": (0x5B, 0, 0), "PUSH0": (0x5F, 0, 1),
    "CALLDATALOAD": (0x35, 1, 1),
}  # fmt: skip
"""Opcodes whose arguments may be anything. What they say of the block and of the call, nodes say too."""
PRICE = frozenset({0x3A})
BASE_FEE = frozenset({0x48})
"""
Geth answers eth_call with a base fee of zero where no gas price is given, and where one is, GASPRICE tells it. So for geth
one of the two opcodes is left out, by what its calls give. Anvil and EthereumJS answer both without a price as we do.
"""
PUSHES = frozenset(range(0x60, 0x80))
PRECOMPILES = (1, 2, 3, 4, 5, 6, 7, 9, 11, 0x100)
"""Not those of pairings and blobs: each is a fifth or a half of all the work that a call may be here."""
NEWEST_HASHES = (0, 1, 2, 3, 9, 256, 257, 2**64)
"""How far back BLOCKHASH looks from the block's own number, which is no block before it."""


@dataclass
class Program:
    """Bytes under construction, with the height of the stack where they end."""

    rng: random.Random
    others: Sequence[bytes]
    precompiles: bool = True
    code: bytearray = field(default_factory=bytearray)
    height: int = 0

    def push(self, value: int) -> None:
        """PUSH the shortest form of a number."""
        raw = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
        self.code += bytes([0x5F + len(raw)]) + raw
        self.height += 1

    def op(self, opcode: int, taken: int, given: int) -> None:
        """One opcode, with numbers pushed first where the stack is too low."""
        while self.height < taken:
            self.push(self.number())
        self.code.append(opcode)
        self.height += given - taken

    def number(self) -> int:
        """A number of the kind that finds edges."""
        kind = self.rng.randrange(6)
        if kind == 0:
            return self.rng.choice((0, 1, 2, 31, 32, 255, 256, 2**255, 2**256 - 1, 2**128))
        if kind == 1:
            return int.from_bytes(self.rng.choice(self.others), "big")
        return self.rng.getrandbits(self.rng.choice((3, 8, 16, 64, 160, 256)))

    def small(self) -> int:
        return self.rng.randrange(0, 200)

    def address(self) -> int:
        """Some contract's, a precompile's, or one where nothing is."""
        kind = self.rng.randrange(8)
        if kind == 0 and self.precompiles:
            return self.rng.choice(PRECOMPILES)
        return self.rng.getrandbits(160) if kind == 1 else int.from_bytes(self.rng.choice(self.others), "big")


def _with(*makers: str) -> Callable[[Program], None]:
    def run(p: Program) -> None:
        for maker in makers[1:]:
            p.push({"n": p.number, "s": p.small, "a": p.address, "k": lambda: p.rng.randrange(6)}[maker]())
        code = int(makers[0][:2], 16)
        given = int(makers[0][2:])
        p.code.append(code)
        p.height += given - (len(makers) - 1)

    return run


def _call(code: int, *, has_value: bool) -> Callable[[Program], None]:
    def run(p: Program) -> None:
        for _ in range(4):
            p.push(p.small())
        if has_value:
            p.push(p.rng.choice((0, 0, 0, 1)))
        p.push(p.address())
        p.push(p.rng.choice((0, 3_000, 20_000, 60_000)))
        p.code.append(code)
        p.height -= 6 + has_value - 1

    return run


def _create(p: Program) -> None:
    init = p.rng.choice(
        (b"\x60\x01\x60\x00\x53\x60\x01\x60\x00\xf3", b"\x00", b"\xfe", b"\x60\xef\x60\x00\x53\x60\x01\x60\x00\xf3")
    )
    p.push(int.from_bytes(init.ljust(32, b"\x00"), "big"))
    p.push(0)
    p.code.append(0x52)
    p.height -= 2
    two = p.rng.random() < 0.5
    if two:
        p.push(p.small())
    for value in (len(init), 0, 0):
        p.push(value)
    p.code.append(0xF5 if two else 0xF0)
    p.height -= 3 if two else 2


MEMORY = (
    _with("520", "n", "s"), _with("530", "n", "s"), _with("511", "s"), _with("201", "s", "s"), _with("5e0", "s", "s", "s"),
    _with("370", "s", "s", "s"), _with("390", "s", "s", "s"), _with("3c0", "s", "s", "s", "a"),
)  # fmt: skip
STATE = (
    _with("541", "k"), _with("541", "k"), _with("550", "n", "k"), _with("5c1", "k"), _with("5d0", "n", "k"), _with("311", "a"),
    _with("3b1", "a"), _with("3f1", "a"),
)  # fmt: skip
CALLS = (
    _call(0xF1, has_value=True),
    _call(0xF2, has_value=True),
    _call(0xF4, has_value=False),
    _call(0xFA, has_value=False),
)


def _block_hash(p: Program) -> None:
    """BLOCKHASH of a block so many before this one."""
    p.push(p.rng.choice(NEWEST_HASHES))
    p.code += b"\x43\x03\x40"  # NUMBER, SUB, BLOCKHASH


def _returned(p: Program) -> None:
    """RETURNDATACOPY of all there is, so that it never fails."""
    p.code += b"\x3d\x5f"
    p.height += 2
    p.push(p.small())
    p.code.append(0x3E)
    p.height -= 3


def _log(p: Program) -> None:
    topics = p.rng.randrange(5)
    for value in (*(p.rng.randrange(4) for _ in range(topics)), p.rng.randrange(64), p.rng.randrange(64)):
        p.push(value)
    p.code.append(0xA0 + topics)
    p.height -= 2 + topics


def _dup_or_swap(p: Program) -> None:
    depth = p.rng.randrange(1, 5)
    if p.rng.random() < 0.5:
        p.op(0x7F + depth, depth, depth + 1)
    else:
        p.op(0x8F + depth, depth + 1, depth + 1)


def _jump(p: Program) -> None:
    """Over the next byte, always or by what is on the stack, to a JUMPDEST; or to where there is none."""
    conditional = p.rng.random() < 0.5
    if conditional:
        p.op(0x50, 1, 0)  # something on the stack, taken off: what is under it decides
        p.push(p.rng.randrange(2))
    at = len(p.code)
    p.push(at + 4 if at + 4 < 256 else 0)
    p.code += b"\x57\x5b" if conditional else b"\x56\x5b"
    p.height -= 1 + conditional


def program(
    rng: random.Random,
    others: Sequence[bytes],
    *,
    newest: str = "osaka",
    length: int = 40,
    without: AbstractSet[int] = frozenset(),
    precompiles: bool = True,
) -> bytes:
    """
    A program that does `length` things and then returns, reverts or fails.

    Args:
        newest: Osaka's opcodes, or those of Prague.
        without: Opcodes that never run in it. Then no stray PUSH stands in it either, which would make data of an
            opcode and opcodes of the data behind it.
    """
    p = Program(rng, others, precompiles)
    plain = [part for part in PLAIN.values() if part[0] not in without]
    stray = sorted(set(range(256)) - without - (PUSHES if without else set()))
    for _ in range(length):
        kind = rng.random()
        if kind < 0.44:
            p.op(*rng.choice(plain))
        elif kind < 0.58:
            rng.choice(MEMORY)(p)
        elif kind < 0.76:
            rng.choice(STATE)(p)
        elif kind < 0.86:
            rng.choice(CALLS)(p)
        elif kind < 0.88:
            _create(p)
        elif kind < 0.89:
            p.op(0x1E if newest == "osaka" else 0x15, 1, 1)  # CLZ
        elif kind < 0.985:
            rng.choice((_block_hash, _returned, _log, _dup_or_swap, _jump))(p)
        else:
            p.code.append(rng.choice(stray))  # anything at all, from here on
    return bytes(p.code) + _ending(p)


def _ending(p: Program) -> bytes:
    """What is on the stack goes out, as far as eight words; or a revert, a stop, an end of the code."""
    stores = b"".join(b"\x60" + bytes([32 * i]) + b"\x52" for i in range(min(8, max(0, p.height))))
    kind = p.rng.random()
    if kind < 0.8:
        return stores + b"\x61\x01\x20\x60\x00\xf3"
    if kind < 0.9:
        return stores + b"\x60\x60\x60\x00\xfd"
    return b"\x00" if kind < 0.95 else b"\xff"
