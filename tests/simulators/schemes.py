"""Both backends of the BLS door, for tests that run on each."""

from __future__ import annotations

from functools import cache

import pytest

from verifier.crypto.bls import Scheme, fast_curve, reference_curve

BACKENDS = ("arkworks", "py_ecc")


@cache
def scheme_of(backend: str) -> Scheme:
    """The scheme over one backend; a skip where its package has no wheel for this machine."""
    curve = fast_curve() if backend == "arkworks" else reference_curve()
    if curve is None:
        pytest.skip(f"{backend} is not installed here")
    return Scheme(curve)
