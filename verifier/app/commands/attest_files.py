"""What the commands of `xmargin attest` read: files, signers, and the account that a statement is over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.app.commands.state import State, clock, parse_pins, read_bundle, sealed_states

if TYPE_CHECKING:
    from verifier.app.kept import KeptLight
    from verifier.app.service import Run
    from verifier.attest.attestation import Attestation, Trusted
    from verifier.attest.quorum import BlsSet
    from verifier.attest.statement import Binding


def parse_trusted(binding: Binding, signers: Sequence[str], threshold: int, bls: BlsSet | None) -> Trusted:
    """Whose signatures count, as typed."""
    from verifier.app.errors import UsageError
    from verifier.app.quantities import given_address
    from verifier.attest.attestation import Trusted
    from verifier.attest.quorum import SignerSet
    from verifier.errors import VerifierError

    try:
        given = tuple(given_address(signer) for signer in signers)
        return Trusted(binding, SignerSet(given, threshold) if given else None, bls)
    except (VerifierError, ValueError) as error:
        raise UsageError(f"--signer, --threshold: {error}") from None


def read_bls_set(path: Path) -> BlsSet:
    """A set of BLS keys with their proofs of possession: {"threshold": 2, "members": [{"key", "possession"}]}."""
    from verifier.app.aggregating import parse_bls_set

    return parse_bls_set(path.read_bytes(), path.name)


def read_attestation(path: Path) -> Attestation:
    """An attestation from its file; nothing of it is believed."""
    from verifier.attest.attestation import MAX_BYTES, parse_attestation

    with path.open("rb") as file:
        return parse_attestation(file.read(MAX_BYTES + 1))


def account_run(
    state: State, account: Path, bundle: Path | None, pins: Sequence[str], db: Path | None
) -> tuple[Run, tuple[KeptLight, ...]]:
    """The account, verified over a bundle or over its networks, and the light-client states that anchored it."""
    from verifier.app.service import anchors_of, check_account, verify_account

    spec, now = state.account(account, online=bundle is None, db=db), clock()
    with state.shelf(db, spec.beacon.configs, create=spec.has_light_clients) as shelf:
        if bundle is not None:
            data = read_bundle(bundle)
            lights = () if shelf is None else shelf.recorded(anchors_of(data))
            run = check_account(spec, data, now=now, roots=parse_pins(pins, spec), lights=lights)
        else:
            with state.terminal().busy(f"asking {len(spec.endpoints)} networks"):
                run = verify_account(spec, now=now, seconds=state.seconds(), shelf=shelf)
        return run, sealed_states(shelf, run.verified, spec, now)
