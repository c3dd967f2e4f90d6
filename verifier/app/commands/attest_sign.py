"""`xmargin attest sign`: what was typed made a statement of one's own, or one's word beside a proposer's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.app.commands.attest_control import controls_of
from verifier.app.commands.attest_files import account_run, read_bls_set
from verifier.app.commands.state import State

if TYPE_CHECKING:
    import sqlite3

    from verifier.app.attesting import Beside
    from verifier.app.challenges import Challenges
    from verifier.app.control_file import Control
    from verifier.app.kept import KeptLight
    from verifier.app.service import Run
    from verifier.app.signer import AnySigner
    from verifier.attest.attestation import Attestation, Trusted
    from verifier.attest.quorum import BlsSet
    from verifier.attest.statement import Binding, Shown
    from verifier.primitives import Address, Hash32


@dataclass(frozen=True, slots=True)
class Over:
    """What is to be signed over: an account, by its networks or by a bundle, and who showed control of its holders."""

    account: Path
    bundle: Path | None
    controls: Sequence[Path]
    pins: Sequence[str]
    db: Path | None
    only_asked: bool


@dataclass(frozen=True, slots=True)
class Signing:
    """A verified account and a signer at hand, with the store that keeps what is signed."""

    state: State
    over: Over
    run: Run
    lights: tuple[KeptLight, ...]
    controls: tuple[Control, ...]
    asked: Challenges
    signer: AnySigner
    members: BlsSet | None

    def own(self, trusted: Trusted, valid_for: int, *, doubts: bool) -> Attestation:
        """A statement of one's own, for the signers that are to stand under it."""
        from verifier.app.attesting import Wanted, attest
        from verifier.primitives import ZERO_HASH

        named = trusted.signers or trusted.bls
        quorum = ZERO_HASH if named is None else named.digest
        wanted = Wanted(trusted.binding, valid_for, quorum, self._holders(trusted.binding), doubts)
        store = self.asked.store
        return attest(self.run, wanted, self.signer, store, bls=self.members, lights=self.lights, beside=self._use_up())

    def beside(self, proposal: Attestation) -> Attestation:
        """The very statement of someone else, where one's own verification gives it too."""
        from verifier.app.attesting import cosign

        shown = self._holders(proposal.statement.binding, proposal.digest)
        return cosign(
            self.run,
            proposal,
            self.signer,
            self.asked.store,
            holders=shown,
            bls=self.members,
            lights=self.lights,
            beside=self._use_up(),
        )

    def _holders(self, binding: Binding, statement: Hash32 | None = None) -> Mapping[Address, Shown]:
        self.asked.check(self.controls, statement)
        over, online = self.over, self.over.bundle is None
        return controls_of(self.state, self.controls, binding, self.run, over.pins, over.db, online=online)

    def _use_up(self) -> Beside:
        def beside(sql: sqlite3.Connection, _: int, made: Attestation) -> None:
            self.asked.use(sql, self.controls, made)

        return beside


@contextmanager
def signing(state: State, over: Over, key: str, bls_set: Path | None) -> Iterator[Signing]:
    """The account verified, with the key and the store opened."""
    from verifier.app.challenges import Challenges
    from verifier.app.control_file import read_controls
    from verifier.app.signer import open_signer
    from verifier.app.store import Store

    signer = open_signer(key, os.environ)
    members = None if bls_set is None else read_bls_set(bls_set)
    run, lights = account_run(state, over.account, over.bundle, over.pins, over.db)
    controls = read_controls((*run.spec.controls, *over.controls))
    with Store(state.database(over.db), busy_seconds=state.settings().settings.store.busy_timeout) as store:
        asked = Challenges(store, over.only_asked)
        yield Signing(state, over, run, lights, controls, asked, signer, members)
