"""Taiko: the block hash of a checkpoint in the signal service.

Who could forge a root: whoever holds enough of the proof systems that the verifier contract accepts. In June 2026 a
leaked signing key of one of them did it, and the checkpoints moved to a new version; a denylist is for such a time.

Preimages: version (6 bytes) ‖ block number (6).

Source: taikoxyz/taiko-mono, SignalService.sol and its layout (August 2026): mapping of version to block number to two
words, block hash and state root.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from verifier.codec.abi import nested_mapping_slot, offset_slot, pad_uint
from verifier.errors import NotThere, WrongBinding, WrongHash
from verifier.primitives import slot_key
from verifier.proven import ProvenHeader
from verifier.settlement.scheme import (
    Case,
    Verdict,
    check_code,
    exactly,
    refuse_denied,
    rollup_header,
    settle,
    settled_header,
    take,
)
from verifier.trust import Basis

CHECKPOINTS: Final = slot_key(254)
VERSION: Final = 1
"""Version 0 was abandoned after false checkpoints had been accepted in it."""


def verify(case: Case, rlp: bytes, preimages: Sequence[bytes]) -> ProvenHeader:
    """
    Establish a rollup's header by a checkpoint.

    Raises:
        NotThere: There is no checkpoint of that number.
        WrongHash, WrongBinding: It is another block's, or of an abandoned version.
        UnreviewedCode, Denied, Malformed, ProofError: As the scheme's shared steps raise them.
    """
    header = rollup_header(case, rlp)
    (only,) = take(preimages, 1, case.settled.scheme)
    exactly(only, 12, "a checkpoint's version and number")
    version, number = int.from_bytes(only[:6], "big"), int.from_bytes(only[6:], "big")
    if version != VERSION:
        raise WrongBinding(case.where, "the version of the checkpoints", VERSION, version)
    if number != header.number:
        raise WrongBinding(case.where, "the checkpoint's block number", header.number, number)
    refuse_denied(case, "the header", header.hash)
    service = case.contract("signal_service")
    reviewed = check_code(case, "signal_service", service)
    slot = nested_mapping_slot((pad_uint(version), pad_uint(number)), CHECKPOINTS)
    word = case.parent.word(service, slot)
    if not any(word.word):
        raise NotThere(word.where, f"a checkpoint of block {number}")
    if bytes(word.word) != header.hash:
        raise WrongHash(word.where, f"the header of checkpoint {number}", word.word, header.hash)
    state = case.parent.word(service, offset_slot(slot, 1))
    if bytes(state.word) != header.state_root:
        raise WrongHash(state.where, f"the state root of checkpoint {number}", state.word, header.state_root)
    verdict = Verdict(
        word=word,
        entry=f"checkpoint {number}, version {version}",
        root=header.hash,
        since=None,
        open_points=(),
        bases=frozenset({Basis.VALIDITY, Basis.TEE}),
        reviewed=reviewed,
    )
    return settled_header(header, settle(case, verdict))
