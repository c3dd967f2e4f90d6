"""Points, keys and signatures that are not what they are taken for: refused alike by both backends."""

from __future__ import annotations

import pytest

from tests.simulators.schemes import BACKENDS, scheme_of
from verifier.crypto.bls import KEY_BYTES, ORDER, SIGNATURE_BYTES, KeySet, Scheme
from verifier.errors import BadInput, BadPoint, MalformedPoint, WrongSignature
from verifier.primitives import to_hex

MESSAGE = b"a message"
INFINITE_KEY = b"\xc0" + bytes(47)
INFINITE_SIGNATURE = b"\xc0" + bytes(95)
FIELD = int("1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab", 16)


@pytest.fixture(params=BACKENDS)
def scheme(request: pytest.FixtureRequest) -> Scheme:
    return scheme_of(request.param)


def outside_the_subgroup(scheme: Scheme, width: int) -> bytes:
    """The first x whose point is on the curve; hardly any of those is in the subgroup."""
    for x in range(1, 100):
        data = b"\x80" + bytes(46) + bytes((x,)) + bytes(width - 48)
        try:
            inside = (
                scheme.curve.in_group1(scheme.curve.g1(data))
                if width == KEY_BYTES
                else scheme.curve.in_group2(scheme.curve.g2(data))
            )
        except ValueError:
            continue
        if not inside:
            return data
    raise AssertionError("no such point")


@pytest.mark.covers("BLS-01")
def test_infinity_is_no_key_and_no_signature(scheme: Scheme) -> None:
    """Alone, among others, and as a signature by anyone."""
    key = scheme.public_key(5)
    with pytest.raises(BadPoint) as caught:
        scheme.key_validate(INFINITE_KEY)
    assert caught.value.refusal_class == "SIGNATURE"
    with pytest.raises(BadPoint):
        scheme.key_set([key.raw, INFINITE_KEY])
    with pytest.raises(BadPoint):
        scheme.verify(key, MESSAGE, INFINITE_SIGNATURE)
    with pytest.raises(BadPoint):
        scheme.pop_verify(key, INFINITE_SIGNATURE)


@pytest.mark.covers("BLS-02")
def test_keys_that_cancel_out_sign_nothing(scheme: Scheme) -> None:
    """Two valid keys whose sum is infinity: under it every message would verify."""
    keys = [scheme.public_key(7), scheme.public_key(ORDER - 7)]
    for signature in (INFINITE_SIGNATURE, scheme.sign(7, MESSAGE)):
        with pytest.raises(BadPoint):
            scheme.fast_aggregate_verify(keys, MESSAGE, signature)
    with pytest.raises(BadPoint):
        KeySet(scheme, keys).of_bits((True, True))
    nothing = scheme.aggregate([scheme.sign(7, MESSAGE), scheme.sign(ORDER - 7, MESSAGE)])
    assert nothing == INFINITE_SIGNATURE
    with pytest.raises(BadPoint):
        scheme.aggregate_verify(keys, [MESSAGE, MESSAGE], nothing)
    with pytest.raises(BadPoint):
        scheme.fast_aggregate_verify([], MESSAGE, INFINITE_SIGNATURE)
    with pytest.raises(BadPoint):
        scheme.aggregate_verify([], [], INFINITE_SIGNATURE)


@pytest.mark.covers("BLS-03")
def test_a_rogue_key_has_no_proof_of_possession(scheme: Scheme) -> None:
    """evil - honest: with it evil alone signs for both, and cannot show the secret behind it."""
    honest, evil = scheme.public_key(11), 13
    rogue = scheme.summed(scheme.curve.minus1(scheme.public_key(evil).point, honest.point))
    signature = scheme.sign(evil, MESSAGE)
    scheme.fast_aggregate_verify([honest, rogue], MESSAGE, signature)  # why possession has to be shown
    for proof in (scheme.pop_prove(evil), scheme.pop_prove(11), scheme.sign(evil, rogue.raw)):
        with pytest.raises(WrongSignature):
            scheme.pop_verify(rogue, proof)
    scheme.pop_verify(honest, scheme.pop_prove(11))


@pytest.mark.covers("BLS-03", "BLS-07")
def test_a_proof_of_possession_is_no_signature_and_the_other_way_round(scheme: Scheme) -> None:
    """Each has its own tag."""
    key = scheme.public_key(11)
    with pytest.raises(WrongSignature):
        scheme.pop_verify(key, scheme.sign(11, key.raw))
    with pytest.raises(WrongSignature):
        scheme.verify(key, key.raw, scheme.pop_prove(11))


@pytest.mark.covers("BLS-04")
def test_points_outside_the_subgroup_are_refused(scheme: Scheme) -> None:
    """On the curve is not enough, for keys as for signatures."""
    key = outside_the_subgroup(scheme, KEY_BYTES)
    with pytest.raises(BadPoint) as caught:
        scheme.key_validate(key)
    assert "outside the subgroup" in str(caught.value)
    signature = outside_the_subgroup(scheme, SIGNATURE_BYTES)
    with pytest.raises(BadPoint):
        scheme.verify(scheme.public_key(5), MESSAGE, signature)
    with pytest.raises(BadPoint):
        scheme.aggregate([signature])
    assert key == outside_the_subgroup(scheme_of("arkworks"), KEY_BYTES)


def encodings(good: bytes) -> dict[str, bytes]:
    """Bytes that stand for no point, or for one in a form that is not the one."""
    flags, rest = good[0], good[1:]
    x = int.from_bytes(good[:48], "big") & ((1 << 381) - 1)
    over = (x + FIELD) if x + FIELD < 1 << 381 else FIELD
    zeros = bytes(len(good) - 1)
    return {
        "empty": b"",
        "short": good[:-1],
        "long": good + b"\x00",
        "uncompressed flag": bytes((flags & 0x7F,)) + rest,
        "uncompressed form": good + bytes(len(good)),
        "x beyond the field": ((1 << 383) | over).to_bytes(48, "big") + good[48:],
        "x is the field": ((1 << 383) | FIELD).to_bytes(48, "big") + good[48:],
        "infinity and a point": bytes((flags | 0x40,)) + rest,
        "infinity with sign": b"\xe0" + zeros,
        "infinity with a bit": b"\xc0" + zeros[:-1] + b"\x01",
        "infinity uncompressed": b"\x40" + zeros,
        "all zero": b"\x00" + zeros,
        "all ones": b"\xff" * len(good),
    }


@pytest.mark.covers("BLS-05")
@pytest.mark.parametrize("name", encodings(bytes(48)))
def test_every_other_encoding_is_refused(scheme: Scheme, name: str) -> None:
    """By its form, before any backend looks at it."""
    key = scheme.public_key(5)
    with pytest.raises(MalformedPoint) as caught:
        scheme.key_validate(encodings(key.raw)[name])
    assert caught.value.refusal_class == "ENCODING"
    signature = scheme.sign(5, MESSAGE)
    with pytest.raises(MalformedPoint):
        scheme.verify(key, MESSAGE, encodings(signature)[name])
    if name in {"x beyond the field", "x is the field"}:
        second = signature[:48] + (FIELD + 1).to_bytes(48, "big")
        with pytest.raises(MalformedPoint):
            scheme.verify(key, MESSAGE, second)


@pytest.mark.covers("BLS-05")
def test_an_x_without_a_point_is_refused(scheme: Scheme) -> None:
    """In the field, well formed, and on no curve."""
    found = 0
    for x in range(1, 20):
        key = b"\x80" + bytes(46) + bytes((x,))
        try:
            scheme.curve.g1(key)
        except ValueError:
            found += 1
            with pytest.raises(MalformedPoint):
                scheme.key_validate(key)
            with pytest.raises((MalformedPoint, BadPoint)):
                scheme.verify(scheme.public_key(5), MESSAGE, key + bytes(48))
            break
    assert found


@pytest.mark.covers("BLS-06")
def test_the_same_key_twice_signs_twice(scheme: Scheme) -> None:
    """A committee may hold a key more than once; each place counts, and none is dropped."""
    key, other = scheme.public_key(5), scheme.public_key(6)
    keys = scheme.key_set([key.raw, other.raw, key.raw, key.raw])
    for bits, total in (
        ((True,) * 4, 21),
        ((True, False, True, False), 10),
        ((False, True, False, False), 6),
        ((True, True, True, False), 16),
    ):
        summed = keys.of_bits(bits)
        assert summed.raw == scheme.public_key(total).raw
    scheme.verify(keys.of_bits((True, True, True, False)), MESSAGE, scheme.sign(16, MESSAGE))
    with pytest.raises(WrongSignature):
        scheme.verify(keys.of_bits((True, True, False, False)), MESSAGE, scheme.sign(16, MESSAGE))
    for wrong in ((), (True,) * 3, (True,) * 5):
        with pytest.raises(BadInput):
            keys.of_bits(wrong)


@pytest.mark.covers("BLS-08")
def test_every_failure_raises_and_none_returns(scheme: Scheme) -> None:
    """Another key, message or signature; verify has nothing to return that could be dropped."""
    key, signature = scheme.public_key(5), scheme.sign(5, MESSAGE)
    assert scheme.verify(key, MESSAGE, signature) is None
    for wrong in (
        lambda: scheme.verify(scheme.public_key(6), MESSAGE, signature),
        lambda: scheme.verify(key, MESSAGE + b"x", signature),
        lambda: scheme.verify(key, MESSAGE, scheme.sign(6, MESSAGE)),
    ):
        with pytest.raises(WrongSignature) as caught:
            wrong()
        assert caught.value.refusal_class == "SIGNATURE"
    for secret in (0, ORDER, -5, ORDER + 5):
        with pytest.raises(BadInput) as shown:
            scheme.sign(secret, MESSAGE)
        assert str(secret) not in str(shown.value) or secret == 0
    with pytest.raises(BadInput):
        scheme.aggregate([])
    with pytest.raises(BadInput):
        scheme.aggregate_verify([key], [MESSAGE, MESSAGE], signature)


def test_both_backends_make_the_same_bytes() -> None:
    """Keys, signatures, sums and proofs."""
    fast, slow = (scheme_of(backend) for backend in BACKENDS)
    for secret in (1, 2**200 + 1, ORDER - 1):
        assert fast.public_key(secret) == slow.public_key(secret)
        assert fast.sign(secret, MESSAGE) == slow.sign(secret, MESSAGE)
    assert fast.pop_prove(99) == slow.pop_prove(99)
    both = [fast.sign(secret, MESSAGE) for secret in (3, 4)]
    assert fast.aggregate(both) == slow.aggregate(both) == fast.sign(7, MESSAGE)
    assert len({fast.public_key(3), slow.public_key(3)}) == 1
    assert to_hex(fast.public_key(1).raw).startswith("0x97f1d3a7")
