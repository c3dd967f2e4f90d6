"""A light client's state as canonical bytes, for whoever seals and stores it; and back.

The bytes hold no points, no configuration and no name of a checkpoint's operators: those are the checker's, who gives
them again when the state is read. What can be proven again cheaply is: the execution block in each header, and the
finality branch. That the signatures were good, and that the committees were the chain's, is what the seal stands for.

    form     1 byte, 1
    flags    1 byte: 1 next committee, 2 finality, 4 attestation
    SSZ      genesis validators root, checkpoint, finalized and newest header, current and next committee, finality and
             attestation as finality updates, in the newest form; what a flag leaves out is zero
"""

from __future__ import annotations

from typing import Final

from verifier.codec.ssz import Container, Octets, Record, Value, decode_record, encode
from verifier.consensus.committee import Committee
from verifier.consensus.containers import (
    NO_FINALITY,
    NO_HEADER,
    NO_NEXT,
    SyncCommittee,
    Update,
    header_record,
    no_committee,
    raise_header,
    raise_update,
    to_record,
)
from verifier.consensus.forks import NEWEST, ConsensusConfig
from verifier.consensus.light_client import LightClientState
from verifier.consensus.shapes import Kind, committee_shape, header_shape, shape_of
from verifier.consensus.validate import verify_finality, verify_header
from verifier.crypto.bls import SIGNATURE_BYTES, Scheme, default_scheme
from verifier.errors import MalformedSsz, WrongBinding, WrongChain
from verifier.proven import mint
from verifier.trust import Checkpoint

FORM: Final = 1
_NEXT, _FINALITY, _ATTESTATION = 1, 2, 4


def to_bytes(state: LightClientState) -> bytes:
    """The one byte form of a state."""
    size = state.current.size
    flags = 0
    flags |= _NEXT if state.next is not None else 0
    flags |= _FINALITY if state.finality is not None else 0
    flags |= _ATTESTATION if state.attestation is not None else 0
    nothing = _no_update(size)
    values: dict[str, Value] = {
        "genesis_validators_root": state.config.genesis_validators_root,
        "checkpoint": state.rests_on.root,
        "finalized": header_record(state.finalized),
        "newest": header_record(state.newest),
        "current": state.current.members.record,
        "next": (no_committee(size) if state.next is None else state.next.members).record,
        "finality": to_record(state.finality or nothing, Kind.FINALITY),
        "attestation": to_record(state.attestation or nothing, Kind.FINALITY),
    }
    shape = _shape(size)
    return bytes((FORM, flags)) + encode(shape, Record(shape, values))


def from_bytes(
    data: bytes, checkpoint: Checkpoint, config: ConsensusConfig, scheme: Scheme | None = None
) -> LightClientState:
    """
    A state from its bytes, whose seal the caller has checked.

    Its age is judged where it is used next (`advance`, `require_fresh`), not here.

    Args:
        data: Under the checker's own seal.
        checkpoint: The one that the state began from, as the checker has it.

    Raises:
        MalformedSsz: Not a state in its one form.
        WrongChain: Of another beacon chain.
        WrongBinding: It began from another checkpoint.
        Malformed, ProofError, Unsupported: A header or a finality branch in it proves nothing.
    """
    where = config.where.at(node="sealed light client")
    flags = data[1] if len(data) > 1 else 0
    if data[:1] != bytes((FORM,)) or flags > _NEXT | _FINALITY | _ATTESTATION:
        raise MalformedSsz(where, f"a state of form {FORM} is due", data[:2])
    record = decode_record(_shape(config.preset.committee_size), data[2:], where)
    if record.octets("genesis_validators_root") != config.genesis_validators_root:
        found = record.octets("genesis_validators_root")
        raise WrongChain(where, "the genesis of the beacon chain", config.genesis_validators_root, found)
    if record.octets("checkpoint") != checkpoint.root:
        raise WrongBinding(where, "the checkpoint", checkpoint.root, record.octets("checkpoint"))
    state = _state(record, flags, checkpoint, config, scheme or default_scheme())
    if to_bytes(state) != data:
        raise MalformedSsz(where, "parts that its flags leave out must be zero", data[:2])
    _verify_again(state)
    return state


def _state(
    record: Record, flags: int, checkpoint: Checkpoint, config: ConsensusConfig, scheme: Scheme
) -> LightClientState:
    where = config.where.at(node="sealed light client")

    def committee(name: str) -> Committee:
        part = record.record(name)
        return Committee(SyncCommittee(part.all_octets("pubkeys"), part.octets("aggregate_pubkey")), scheme)

    def update(name: str, flag: int) -> Update | None:
        return raise_update(record.record(name), config, NEWEST, where) if flags & flag else None

    return mint(
        LightClientState,
        rests_on=checkpoint,
        config=config,
        finalized=raise_header(record.record("finalized"), config, NEWEST, where),
        newest=raise_header(record.record("newest"), config, NEWEST, where),
        current=committee("current"),
        next=committee("next") if flags & _NEXT else None,
        finality=update("finality", _FINALITY),
        attestation=update("attestation", _ATTESTATION),
    )


def _verify_again(state: LightClientState) -> None:
    where = state.where
    verify_header(state.finalized, state.config, where)
    verify_header(state.newest, state.config, where)
    if state.finality is not None:
        verify_finality(state.config, state.finality, where)
        if state.finality.finalized != state.finalized:
            raise WrongBinding(where, "the finalized header", state.finalized.slot, state.finality.finalized.slot)
    expected = state.finalized if state.attestation is None else state.attestation.attested
    if state.newest != expected:
        raise WrongBinding(where, "the newest header", expected.slot, state.newest.slot)


def _shape(size: int) -> Container:
    header, update = header_shape(NEWEST), shape_of(Kind.FINALITY, NEWEST, size)
    return Container(
        "LightClientState",
        (
            ("genesis_validators_root", Octets(32)),
            ("checkpoint", Octets(32)),
            ("finalized", header),
            ("newest", header),
            ("current", committee_shape(size)),
            ("next", committee_shape(size)),
            ("finality", update),
            ("attestation", update),
        ),
    )


def _no_update(size: int) -> Update:
    return Update(
        NO_HEADER, no_committee(size), NO_NEXT, NO_HEADER, NO_FINALITY, (False,) * size, bytes(SIGNATURE_BYTES), 0
    )
