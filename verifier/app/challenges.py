"""Challenges that this verifier asked for, each for one statement: recorded when it asks, and used up when it signs.

A challenge shows control until it expires, so that scheduled statements can rest on one signature. Whoever wants a
holder's word for each statement asks for it by a recorded challenge: the statement that is signed over it uses it up,
in the transaction that keeps the statement. A challenge is known by its digest, of which no signature is a part.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from verifier.app.control_file import Control
from verifier.app.errors import UsageError
from verifier.app.store import Store
from verifier.attest.attestation import Attestation
from verifier.attest.control import Challenge
from verifier.errors import NotAttestable, Where
from verifier.primitives import Hash32, to_hex

_HERE: Final = Where(network="attestation")
_CURE: Final = "ask for another: xmargin attest challenge --once"
_FIND: Final = "SELECT used FROM challenges WHERE digest = ?"


@dataclass(frozen=True, slots=True)
class Challenges:
    """
    The challenges in a store.

    Attributes:
        only: Whether those that were not recorded show nothing.
    """

    store: Store
    only: bool = False

    def ask(self, challenge: Challenge) -> None:
        """Record a challenge before it is handed out: it is then good for one statement."""
        self.store.change(
            "INSERT INTO challenges (digest, account, holder, issued_at, valid_until) VALUES (?, ?, ?, ?, ?)",
            (
                to_hex(challenge.eip712_digest),
                challenge.account,
                to_hex(challenge.holder),
                challenge.issued_at,
                challenge.valid_until,
            ),
        )

    def check(self, controls: Iterable[Control], statement: Hash32 | None = None) -> None:
        """
        Refuse challenges that were used up, before anything is signed.

        Args:
            statement: The digest of the statement that is to be signed, where it is fixed: signing it again is no
                second use.

        Raises:
            UsageError: One was used for another statement, or was never asked for where only such count.
        """
        for control in controls:
            rows = self.store.rows(_FIND, (to_hex(control.challenge.eip712_digest),))
            if not rows and self.only:
                raise UsageError(f"{control.name}: nobody asked for this challenge here", _CURE)
            used = rows[0]["used"] if rows else None
            if used is not None and (statement is None or used != to_hex(statement)):
                raise UsageError(f"{control.name}: the challenge was used for the statement {used}", _CURE)

    def use(self, sql: sqlite3.Connection, controls: Iterable[Control], made: Attestation) -> None:
        """
        Use up challenges for a statement, inside the transaction that keeps it.

        Raises:
            NotAttestable: One was used since, in another process; then nothing is kept and nothing handed out.
        """
        statement = to_hex(made.digest)
        for control in controls:
            digest = to_hex(control.challenge.eip712_digest)
            found = sql.execute(_FIND, (digest,)).fetchone()
            if (found is None and self.only) or (found is not None and found[0] not in {None, statement}):
                raise NotAttestable(_HERE, f"the challenge of {control.name} is used up")
            sql.execute("UPDATE challenges SET used = ? WHERE digest = ?", (statement, digest))
