"""Several signers: each once, of the set that was named, enough of them; and keys that cancel out stay outside."""

from __future__ import annotations

import json

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verifier.attest.build import BINDING, ISSUED, SHOWN, changed, statement
from verifier.attest.attestation import (
    Attestation,
    Trusted,
    encode_attestation,
    parse_attestation,
    verify_attestation,
    with_signature,
)
from verifier.attest.eip712 import statement_digest
from verifier.attest.quorum import (
    MAX_SIGNERS,
    Aggregate,
    BlsMember,
    BlsSet,
    SignerSet,
    aggregate,
    verify_aggregate,
    verify_signers,
)
from verifier.attest.statement import Binding, Declared
from verifier.attest.strict_json import parse_json
from verifier.crypto.bls import ORDER, default_scheme
from verifier.errors import (
    BadAttestation,
    BadInput,
    BadPoint,
    LimitExceeded,
    Malformed,
    MalformedAttestation,
    VerifierError,
    WrongSignature,
)
from verifier.primitives import ZERO_HASH, Address, ChainId, Hash32, Timestamp

KEYS = [Account.from_key(bytes([i + 1]) * 32) for i in range(4)]
ADDRESSES = [Address(bytes.fromhex(key.address[2:])) for key in KEYS]
SET = SignerSet(tuple(ADDRESSES[:3]), 2)
SECRETS = [1_000 + i for i in range(4)]
SCHEME = default_scheme()
DIGEST = Hash32(b"\x5a" * 32)


def member(secret: int) -> BlsMember:
    return BlsMember(SCHEME.public_key(secret).raw, SCHEME.pop_prove(secret))


BLS = BlsSet(tuple(member(secret) for secret in SECRETS[:3]), 2)


def signed(digest: bytes, *places: int) -> list[bytes]:
    return [bytes(KEYS[i].unsafe_sign_hash(digest).signature) for i in places]


# --- ECDSA -----------------------------------------------------------------------------------------------


def test_enough_signers_of_the_set() -> None:
    """Two of three, in any order; their addresses come back ascending."""
    assert verify_signers(DIGEST, signed(DIGEST, 2, 0), SET) == tuple(sorted([ADDRESSES[0], ADDRESSES[2]]))
    assert len(verify_signers(DIGEST, signed(DIGEST, 0, 1, 2), SET)) == 3


@pytest.mark.covers("ATT-09")
def test_who_does_not_count() -> None:
    """One signer twice, a stranger, too few, none, and another message."""
    for signatures in (signed(DIGEST, 0, 0), signed(DIGEST, 0, 3), signed(DIGEST, 0), [], signed(b"\1" * 32, 0, 1)):
        with pytest.raises(BadAttestation):
            verify_signers(DIGEST, signatures, SET)
    with pytest.raises(BadAttestation, match="each signer once"):
        verify_signers(DIGEST, signed(DIGEST, 0, 1, 0), SET)
    with pytest.raises(BadAttestation, match="each signer once"):
        verify_signers(DIGEST, signed(DIGEST, 0, 1) * 128, SET)
    with pytest.raises(BadAttestation, match="the number of signatures"):
        verify_signers(DIGEST, [*signed(DIGEST, 0, 1) * 128, b""], SET)


@pytest.mark.covers("ATT-09", "ATT-04")
@pytest.mark.parametrize(("signers", "threshold"), [((), 1), (ADDRESSES[:2], 0), (ADDRESSES[:2], 3), (ADDRESSES[:2], -1),
    ([ADDRESSES[0]] * 2, 1), ([Address(bytes(20))], 1), (ADDRESSES[:2], True)])  # fmt: skip
def test_sets_that_are_none(signers, threshold: int) -> None:
    """No members, a threshold of zero or beyond them, one member twice, the zero address."""
    with pytest.raises(BadInput):
        SignerSet(tuple(signers), threshold)


def test_a_set_has_members_and_at_most_so_many() -> None:
    """None, or one more than 256, is refused for the members, whatever the threshold says."""
    many = tuple(Address(i.to_bytes(20, "big")) for i in range(1, MAX_SIGNERS + 2))
    assert SignerSet(many[:-1], 255).threshold == 255
    for members in ((), many):
        with pytest.raises(BadInput, match="signers: "):
            SignerSet(members, 1)
    with pytest.raises(BadInput, match="threshold: "):
        SignerSet(many[:-1], MAX_SIGNERS)


def test_a_set_is_one_whatever_its_order() -> None:
    assert SignerSet(tuple(ADDRESSES[:3]), 2).digest == SignerSet(tuple(ADDRESSES[2::-1]), 2).digest
    assert len({SET.digest, SignerSet(SET.signers, 3).digest, SignerSet(SET.signers[:2], 2).digest, BLS.digest}) == 4


# --- the whole attestation -------------------------------------------------------------------------------


def attested(*places: int, **changes) -> Attestation:
    made = changed(statement(holders=SHOWN), quorum=SET.digest, **changes)
    return Attestation(made, tuple(signed(statement_digest(made), *places)))


TRUSTED = Trusted(BINDING, SET)


def test_a_signed_statement_is_taken() -> None:
    """From its file, offline, with the statement it was made of."""
    made = attested(0, 1)
    again = parse_attestation(encode_attestation(made))
    assert again == made
    taken = verify_attestation(again, TRUSTED, ISSUED)
    assert taken.statement == made.statement
    assert taken.signers == tuple(sorted(ADDRESSES[:2]))
    assert with_signature(made, made.signatures[0]) == made
    third = with_signature(made, signed(made.digest, 2)[0])
    assert len(verify_attestation(third, TRUSTED, ISSUED).signers) == 3


@pytest.mark.covers("ATT-01")
@pytest.mark.parametrize(
    "where", [Binding(ChainId(1), BINDING.contract), Binding(BINDING.chain_id, Address(b"\xdd" * 20))]
)
def test_an_attestation_for_another_chain_or_contract(where: Binding) -> None:
    """It is not taken there; and with its binding changed it is another statement, that nobody signed."""
    with pytest.raises(BadAttestation, match="where it is to be used"):
        verify_attestation(attested(0, 1), Trusted(where, SET), ISSUED)
    moved = Attestation(changed(attested(0, 1).statement, binding=where), attested(0, 1).signatures)
    with pytest.raises(BadAttestation):
        verify_attestation(moved, Trusted(where, SET), ISSUED)


@pytest.mark.covers("ATT-02")
def test_an_attestation_in_another_time() -> None:
    """Expired by a second, from the future, a number that was passed, and with its expiry moved on."""
    made = attested(0, 1)
    verify_attestation(made, TRUSTED, made.statement.valid_until)
    verify_attestation(made, TRUSTED, Timestamp(ISSUED - 15))
    for now in (made.statement.valid_until + 1, ISSUED - 16):
        with pytest.raises(BadAttestation):
            verify_attestation(made, TRUSTED, Timestamp(now))
    verify_attestation(made, Trusted(BINDING, SET, after={"test": 6, "other": 99}), ISSUED)
    for last in (7, 8):
        with pytest.raises(BadAttestation, match="number"):
            verify_attestation(made, Trusted(BINDING, SET, after={"test": last}), ISSUED)
    later = Attestation(changed(made.statement, valid_until=Timestamp(ISSUED + 9_999)), made.signatures)
    with pytest.raises(BadAttestation):
        verify_attestation(later, TRUSTED, ISSUED)


@pytest.mark.covers("ATT-01")
def test_an_attestation_of_another_account() -> None:
    """Everything else about it may be right: the same signers, the same contract, the same hour."""
    made = attested(0, 1)
    verify_attestation(made, Trusted(BINDING, SET, account="test"), ISSUED)
    for name in ("other", "Test", ""):
        with pytest.raises(BadAttestation, match="the account"):
            verify_attestation(made, Trusted(BINDING, SET, account=name), ISSUED)


@pytest.mark.covers("ATT-09")
def test_a_set_that_was_changed_between_signing_and_checking() -> None:
    """The statement names its set: under another threshold or membership the same signatures do not count."""
    made = attested(0, 1)
    for other in (SignerSet(SET.signers, 1), SignerSet((*SET.signers, ADDRESSES[3]), 2)):
        with pytest.raises(BadAttestation, match="set of signers"):
            verify_attestation(made, Trusted(BINDING, other), ISSUED)
    with pytest.raises(BadAttestation, match="trusts"):
        verify_attestation(made, Trusted(BINDING), ISSUED)
    free = changed(made.statement, quorum=ZERO_HASH)
    alone = Attestation(free, tuple(signed(statement_digest(free), 0)))
    assert verify_attestation(alone, Trusted(BINDING, SignerSet((ADDRESSES[0],), 1)), ISSUED).signers


def test_both_kinds_where_both_are_trusted() -> None:
    """A missing aggregate is refused where the checker asks for one."""
    with pytest.raises(BadAttestation, match="aggregate"):
        verify_attestation(attested(0, 1), Trusted(BINDING, SET, BLS), ISSUED)


@pytest.mark.covers("ATT-05")
@pytest.mark.parametrize(
    "change",
    [
        lambda d: d | {"version": 2}, lambda d: d | {"version": True}, lambda d: d | {"extra": 1},
        lambda d: {k: v for k, v in d.items() if k != "aggregate"}, lambda d: d | {"digest": "0x" + "11" * 32},
        lambda d: d | {"signatures": "0x"}, lambda d: d | {"signatures": {}}, lambda d: d | {"signatures": ""}, lambda d: d | {"signatures": ["0xzz"]}, lambda d: d | {"aggregate": {}},
        lambda d: d | {"aggregate": {"members": ["0"], "signature": "0x"}}, lambda d: d | {"statement": None},
        lambda d: d | {"statement": d["statement"] | {"more": "1"}}, lambda d: d | {"statement": d["statement"] | {"sequence": "8"}},
    ],
)  # fmt: skip
def test_files_that_are_none(change) -> None:
    document = json.loads(encode_attestation(attested(0, 1)))
    with pytest.raises(MalformedAttestation):
        parse_attestation(json.dumps(change(document)).encode())


def test_a_file_is_ascii_whatever_names_are_in_it() -> None:
    """As its statement's bytes are: what reads it needs no encoding."""
    named = (Declared("debt", "Straße", "EUR€", 1, 0, None),)
    made = Attestation(changed(statement(), declared=named))
    assert encode_attestation(made).isascii()
    assert parse_attestation(encode_attestation(made)).statement.declared == named


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_a_file_or_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_attestation(data)


def test_nesting_and_numbers_that_parsers_fall_over() -> None:
    for data in (b"[" * 200_000, b'{"a":' * 100_000, b'{"version":' + b"9" * 10_000 + b"}", b'{"version":1e999}', b'{"version":NaN}',
                 b'{"a":1,"a":1}', b'{"version":-0}'):  # fmt: skip
        with pytest.raises(MalformedAttestation):
            parse_attestation(data)


def test_json_has_one_meaning() -> None:
    """Its size is counted first; each key once, and no number but an integer of at most 20 digits."""
    assert parse_json(b"[0]   ", 6) == [0]
    with pytest.raises(LimitExceeded):
        parse_json(b"[0]   ", 5)
    assert parse_json(b'{"a": 99999999999999999999}', 99) == {"a": 10**20 - 1}
    for data, words in (
        (b'{"a":1,"a":1}', "twice"),
        (b"100000000000000000000", "too long"),
        (b"-0", "negative zero"),
        (b"1.5", "no integer"),
        (b"1e3", "no integer"),
        (b"NaN", "no integer"),
        (b"1x", "not JSON"),
    ):
        with pytest.raises(MalformedAttestation, match=words):
            parse_json(data, 99)


# --- BLS -------------------------------------------------------------------------------------------------


def parts(*places: int, digest: bytes = DIGEST) -> list[tuple[int, bytes]]:
    return [(i, SCHEME.sign(SECRETS[i], digest)) for i in places]


def test_one_signature_of_enough_members() -> None:
    """Two of three; the keys that come back are theirs."""
    made = aggregate(DIGEST, parts(2, 0), BLS)
    assert made.members == (0, 2)
    assert verify_aggregate(DIGEST, made, BLS) == (BLS.members[0].key, BLS.members[2].key)


@pytest.mark.covers("ATT-09", "BLS-02")
def test_aggregates_that_do_not_count() -> None:
    """Below the threshold, other members than signed, one member's place twice, beyond the set, another message."""
    two = aggregate(DIGEST, parts(0, 1), BLS)
    for wrong, error in (
        (aggregate(DIGEST, parts(0), BLS), BadAttestation),
        (Aggregate((0, 2), two.signature), WrongSignature),
        (Aggregate((0, 1, 2), two.signature), WrongSignature),
        (Aggregate((0, 0), two.signature), MalformedAttestation),
        (Aggregate((1, 0), two.signature), MalformedAttestation),
        (Aggregate((0, 3), two.signature), MalformedAttestation),
        (Aggregate((-1, 0), two.signature), MalformedAttestation),
        (Aggregate((), two.signature), BadAttestation),
        (Aggregate((0, 1), two.signature[:95]), Malformed),
    ):
        with pytest.raises(error):
            verify_aggregate(DIGEST, wrong, BLS)
    with pytest.raises(WrongSignature):
        verify_aggregate(Hash32(b"\1" * 32), two, BLS)
    infinity = bytes([0xC0]) + bytes(95)
    with pytest.raises(BadPoint):
        verify_aggregate(DIGEST, Aggregate((0, 1), infinity), BLS)


@pytest.mark.covers("ATT-09")
def test_a_part_is_checked_before_it_is_added() -> None:
    """A wrong part names its member; a member twice, and one outside of the set, are refused."""
    good = parts(0, 1)
    with pytest.raises(WrongSignature):
        aggregate(DIGEST, [good[0], (1, good[0][1])], BLS)
    for wrong in ([good[0], good[0]], [good[0], (3, good[1][1])], []):
        with pytest.raises(MalformedAttestation):
            aggregate(DIGEST, wrong, BLS)


@pytest.mark.covers("ATT-09", "BLS-03")
def test_a_rogue_key_does_not_enter_a_set() -> None:
    """A key made to cancel out the others has no proof of possession: without one, or with another's, it stays outside.

    With the rogue key the attacker alone could sign for both: its signature verifies under the sum of the keys.
    """
    victim, own = SECRETS[0], 7_777
    rogue = SCHEME.public_key((own - victim) % ORDER)  # the attacker knows only the point: own·G minus the victim's key
    forged = SCHEME.sign(own, DIGEST)
    SCHEME.fast_aggregate_verify([SCHEME.public_key(victim), rogue], DIGEST, forged)
    for possession in (SCHEME.pop_prove(own), SCHEME.pop_prove(victim), SCHEME.sign(own, rogue.raw), forged):
        with pytest.raises(WrongSignature):
            BlsSet((member(victim), BlsMember(rogue.raw, possession)), 2)


@pytest.mark.covers("ATT-09")
def test_bls_sets_that_are_none() -> None:
    one = member(SECRETS[0])
    for members, threshold in (((), 1), ((one,), 0), ((one,), 2), ((one, one), 1)):
        with pytest.raises(BadInput):
            BlsSet(members, threshold)
    with pytest.raises(VerifierError):
        BlsSet((BlsMember(one.key[:47], one.possession),), 1)
    with pytest.raises(BadPoint):
        BlsSet((BlsMember(bytes([0xC0]) + bytes(47), one.possession),), 1)


def test_an_attestation_with_an_aggregate() -> None:
    """Over the statement's digest, through a file."""
    made = changed(statement(), quorum=BLS.digest)
    digest = statement_digest(made)
    whole = Attestation(made, aggregate=aggregate(digest, parts(0, 1, digest=digest), BLS))
    again = parse_attestation(encode_attestation(whole))
    assert verify_attestation(again, Trusted(BINDING, bls=BLS), ISSUED).bls_keys == tuple(
        m.key for m in BLS.members[:2]
    )
    with pytest.raises(WrongSignature):
        verify_attestation(
            Attestation(changed(made, sequence=9), aggregate=whole.aggregate), Trusted(BINDING, bls=BLS), ISSUED
        )
