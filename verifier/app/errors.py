"""What can go wrong under the roof, apart from proofs and networks.

    AppError
    ├── UsageError         wrong usage or configuration: exit code 2
    │   ├── ConfigError      a file or a variable says something that cannot be taken; every problem is listed
    │   └── UnknownName      a network, asset or claim that nobody knows
    ├── SealFailed         the key that seals what the database keeps: refusal class STORE
    ├── SignerFailed       a remote signer gave no signature of its key
    └── StoreError         the database: refusal class STORE
        ├── ForeignStore     not a database of ours, or one of another version
        ├── StoreDamaged     what is in it does not agree with itself
        ├── StoreBusy        another process held it for longer than we wait
        └── StoreFailed      it could not be read or written: disk full, no permission

Every error says what to do next in `remedy`. Text from outside is bounded and escaped where it is shown.
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from verifier.errors import RefusalClass, show


class AppError(Exception):
    """Root of what the roof raises on purpose."""

    exit_code: ClassVar[int] = 1
    refusal_class: ClassVar[RefusalClass] = "INPUT"
    remedy: str = ""


class UsageError(AppError):
    """Wrong usage or configuration."""

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message, self.remedy = message, remedy

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that a file or a variable says wrongly: where (key path, line if known), and what to do."""

    path: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path} (line {self.line})"
        return f"{place}: {self.message}"


class ConfigError(UsageError):
    """A file or a variable says something that cannot be taken; all problems found are listed."""

    def __init__(self, origin: str, problems: Iterable[Problem], remedy: str = "") -> None:
        found = tuple(problems)
        super().__init__(f"{origin}: " + "; ".join(map(str, found)), remedy)
        self.args = (origin, found, remedy)
        self.origin, self.problems = origin, found


class UnknownName(UsageError):
    """A network, asset, claim or command that nobody knows."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = tuple(known)
        super().__init__(f"no {kind} is called {show(name)}", did_you_mean(name, names))
        self.args = (kind, name, names)
        self.kind, self.name, self.known = kind, name, names


class SignerFailed(AppError):
    """A remote signer did not answer, refused, or answered with something else than its key's signature."""

    refusal_class: ClassVar[RefusalClass] = "ATTEST"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason
        self.remedy = "look at the remote signer's own log"

    def __str__(self) -> str:
        return f"{self.name}: no signature: {self.reason}"


class StoreError(AppError):
    """The database cannot be used, or says something that is not so."""

    refusal_class: ClassVar[RefusalClass] = "STORE"

    def __init__(self, path: Path | str, reason: str, remedy: str = "") -> None:
        super().__init__(str(path), reason, remedy)
        self.path, self.reason, self.remedy = str(path), reason, remedy

    def __str__(self) -> str:
        return f"database {Path(self.path).name}: {self.reason}"


class ForeignStore(StoreError):
    """Not a database of ours, or of a version that this program does not read."""

    exit_code: ClassVar[int] = 2


class StoreDamaged(StoreError):
    """What is in the database does not agree with itself: a row was changed outside of this program."""

    exit_code: ClassVar[int] = 3


class StoreBusy(StoreError):
    """Another process held the database for longer than we wait."""


class StoreFailed(StoreError):
    """The database could not be read or written."""


def place_of(error: BaseException) -> str:
    """The file and line that raised an error: they hold no secret, as its words might."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known names, or the first few of them."""
    names = sorted(set(known))
    folded = {n.casefold(): n for n in names}
    near = [folded[n] for n in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]
    if near:
        return "did you mean " + " or ".join(near) + "?"
    if not names:
        return "none is known"
    return "known: " + ", ".join(names[:12]) + ("…" if len(names) > 12 else "")


class SealFailed(AppError):
    """The key that seals what the database keeps of light clients cannot be used."""

    exit_code: ClassVar[int] = 2
    refusal_class: ClassVar[RefusalClass] = "STORE"

    def __init__(self, path: Path, reason: str, remedy: str = "") -> None:
        super().__init__(path, reason, remedy)
        self.path, self.reason, self.remedy = path, reason, remedy

    def __str__(self) -> str:
        return f"the key file {self.path}: {self.reason}"
