"""Challenges that are good for one statement: recorded, used up once, and no other way around."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.verifier.attest.build import changed, statement
from tests.verifier.attest.test_typed_data import challenge
from verifier.app.challenges import Challenges
from verifier.app.control_file import Control
from verifier.app.errors import UsageError
from verifier.app.store import Store
from verifier.attest.attestation import Attestation
from verifier.attest.statement import Shown
from verifier.errors import NotAttestable
from verifier.primitives import Hash32, Timestamp

ONCE = Control("once.json", challenge(), Shown.EIP191, bytes(65))
OTHERS = {
    "nonce": Control("other.json", challenge(nonce=Hash32(b"\x08" * 32)), Shown.EIP191, bytes(65)),
    "account": Control("other.json", challenge(account="other"), Shown.EIP191, bytes(65)),
    "time": Control("other.json", replace(ONCE.challenge, valid_until=Timestamp(ONCE.challenge.valid_until + 1)), Shown.EIP191, bytes(65)),
}  # fmt: skip
FIRST, SECOND = Attestation(statement()), Attestation(changed(statement(), sequence=8))


def used(challenges: Challenges, made: Attestation, *controls: Control) -> None:
    with challenges.store.transaction() as sql:
        challenges.use(sql, controls, made)


def test_a_recorded_challenge_is_good_for_one_statement(tmp_path: Path) -> None:
    """The same statement may be signed over it again; another may not, whatever form of signature comes with it."""
    with Store(tmp_path / "x.db") as store:
        asked = Challenges(store)
        asked.ask(ONCE.challenge)
        asked.check([ONCE])
        used(asked, FIRST, ONCE, ONCE)
        used(asked, FIRST, ONCE)
        asked.check([ONCE], FIRST.digest)
        again = replace(ONCE, name="again.json", kind=Shown.EIP712, signature=b"\x01" * 65)
        for statement_digest in (None, SECOND.digest):
            with pytest.raises(UsageError, match=r"again\.json: the challenge was used for the statement 0x"):
                asked.check([again], statement_digest)
        with pytest.raises(NotAttestable, match=r"the challenge of again\.json is used up"):
            used(asked, SECOND, again)
        assert store.rows("SELECT used FROM challenges") == [{"used": "0x" + FIRST.digest.hex()}]


@pytest.mark.parametrize("other", OTHERS)
def test_what_was_not_recorded_is_not_used_up(tmp_path: Path, other: str) -> None:
    """It shows control until it expires, unless only recorded ones count: a challenge is all of its fields."""
    with Store(tmp_path / "x.db") as store:
        Challenges(store).ask(ONCE.challenge)
        for made in (FIRST, SECOND):
            Challenges(store).check([OTHERS[other]])
            used(Challenges(store), made, OTHERS[other])
        only = Challenges(store, only=True)
        only.check([ONCE])
        with pytest.raises(UsageError, match=r"other\.json: nobody asked for this challenge here"):
            only.check([ONCE, OTHERS[other]])
        with pytest.raises(NotAttestable, match="used up"):
            used(only, FIRST, OTHERS[other])
        used(only, FIRST, ONCE)


def test_a_statement_that_is_not_kept_uses_nothing_up(tmp_path: Path) -> None:
    """The transaction is one: where the second of two is used up, neither is, and nothing else is kept."""
    second = replace(OTHERS["nonce"], name="second.json")
    with Store(tmp_path / "x.db") as store:
        asked = Challenges(store)
        asked.ask(ONCE.challenge)
        asked.ask(second.challenge)
        used(asked, FIRST, second)
        with pytest.raises(NotAttestable, match=r"second\.json"):
            used(asked, SECOND, ONCE, second)
        asked.check([ONCE])
        used(asked, SECOND, ONCE)


def test_what_has_not_expired_is_not_forgotten(tmp_path: Path) -> None:
    """A used challenge stays until it shows nothing any more, however much is pruned."""
    with Store(tmp_path / "x.db") as store:
        asked = Challenges(store)
        asked.ask(ONCE.challenge)
        used(asked, FIRST, ONCE)
        until = ONCE.challenge.valid_until
        for shown, forgotten in ((until, False), (until + 1, True)):
            store.change(
                "INSERT INTO runs (at, command, exit_code, codes, shown, tool_version, schema_version) "
                "VALUES (?, 'verify', 0, '[]', '{}', '0', 1)",
                (shown,),
            )
            store.prune(Timestamp(until + 10))
            assert (store.rows("SELECT digest FROM challenges") == []) is forgotten
