"""The tree of exceptions that the package draws is the one that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator

import verifier.errors as errors
from verifier.errors import VerifierError


def drawn() -> Iterator[tuple[str, str]]:
    """Each class of the drawing, with the class that it hangs from."""
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^([ │├└─]{4,})(\w+)", line)
        if found is None:
            continue
        depth, name = len(found[1]), found[2]
        while above and above[-1][0] >= depth:
            above.pop()
        if above:
            yield name, above[-1][1]
        above.append((depth, name))


def made() -> Iterator[tuple[str, str]]:
    """The same, from the classes; private classes between two public ones are passed over."""
    for name in errors.__all__:
        kind = getattr(errors, name)
        if isinstance(kind, type) and issubclass(kind, VerifierError) and kind is not VerifierError:
            yield name, next(base.__name__ for base in kind.__mro__[1:] if not base.__name__.startswith("_"))


def test_the_drawn_tree_is_the_tree() -> None:
    """No class is missing from the drawing, hangs from another one, or is drawn and not there."""
    tree = list(drawn())
    assert len(tree) > 50
    assert dict(made()) == dict(tree)
    assert len(dict(tree)) == len(tree)


def test_every_error_is_given_out() -> None:
    """What a module of the package defines can be imported from the package."""
    below = [VerifierError]
    for kind in below:
        below += kind.__subclasses__()
    public = {kind.__name__ for kind in below if kind.__module__.startswith("verifier.") and kind.__name__[0] != "_"}
    assert public <= set(errors.__all__)
