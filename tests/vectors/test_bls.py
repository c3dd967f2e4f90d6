"""bls12-381-tests v0.1.1 and the EIP-2537 vectors: the same verdict from both backends.

py_ecc takes about half a second for a verification, so it runs on a sample here and on everything in `make soak`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.schemes import BACKENDS, scheme_of
from verifier.crypto.bls import ORDER, Scheme
from verifier.errors import BadInput, BadPoint, MalformedPoint, WrongSignature

HANDLERS = ("aggregate", "aggregate_verify", "batch_verify", "deserialization_G1", "deserialization_G2",
            "fast_aggregate_verify", "hash_to_G2", "sign", "verify")  # fmt: skip
IN_CI = {"verify": 6, "batch_verify": 0, "aggregate_verify": 2, "fast_aggregate_verify": 2, "sign": 2}
REFUSED = (MalformedPoint, BadPoint, WrongSignature, BadInput)


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def cases(shared_data: Path, handler: str) -> dict[str, Any]:
    return json.loads((shared_data / "consensus" / "bls" / f"{handler}.json").read_text())["cases"]


def holds(check: Callable[[], object]) -> bool:
    try:
        check()
    except REFUSED:
        return False
    return True


def answer(scheme: Scheme, handler: str, given: Any) -> object:
    """What the scheme says to one case, in the vectors' own terms: a value, a verdict, or None for a refusal."""
    match handler:
        case "sign":
            secret = int(given["privkey"], 16)
            return "0x" + scheme.sign(secret, raw(given["message"])).hex() if 0 < secret < ORDER else None
        case "aggregate":
            return "0x" + scheme.aggregate([raw(s) for s in given]).hex() if given else None
        case "hash_to_G2":
            tag = b"QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_"
            return scheme.curve.encode2(scheme.curve.hash_to_g2(given["msg"].encode(), tag))
        case "deserialization_G1":
            return holds(lambda: scheme.key_validate(raw(given["pubkey"])))
        case "deserialization_G2":
            return holds(lambda: scheme.aggregate([raw(given["signature"])]))
        case "verify":
            key, message = raw(given["pubkey"]), raw(given["message"])
            return holds(lambda: scheme.verify(scheme.key_validate(key), message, raw(given["signature"])))
        case "fast_aggregate_verify":
            keys = [raw(k) for k in given["pubkeys"]]
            message, signature = raw(given["message"]), raw(given["signature"])
            return holds(
                lambda: scheme.fast_aggregate_verify([scheme.key_validate(k) for k in keys], message, signature)
            )
        case "aggregate_verify":
            keys, messages = [raw(k) for k in given["pubkeys"]], [raw(m) for m in given["messages"]]
            return holds(
                lambda: scheme.aggregate_verify(
                    [scheme.key_validate(k) for k in keys], messages, raw(given["signature"])
                )
            )
        case _:
            triples = zip(given["pubkeys"], given["messages"], given["signatures"], strict=True)
            return all(
                holds(lambda k=k, m=m, s=s: scheme.verify(scheme.key_validate(raw(k)), raw(m), raw(s)))
                for k, m, s in triples
            )


def expected(handler: str, output: Any) -> object:
    if handler == "hash_to_G2":  # affine coordinates, imaginary part second; compressed is imaginary part first
        x0, x1 = (int(part, 16) for part in output["x"].split(","))
        y0, y1 = (int(part, 16) for part in output["y"].split(","))
        field = int(
            "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab", 16
        )
        larger = (y1 or y0) > (field - 1) // 2
        return (x1 | (1 << 383) | (larger << 381)).to_bytes(48, "big") + x0.to_bytes(48, "big")
    return output


def run(shared_data: Path, backend: str, handler: str, most: int | None) -> None:
    scheme = scheme_of(backend)
    found = list(cases(shared_data, handler).items())
    for name, case in found[:most]:
        try:
            got = answer(scheme, handler, case["input"])
        except REFUSED:
            got = None
        assert got == expected(handler, case["output"]), name


@pytest.mark.covers("BLS-01", "BLS-05", "BLS-07")
@pytest.mark.parametrize("handler", HANDLERS)
def test_the_vectors_of_the_scheme(shared_data: Path, handler: str) -> None:
    """Every case on the native backend."""
    run(shared_data, "arkworks", handler, None)


@pytest.mark.covers("BLS-01", "BLS-05")
@pytest.mark.parametrize("handler", HANDLERS)
def test_a_sample_of_the_vectors_on_the_reference(shared_data: Path, handler: str) -> None:
    """All encodings, and the first cases of each handler that pairs."""
    run(shared_data, "py_ecc", handler, IN_CI.get(handler))


@pytest.mark.soak
@pytest.mark.parametrize("handler", HANDLERS)
def test_all_vectors_on_the_reference(shared_data: Path, handler: str) -> None:
    """Every case on py_ecc."""
    run(shared_data, "py_ecc", handler, None)


def test_the_vectors_are_all_there(shared_data: Path) -> None:
    """Nothing is tested in a loop over nothing."""
    assert {h: len(cases(shared_data, h)) for h in HANDLERS} == {
        "aggregate": 5, "aggregate_verify": 4, "batch_verify": 2, "deserialization_G1": 6, "deserialization_G2": 10,
        "fast_aggregate_verify": 6, "hash_to_G2": 3, "sign": 6, "verify": 21,
    }  # fmt: skip
    assert BACKENDS == ("arkworks", "py_ecc")
