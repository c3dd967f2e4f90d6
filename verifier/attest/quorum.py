"""Several signers over one statement: each one's ECDSA signature, or one aggregate of their BLS signatures.

A set of signers is fixed before anyone signs: its digest stands in the statement, so a signature given under one set
counts under no other. Each signer counts once, whoever sends its signature how often; a stranger's signature refuses
the whole, and a threshold of zero is none. BLS keys enter a set only with a proof of possession, for otherwise one of
them could be chosen to cancel out the others.

Source: EIP-712; draft-irtf-cfrg-bls-signature-05, section 3.3 (proof of possession).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from verifier.attest.eip712 import recover_typed
from verifier.crypto.keccak import keccak256
from verifier.errors import BadAttestation, BadInput, MalformedAttestation, Where
from verifier.primitives import Address, Hash32, address, to_hex

if TYPE_CHECKING:
    from verifier.crypto.bls import PublicKey, Scheme

MAX_SIGNERS: Final = 256
_HERE: Final = Where(network="attestation")
_ECDSA: Final = b"xmargin signers, ecdsa\x00"
_BLS: Final = b"xmargin signers, bls\x00"


@dataclass(frozen=True)
class SignerSet:
    """Who may sign by ECDSA, and how many of them must."""

    signers: tuple[Address, ...]
    threshold: int

    def __post_init__(self) -> None:
        _check_set([address(signer) for signer in self.signers], self.threshold)
        if any(not any(signer) for signer in self.signers):
            raise BadInput("signers", "addresses that are not zero", "the zero address")

    @property
    def digest(self) -> Hash32:
        """What a statement names the set by; the order in which it is written does not matter."""
        return keccak256(_ECDSA + bytes([self.threshold]) + b"".join(sorted(self.signers)))


def verify_signers(digest: Hash32, signatures: Sequence[bytes], signers: SignerSet) -> tuple[Address, ...]:
    """
    Establish that enough of a set signed a digest; returns who did, in ascending order.

    Args:
        signatures: Untrusted; each signer's once.

    Raises:
        MalformedAttestation: One of them is not a signature in its one form.
        BadAttestation: A signer twice, one outside of the set, or fewer than the threshold.
    """
    if len(signatures) > MAX_SIGNERS:
        raise BadAttestation(_HERE, "the number of signatures", f"at most {MAX_SIGNERS}", len(signatures))
    found: set[Address] = set()
    for signature in signatures:
        signer = recover_typed(digest, signature)
        if signer not in signers.signers:
            raise BadAttestation(_HERE, "a signer of the set", f"one of {len(signers.signers)}", to_hex(signer))
        if signer in found:
            raise BadAttestation(_HERE, "each signer once", "another one", to_hex(signer))
        found.add(signer)
    if len(found) < signers.threshold:
        raise BadAttestation(_HERE, "the number of signers", f"at least {signers.threshold}", len(found))
    return tuple(sorted(found))


@dataclass(frozen=True)
class BlsMember:
    """One key of a set, with its owner's proof that it holds the secret. Untrusted until the set is made."""

    key: bytes
    possession: bytes


@dataclass(frozen=True)
class BlsSet:
    """Who may sign by BLS, and how many must. Making one checks every key and every proof of possession.

    Raises:
        Malformed: A key or a proof that is not the one encoding of a point.
        BadPoint, WrongSignature: A key outside of the group, or whose owner did not show that it holds the secret.
        BadInput: No keys, one twice, or a threshold that is not from 1 to their number.
    """

    members: tuple[BlsMember, ...]
    threshold: int

    def __post_init__(self) -> None:
        _check_set([member.key for member in self.members], self.threshold)
        scheme = _scheme()
        for member, key in zip(self.members, self.keys, strict=True):
            scheme.pop_verify(key, member.possession, _HERE)

    @cached_property
    def keys(self) -> tuple[PublicKey, ...]:
        """The checked keys, in the order of the members."""
        return tuple(_scheme().key_validate(member.key, _HERE) for member in self.members)

    @property
    def digest(self) -> Hash32:
        """What a statement names the set by. The order counts: an aggregate names its signers by place."""
        return keccak256(_BLS + bytes([self.threshold]) + b"".join(member.key for member in self.members))


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One signature of several members. Untrusted. `members` are places in the set, ascending."""

    members: tuple[int, ...]
    signature: bytes


def verify_aggregate(digest: Hash32, aggregate: Aggregate, signers: BlsSet) -> tuple[bytes, ...]:
    """
    Establish that enough of a set signed a digest together; returns their keys.

    Raises:
        MalformedAttestation: Places that do not ascend, or lie outside of the set.
        BadAttestation: Fewer than the threshold.
        Malformed, BadPoint, WrongSignature: Not the aggregate of exactly these members' signatures.
    """
    places = aggregate.members
    ascending = all(a < b for a, b in itertools.pairwise(places))
    if not ascending or any(type(i) is not int or not 0 <= i < len(signers.members) for i in places):
        raise MalformedAttestation(_HERE, f"signers are places from 0 to {len(signers.members) - 1}, ascending", places)
    if len(places) < signers.threshold:
        raise BadAttestation(_HERE, "the number of signers", f"at least {signers.threshold}", len(places))
    keys = [signers.keys[i] for i in places]
    _scheme().fast_aggregate_verify(keys, digest, aggregate.signature, _HERE)
    return tuple(key.raw for key in keys)


def aggregate(digest: Hash32, parts: Sequence[tuple[int, bytes]], signers: BlsSet) -> Aggregate:
    """
    One signature out of several members' own, each of them checked first.

    Args:
        parts: Untrusted: place in the set, and signature.

    Raises:
        MalformedAttestation: A place twice or outside of the set.
        Malformed, BadPoint, WrongSignature: One of them is not that member's signature.
    """
    by_place = dict(parts)
    if len(by_place) != len(parts) or not parts or any(not 0 <= i < len(signers.members) for i in by_place):
        raise MalformedAttestation(_HERE, "each member signs once, by its place in the set", len(parts))
    scheme = _scheme()
    for place, signature in by_place.items():
        scheme.verify(signers.keys[place], digest, signature, _HERE)
    ordered = sorted(by_place)
    return Aggregate(tuple(ordered), scheme.aggregate([by_place[i] for i in ordered], _HERE))


def _check_set(members: Sequence[bytes], threshold: int) -> None:
    if not members or len(members) > MAX_SIGNERS or len(set(members)) != len(members):
        raise BadInput("signers", f"1 to {MAX_SIGNERS}, each once", len(members))
    if type(threshold) is not int or not 1 <= threshold <= min(len(members), 255):
        raise BadInput("threshold", f"1 to {len(members)}", threshold)


def _scheme() -> Scheme:
    from verifier.crypto.bls import default_scheme

    return default_scheme()
