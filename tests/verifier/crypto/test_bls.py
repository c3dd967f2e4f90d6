"""Which backend is chosen, and sets of keys: the same sum whichever way it is made."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.schemes import scheme_of
from verifier.crypto import bls
from verifier.crypto.bls import ORDER, Scheme, default_scheme, reference_curve
from verifier.crypto.bls_arkworks import Arkworks
from verifier.errors import BadPoint


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    default_scheme.cache_clear()
    yield monkeypatch
    default_scheme.cache_clear()


def test_the_native_backend_is_taken_where_it_is_installed(chosen: pytest.MonkeyPatch) -> None:
    """And chosen once."""
    assert default_scheme().curve.name == "arkworks"
    assert default_scheme() is default_scheme()


def test_without_it_the_reference_does_the_work(chosen: pytest.MonkeyPatch) -> None:
    """A machine without a wheel verifies the same, slowly."""
    chosen.setattr(bls, "fast_curve", lambda: None)
    scheme = default_scheme()
    assert scheme.curve.name == "py_ecc"
    key = scheme.public_key(5)
    scheme.verify(key, b"m", scheme.sign(5, b"m"))


def test_a_backend_that_computes_something_else_is_not_taken(chosen: pytest.MonkeyPatch) -> None:
    """The known signature of a known key decides; with no backend left nothing can be verified."""

    class Wrong(Arkworks):
        def times2(self, point: bls.G2, scalar: int) -> bls.G2:
            return super().times2(point, scalar + 1)

    chosen.setattr(bls, "fast_curve", Wrong)
    assert default_scheme().curve.name == "py_ecc"
    default_scheme.cache_clear()
    chosen.setattr(bls, "reference_curve", Wrong)
    with pytest.raises(ImportError):
        default_scheme()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), min_size=8, max_size=8))
def test_the_sum_of_those_present_is_the_same_by_adding_and_by_taking_away(bits: list[bool]) -> None:
    """Whichever is fewer is worked with; nobody present is refused."""
    scheme = scheme_of("arkworks")
    secrets = [11, 12, 13, 11, 15, 16, 17, 18]
    keys = scheme.key_set([scheme.public_key(s).raw for s in secrets])
    total = sum(s for s, bit in zip(secrets, bits, strict=True) if bit)
    if not total:
        with pytest.raises(BadPoint):
            keys.of_bits(bits)
    else:
        assert keys.of_bits(bits).raw == scheme.public_key(total).raw


@settings(max_examples=20, deadline=None)
@given(st.integers(1, ORDER - 1), st.binary(max_size=64))
def test_what_is_signed_verifies(secret: int, message: bytes) -> None:
    """For any key and message."""
    scheme = scheme_of("arkworks")
    scheme.verify(scheme.public_key(secret), message, scheme.sign(secret, message))


def test_the_reference_is_always_there() -> None:
    """It is a dependency of the distribution on every machine."""
    assert Scheme(reference_curve()).public_key(1).raw.hex().startswith("97f1d3a7")
