"""Numbers of statements: they rise whatever the clock and the database do, and none is at the end of the range."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verifier.attest.build import changed, statement
from verifier.app.ledger import MOST_AHEAD, Ledger
from verifier.app.store import Store
from verifier.attest.attestation import Attestation
from verifier.errors import NotAttestable
from verifier.primitives import Hash32, Timestamp


def at(number: int):
    """A statement of its own moment, so that none of them contradicts another."""
    made = statement()
    return changed(made, as_of=Timestamp(made.as_of - number))


def test_a_number_is_the_clock_s_or_one_more_than_the_last(tmp_path: Path) -> None:
    """The clock decides while it goes forward; where it stands still or was set back, numbers go on from the last."""
    times = [1_000, 1_000, 500, 2_000]
    with Store(tmp_path / "x.db") as store:
        ledger = Ledger(store, "signer", lambda: times.pop(0))
        assert [ledger.number(at(i)).sequence for i in range(4)] == [1_000, 1_001, 1_002, 2_000]


def test_places_do_not_share_numbers(tmp_path: Path) -> None:
    """Another account, or another signer, counts by itself."""
    with Store(tmp_path / "x.db") as store:
        ledger, other = (Ledger(store, name, lambda: 7) for name in ("one", "two"))
        assert [ledger.number(at(0)).sequence, ledger.number(at(1)).sequence] == [7, 8]
        assert other.number(at(2)).sequence == 7
        assert ledger.number(changed(at(3), account="another")).sequence == 7


def test_a_number_that_someone_else_gives_is_new_and_not_far_ahead(tmp_path: Path) -> None:
    """One at the end of the range would be the signer's last: refused, as one that was passed is."""
    now = 10**15
    with Store(tmp_path / "x.db") as store:
        ledger = Ledger(store, "signer", lambda: now)
        ledger.take(changed(at(0), sequence=now + MOST_AHEAD))
        with pytest.raises(NotAttestable, match="ahead of the clock"):
            ledger.take(changed(at(1), sequence=now + MOST_AHEAD + 1))
        with pytest.raises(NotAttestable, match="signer is at"):
            ledger.take(changed(at(2), sequence=now + MOST_AHEAD))
        assert ledger.number(at(3)).sequence == now + MOST_AHEAD + 1


def test_of_two_that_sign_at_once_one_is_kept(tmp_path: Path) -> None:
    """Both took a number before either had signed: the second finds the other's word, and its own is not handed out."""
    with Store(tmp_path / "x.db") as store:
        ledger = Ledger(store, "signer")
        first = ledger.number(statement())
        second = ledger.number(changed(statement(), snapshot_digest=Hash32(b"\x77" * 32)))
        with store.transaction() as sql:
            ledger.keep(sql, Attestation(first))
        with pytest.raises(NotAttestable, match="says something else"), store.transaction() as sql:
            ledger.keep(sql, Attestation(second))
        rows = store.rows("SELECT sequence FROM attestations WHERE state = 'signed'")
        assert [row["sequence"] for row in rows] == [first.sequence]
        again = ledger.number(statement())
        with store.transaction() as sql:
            ledger.keep(sql, Attestation(again))
