"""Which holders of an account are shown to be in its owner's hands: control files, held against one's own account file.

A holder with a key shows it by a signature alone. A contract shows it by its own code over proven state: out of the
evidence in its file, or, where there is none and the networks may be asked, by a call that is gathered now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from verifier.app.compile import AccountSpec
from verifier.app.control_file import Control
from verifier.app.desks import desk_of, lights_of
from verifier.app.errors import UsageError
from verifier.app.following import Shelf
from verifier.app.gathering import GatheredBundle, gather_calls
from verifier.app.service import anchors_of, checker_of
from verifier.attest.control import check_time, control_call, verify_control, verify_proven_control
from verifier.attest.statement import Binding, Shown
from verifier.checker import Checker
from verifier.errors import VerifierError
from verifier.primitives import Address, ChainId, Timestamp, to_hex
from verifier.trust import TrustRoot
from verifier.verify_calls import call_claim


def show_controls(
    controls: Sequence[Control],
    binding: Binding,
    spec: AccountSpec,
    now: Timestamp,
    *,
    roots: Iterable[TrustRoot] = (),
    shelf: Shelf | None = None,
    seconds: float | None = None,
) -> Mapping[Address, Shown]:
    """
    For each holder, how control was shown: every file is checked, and must speak of this account and contract.

    Args:
        roots: Of the checker, beside those of the account file.
        seconds: For asking the networks about contracts whose file has no evidence; None where they are not asked.

    Raises:
        UsageError: A file that shows nothing for this account here and now.
    """
    found: dict[Address, Shown] = {}
    contracts: dict[Address, set[ChainId]] = {}
    for control in controls:
        holder = control.challenge.holder
        try:
            shown = _shown(control, binding, spec, now, tuple(roots), shelf, seconds)
        except VerifierError as error:
            cure = "gather the answer again" if control.evidence else "let the holder sign a new challenge"
            raise UsageError(f"{control.name} shows no control: {error}", cure) from None
        if shown is Shown.ERC1271:
            contracts.setdefault(holder, set()).add(control.challenge.holder_chain)
        if found.get(holder, Shown.ERC1271) is Shown.ERC1271:
            found[holder] = shown  # a key of the holder's own says more than what a contract says on one chain
    for holder, chains in contracts.items():
        if found[holder] is Shown.ERC1271:
            _on_each_chain(holder, chains, spec)
    return found


def prove_control(
    control: Control, spec: AccountSpec, now: Timestamp, *, seconds: float, shelf: Shelf | None = None
) -> Control:
    """
    The file with the proven answer of a contract, gathered from the account's endpoints and verified.

    Raises:
        UsageError: The holder is on a network that the account does not name.
        VerifierError: No endpoint proves an answer, or the contract does not take the signature.
    """
    check_time(control.challenge, now)
    gathered = asyncio.run(_gather(control, spec, now, seconds, shelf))
    if 0 in gathered.failures:
        error = gathered.failures[0]
        if isinstance(error, VerifierError):
            raise error
        raise UsageError(f"{control.name}: no endpoint proves the contract's answer: {error}", "try again later")
    believed = replace(checker_of(spec, now), roots=gathered.roots, lights=tuple(gathered.states.values()))
    verify_proven_control(control.challenge, control.signature, gathered.data, believed)
    return replace(control, kind=Shown.ERC1271, evidence=gathered.data)


def _shown(
    control: Control,
    binding: Binding,
    spec: AccountSpec,
    now: Timestamp,
    roots: tuple[TrustRoot, ...],
    shelf: Shelf | None,
    seconds: float | None,
) -> Shown:
    challenge = control.challenge
    if challenge.binding != binding or challenge.account != spec.name:
        raise UsageError(f"{control.name} shows control for another account or contract")
    if control.kind is not Shown.ERC1271:
        return verify_control(challenge, control.signature, control.kind, now)
    if control.evidence is None:
        if seconds is None:
            cure = "xmargin attest prove FILE ACCOUNT adds it"
            raise UsageError(f"{control.name} has no evidence of what the contract answers", cure)
        return prove_control(control, spec, now, seconds=seconds, shelf=shelf).kind
    believed = _checker(control.evidence, spec, now, roots, shelf)
    return verify_proven_control(challenge, control.signature, control.evidence, believed)


def _checker(
    evidence: bytes, spec: AccountSpec, now: Timestamp, roots: tuple[TrustRoot, ...], shelf: Shelf | None
) -> Checker:
    lights = () if shelf is None else shelf.recorded(anchors_of(evidence))
    return checker_of(spec, now, roots, lights=lights)


def _on_each_chain(holder: Address, shown: set[ChainId], spec: AccountSpec) -> None:
    """One address is another contract on another chain, with another owner: it answers for itself on each."""
    missing = sorted({claim.chain_id for claim in spec.claims if claim.holder == holder} - shown)
    if missing:
        what = f"control of the contract {to_hex(holder)} is not shown on chain {missing[0]}"
        raise UsageError(f"{what}, where the account has it too", "let it sign a challenge for each chain")


async def _gather(
    control: Control, spec: AccountSpec, now: Timestamp, seconds: float, shelf: Shelf | None
) -> GatheredBundle:
    chain = control.challenge.holder_chain
    if chain not in spec.endpoints:
        raise UsageError(f"{control.name}: no claim of the account is on chain {chain}")
    claim = call_claim(chain, control_call(control.challenge, control.signature), "(bytes4)")
    async with desk_of(spec, seconds) as desk:
        checker = checker_of(spec, now)
        return await gather_calls([claim], now, desk, checker, lights=lights_of(spec, desk, checker, shelf))
