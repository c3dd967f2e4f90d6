"""The public surface: complete, sorted, loaded when used, and typed as a user would use it."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import verifier
from tests.simulators.world import World, checker, holder, run
from verifier.gather import assemble, gather_section
from verifier.proven import Proven, ProvenAmount, ProvenWord, mint
from verifier.wire import encode_bundle

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def amount() -> ProvenAmount:
    """A proven amount, made in the only way there is."""
    world = World(1, {}, {holder(1): 5})
    believed = checker(world)
    part, _ = run(
        gather_section(world.network, [(0, world.claims()[0])], world.pin(), believed.now, believed), {1: world}
    )
    (found,) = verifier.verify_bundle(encode_bundle(assemble(believed.now, world.claims(), [part])), believed).outcomes
    assert isinstance(found, ProvenAmount)
    return found


def test_everything_exported_exists_and_nothing_else_does() -> None:
    """Each name of `__all__` can be had, once; what is not listed cannot."""
    assert len(set(verifier.__all__)) == len(verifier.__all__)
    assert all(getattr(verifier, name) is not None for name in verifier.__all__)
    with pytest.raises(AttributeError, match="no attribute 'mint'"):
        verifier.mint  # noqa: B018


def test_intended_uses_type_check_and_misuses_do_not() -> None:
    """mypy --strict takes the file of intended uses, whose ignores would be unused if a misuse were allowed."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "tests/typing/public_api.py"],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("args", [(), (None,), (b"", b"", b"")])
def test_a_proven_value_has_no_constructor(args: tuple[object, ...]) -> None:
    """Each proven class refuses to be called."""
    kinds = [kind for kind in Proven.__subclasses__()]
    assert len(kinds) >= 6
    for kind in kinds:
        with pytest.raises(TypeError):
            kind(*args)


@pytest.mark.covers("PRF-08")
def test_a_proven_value_is_not_altered_copied_or_stored(amount: ProvenAmount) -> None:
    """It is frozen, `replace` and `pickle` refuse it, and a copy is the value itself."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        amount.amount = 6  # type: ignore[misc]
    with pytest.raises(TypeError):
        dataclasses.replace(amount, amount=6)
    with pytest.raises(TypeError, match="does not leave its process"):
        pickle.dumps(amount)
    assert copy.copy(amount) is amount
    assert copy.deepcopy(amount) is amount


def test_minting_takes_exactly_the_fields(amount: ProvenAmount) -> None:
    """A field too few or too many is a fault of ours, and raises."""
    with pytest.raises(TypeError, match="takes exactly"):
        mint(ProvenWord, slot=b"", word=b"")
    with pytest.raises(TypeError, match="takes exactly"):
        mint(ProvenWord, rests_on=None, slot=b"", word=b"", amount=1)
