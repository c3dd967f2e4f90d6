"""EIP-2537's vectors, as far as signatures need the same arithmetic: sums, multiples, pairings, and bad points.

The precompiles take points as coordinates; our door takes one compressed form, so the coordinates are put into it here.
Mapping to a curve alone is no part of the door (`hash_to_G2` of the BLS suite covers the whole hash), and a pair of
coordinates off the curve has no compressed form at all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.schemes import scheme_of
from verifier.crypto.bls import KEY_BYTES, ORDER, SIGNATURE_BYTES, Scheme
from verifier.crypto.bls_curve import G1, G2
from verifier.errors import BadPoint, MalformedPoint

FIELD = int("1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab", 16)
ONE, TWO = 128, 256
SLOW = 3


def numbers(data: bytes) -> list[int]:
    return [int.from_bytes(data[i : i + 64], "big") for i in range(0, len(data), 64)]


def compressed(data: bytes) -> bytes:
    """Coordinates as the precompiles take them in the compressed form: of one group by 128 bytes, of the other by 256."""
    values = numbers(data)
    width = KEY_BYTES if len(data) == ONE else SIGNATURE_BYTES
    if not any(values):
        return b"\xc0" + bytes(width - 1)
    if len(data) == ONE:
        x, y = values
        return (x | 1 << 383 | (y > (FIELD - 1) // 2) << 381).to_bytes(48, "big")
    x0, x1, y0, y1 = values
    larger = (y1 or y0) > (FIELD - 1) // 2
    return (x1 | 1 << 383 | larger << 381).to_bytes(48, "big") + x0.to_bytes(48, "big")


def one(scheme: Scheme, data: bytes) -> G1:
    return scheme.curve.sum1([]) if not any(data) else scheme.curve.g1(compressed(data))


def two(scheme: Scheme, data: bytes) -> G2:
    return scheme.curve.sum2([]) if not any(data) else scheme.curve.g2(compressed(data))


def times1(scheme: Scheme, point: G1, scalar: int) -> G1:
    total = scheme.curve.sum1([])
    for bit in f"{scalar % ORDER:b}":
        total = scheme.curve.sum1([total, total, point] if bit == "1" else [total, total])
    return total


def split(data: bytes, *widths: int) -> list[list[bytes]]:
    found, position = [], 0
    while position < len(data):
        row = []
        for width in widths:
            row.append(data[position : position + width])
            position += width
        found.append(row)
    return found


def answer(scheme: Scheme, operation: str, data: bytes) -> bytes | bool:
    curve = scheme.curve
    match operation:
        case "add_G1":
            return curve.encode1(curve.sum1([one(scheme, p) for (p,) in split(data, ONE)]))
        case "add_G2":
            return curve.encode2(curve.sum2([two(scheme, p) for (p,) in split(data, TWO)]))
        case "mul_G1" | "multiexp_G1":
            terms = [times1(scheme, one(scheme, p), int.from_bytes(k, "big")) for p, k in split(data, ONE, 32)]
            return curve.encode1(curve.sum1(terms))
        case "mul_G2" | "multiexp_G2":
            rows = split(data, TWO, 32)
            return curve.encode2(
                curve.sum2([curve.times2(two(scheme, p), int.from_bytes(k, "big") % ORDER) for p, k in rows])
            )
        case _:
            pairs = [(one(scheme, p), two(scheme, q)) for p, q in split(data, ONE, TWO)]
            return curve.pairs_match(pairs, curve.sum2([]))


def cases(shared_data: Path, operation: str) -> Any:
    return json.loads((shared_data / "consensus" / "eip2537" / f"{operation}.json").read_text())


@pytest.mark.parametrize("backend", ["arkworks", "py_ecc"])
@pytest.mark.parametrize(
    "operation", ["add_G1", "add_G2", "mul_G1", "mul_G2", "multiexp_G1", "multiexp_G2", "pairing_check"]
)
def test_sums_multiples_and_pairings(shared_data: Path, operation: str, backend: str) -> None:
    """Every good vector on arkworks; the shortest three of each operation on py_ecc."""
    scheme = scheme_of(backend)
    good = sorted(cases(shared_data, operation)["pass"], key=lambda case: len(case["Input"]))
    assert len(good) >= 4
    for case in good if backend == "arkworks" else good[:SLOW]:
        expected: bytes | bool = bytes.fromhex(case["Expected"])
        expected = bool(expected[-1]) if operation == "pairing_check" else compressed(expected)
        assert answer(scheme, operation, bytes.fromhex(case["Input"])) == expected, case["Name"]


@pytest.mark.covers("BLS-04", "BLS-05")
@pytest.mark.parametrize("backend", ["arkworks", "py_ecc"])
def test_points_of_the_bad_vectors_are_refused(shared_data: Path, backend: str) -> None:
    """Outside the subgroup and outside the field, as a key and as a signature."""
    scheme = scheme_of(backend)
    seen = {MalformedPoint: 0, BadPoint: 0}
    for operation, widths in (("multiexp_G1", (ONE, 32)), ("multiexp_G2", (TWO, 32)), ("pairing_check", (ONE, TWO))):
        for case in cases(shared_data, operation)["fail"]:
            error = {"subgroup": BadPoint, "Element": MalformedPoint}.get(
                next(
                    (word for word in case["ExpectedError"].split() if word in {"subgroup", "Element", "fp.Element"}),
                    "",
                ).removeprefix("fp.")
            )
            if error is None:
                continue
            refused = 0
            for row in split(bytes.fromhex(case["Input"]), *widths):
                for part in row:
                    if len(part) == 32 or not any(part) or max(numbers(part)) >> 381:
                        continue
                    try:
                        if len(part) == ONE:
                            scheme.key_validate(compressed(part))
                        else:
                            scheme.aggregate([compressed(part)])
                    except error:
                        refused += 1
            seen[error] += refused
            assert refused or error is MalformedPoint, case[
                "Name"
            ]  # a y beyond the field is not in the compressed form
    assert seen[BadPoint] >= 6
    assert seen[MalformedPoint] >= 3
