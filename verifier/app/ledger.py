"""What was signed: numbers that only rise, and one statement for one moment. Kept before anything is handed out.

A number is taken in one transaction and used in a later one, so a kill between the two leaves a gap and never a number
that was given twice. Before a number is taken, the ledger looks whether this signer has said something else of the same
account at the same moment; then nothing is signed.

A number is the microseconds of the clock when it was taken, or one more than the last where that is higher. So the
database need not be the newest one: a copy that is put back does not know what was signed since, and still gives no
number again. A clock that was set back as well gives lower numbers, which receivers refuse, and not the same ones.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from verifier.app.store import Store
from verifier.attest.attestation import Attestation, encode_attestation
from verifier.attest.eip712 import statement_digest
from verifier.attest.statement import Binding, Statement
from verifier.errors import NotAttestable, Where
from verifier.primitives import to_hex

_HERE: Final = Where(network="attestation")
MOST_AHEAD: Final = 86_400 * 10**6
"""Microseconds by which a number that someone else gives may be ahead of our clock: one at the end of the range would
be the last that this signer could ever sign."""
_PLACE: Final = "signer = ? AND account = ? AND chain_id = ? AND contract = ?"


def microseconds() -> int:
    """The clock of this machine, since 1970."""
    return time.time_ns() // 1_000


class Ledger:
    """The statements of one signer, in a store."""

    def __init__(self, store: Store, signer: str, clock: Callable[[], int] = microseconds) -> None:
        self._store, self.signer, self._clock = store, signer, clock

    def number(self, made: Statement) -> Statement:
        """
        The statement with the next number, which is then taken.

        Raises:
            NotAttestable: This signer has already said something else of this account at this moment.
        """
        with self._store.transaction() as sql:
            self._check_one_word(sql, made)
            last = self._last(sql, made.account, made.binding)
            numbered = replace(made, sequence=max(last + 1, self._clock()))
            self._reserve(sql, numbered)
        return numbered

    def take(self, made: Statement) -> None:
        """
        Take the number that someone else has given a statement, for signing beside them.

        Raises:
            NotAttestable: It is not higher than this signer's last, or is ahead of the clock; or the signer has said
                something else.
        """
        with self._store.transaction() as sql:
            if self._signed_already(sql, made):
                return
            self._check_one_word(sql, made)
            last = self._last(sql, made.account, made.binding)
            if made.sequence <= last:
                raise NotAttestable(_HERE, f"its number is {made.sequence}; {self.signer} is at {last}")
            if made.sequence > self._clock() + MOST_AHEAD:
                raise NotAttestable(_HERE, f"its number {made.sequence} is more than a day ahead of the clock")
            self._reserve(sql, made)

    def keep(self, sql: sqlite3.Connection, made: Attestation) -> None:
        """
        Write down what was signed, inside the caller's transaction. The number must have been taken.

        Raises:
            NotAttestable: It was not; or the signer has said something else since, in another process. Then what was
                signed here is kept by nobody and handed out to nobody.
        """
        statement = made.statement
        self._check_one_word(sql, statement)
        changed = sql.execute(
            f"UPDATE attestations SET state = 'signed', digest = ?, file = ? WHERE {_PLACE} AND sequence = ?",  # noqa: S608 - our words
            (to_hex(made.digest), encode_attestation(made), *self._place(statement), statement.sequence),
        )
        if changed.rowcount != 1:
            raise NotAttestable(_HERE, f"the number {statement.sequence} was never taken")

    def _last(self, sql: sqlite3.Connection, account: str, binding: Binding) -> int:
        row = sql.execute(
            f"SELECT coalesce(max(sequence), 0) FROM attestations WHERE {_PLACE}",  # noqa: S608 - our words
            (self.signer, account, binding.chain_id, to_hex(binding.contract)),
        ).fetchone()
        return int(row[0])

    def _signed_already(self, sql: sqlite3.Connection, made: Statement) -> bool:
        found = sql.execute(
            f"SELECT digest FROM attestations WHERE {_PLACE} AND sequence = ? AND state = 'signed'",  # noqa: S608 - our words
            (*self._place(made), made.sequence),
        ).fetchone()
        return found is not None and found[0] == to_hex(statement_digest(made))

    def _check_one_word(self, sql: sqlite3.Connection, made: Statement) -> None:
        other = sql.execute(
            f"SELECT sequence FROM attestations WHERE {_PLACE} AND as_of = ? AND state = 'signed' "  # noqa: S608 - our words
            "AND snapshot_digest <> ?",
            (*self._place(made), made.as_of, to_hex(made.snapshot_digest)),
        ).fetchone()
        if other is not None:
            reason = f"statement {other[0]} of {self.signer} says something else of this account at {made.as_of}"
            raise NotAttestable(_HERE, reason)

    def _reserve(self, sql: sqlite3.Connection, made: Statement) -> None:
        sql.execute(
            "INSERT INTO attestations (signer, account, chain_id, contract, sequence, state, as_of, issued_at, "
            "valid_until, snapshot_digest, bundle) VALUES (?, ?, ?, ?, ?, 'reserved', ?, ?, ?, ?, ?)",
            (
                *self._place(made),
                made.sequence,
                made.as_of,
                made.issued_at,
                made.valid_until,
                to_hex(made.snapshot_digest),
                to_hex(made.bundle_id),
            ),
        )

    def _place(self, made: Statement) -> tuple[str, str, int, str]:
        return (self.signer, made.account, made.binding.chain_id, to_hex(made.binding.contract))
