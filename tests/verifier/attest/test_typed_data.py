"""Typed data: our digests are eth-account's and ethers', for statements, challenges and the EAS form."""

from __future__ import annotations

import json
import subprocess

import pytest
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_defunct, encode_typed_data

from tests.nodes.install import MODULES, module, node_program
from tests.verifier.attest.build import BINDING, ISSUED, SHOWN, statement
from verifier.attest.attestation import Attestation
from verifier.attest.control import CHALLENGE, NAME, Challenge, verify_control
from verifier.attest.eas import ATTEST, EasContract, eas_digest, eas_message, eas_package, eas_uid, schema_uid
from verifier.attest.eas import NAME as EAS_NAME
from verifier.attest.eip712 import (
    STATEMENT,
    domain_of,
    encode_type,
    hash_struct,
    recover_typed,
    statement_digest,
    statement_value,
    typed_data,
    typed_digest,
)
from verifier.attest.statement import Shown
from verifier.errors import BadAttestation, BadInput, MalformedAttestation
from verifier.primitives import Address, ChainId, Hash32, Timestamp

KEY = Account.from_key(b"\x11" * 32)
WHO = Address(bytes.fromhex(KEY.address[2:]))
CASES = {
    "statement": (domain_of(BINDING), STATEMENT, "Statement", statement_value(statement(holders=SHOWN))),
    "eas": (domain_of(BINDING, EAS_NAME, "1.3.0"), ATTEST, "Attest", eas_message(Attestation(statement()))),
}
SCRIPT = """
const { TypedDataEncoder, solidityPackedKeccak256, hexlify, toUtf8Bytes, ZeroAddress } = require(process.argv[1] + '/ethers');
const { typed, eas } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const out = typed.map(({ domain, types, message }) => { delete types.EIP712Domain; return TypedDataEncoder.hash(domain, types, message); });
const uid = solidityPackedKeccak256(
  ['uint16', 'bytes', 'address', 'address', 'uint64', 'uint64', 'bool', 'bytes32', 'bytes', 'bytes32', 'uint32'],
  [2, hexlify(toUtf8Bytes(eas.schema)), eas.recipient, ZeroAddress, eas.time, eas.expirationTime, false, eas.refUID, eas.data, eas.salt, 0]);
const schema = solidityPackedKeccak256(['string', 'address', 'bool'], [eas.text, ZeroAddress, false]);
console.log(JSON.stringify({ out, uid, schema }));
"""


def challenge(**changes) -> Challenge:
    given = {
        "binding": BINDING, "account": "desk", "holder": WHO, "holder_chain": ChainId(1), "issued_at": ISSUED,
        "valid_until": Timestamp(ISSUED + 600), "nonce": Hash32(b"\x07" * 32),
    }  # fmt: skip
    return Challenge(**(given | changes))


@pytest.mark.covers("ATT-06")
@pytest.mark.parametrize("name", CASES)
def test_eth_account_hashes_the_same(name: str) -> None:
    """Nested structs, dynamic arrays, type order and padding, by other people's code."""
    case = CASES[name]
    document = typed_data(*case)
    assert typed_digest(*case) == _hash_eip191_message(encode_typed_data(full_message=document))
    signature = bytes(KEY.sign_message(encode_typed_data(full_message=document)).signature)
    assert recover_typed(typed_digest(*case), signature, WHO) == WHO


@pytest.mark.covers("ATT-06")
@pytest.mark.node("ethers")
def test_ethers_hashes_the_same() -> None:
    """Digests of both, the EAS id and the schema's id, as ethers computes them in one go."""
    module("ethers")
    from verifier.attest.eas import SCHEMA

    made = Attestation(statement())
    message = typed_data(*CASES["eas"])["message"]
    eas = dict(message) | {"schema": "0x" + schema_uid().hex(), "text": SCHEMA}
    asked = json.dumps({"typed": [typed_data(*case) for case in CASES.values()], "eas": eas})
    done = subprocess.run([str(node_program()), "-e", SCRIPT, str(MODULES)], input=asked, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["out"] == ["0x" + typed_digest(*case).hex() for case in CASES.values()]
    assert said["uid"] == "0x" + eas_uid(made).hex()
    assert said["schema"] == "0x" + schema_uid().hex()


@pytest.mark.covers("ATT-06", "ATT-01")
def test_details_that_change_a_digest() -> None:
    """The prefix, the domain's four members, the order of types, and an array's length."""
    domain, types, primary, value = CASES["statement"]
    digest = typed_digest(domain, types, primary, value)
    assert digest != hash_struct(types, primary, value)
    for member, other in (("name", "x"), ("version", "2"), ("chainId", 1), ("verifyingContract", b"\1" * 20)):
        assert typed_digest({**domain, member: other}, types, primary, value) != digest
    with pytest.raises(BadInput):
        typed_digest({k: v for k, v in domain.items() if k != "chainId"}, types, primary, value)
    assert encode_type(types, primary).endswith(
        "Anchor[] anchors)Anchor(uint256 chainId,uint64 number,bytes32 blockHash,string trust)"
    )
    assert typed_digest(domain, types, primary, {**value, "anchors": value["anchors"][:1]}) != digest
    for wrong in ({"sequence": 2**64}, {"sequence": -1}, {"sequence": True}, {"lowKnown": 1}, {"bundleId": b"x"},
                  {"account": b"x"}, {"anchors": "x"}, {"anchors": ["x"]}, {"extra": 1}):  # fmt: skip
        with pytest.raises(BadInput):
            typed_digest(domain, types, primary, {**value, **wrong})


@pytest.mark.covers("ATT-08")
def test_a_signature_of_another_kind_is_none() -> None:
    """The same key's signature over the bare hash, as a message, or in the EAS domain says nothing here."""
    made = statement()
    digest = statement_digest(made)
    others = [
        bytes(KEY.sign_message(encode_defunct(digest)).signature),
        bytes(KEY.unsafe_sign_hash(eas_digest(Attestation(made), EasContract(BINDING))).signature),
        bytes(KEY.unsafe_sign_hash(challenge().eip712_digest).signature),
    ]
    for signature in others:
        with pytest.raises(BadAttestation):
            recover_typed(digest, signature, WHO)
    assert recover_typed(digest, bytes(KEY.unsafe_sign_hash(digest).signature), WHO) == WHO


def test_the_eas_package_is_what_the_sdk_reads() -> None:
    """The members of a signed off-chain attestation, version 2."""
    made, eas = Attestation(statement()), EasContract(BINDING)
    signature = bytes(KEY.unsafe_sign_hash(eas_digest(made, eas)).signature)
    package = eas_package(made, eas, signature, WHO)
    assert package["sig"].keys() == {"version", "domain", "primaryType", "types", "message", "uid", "signature"}
    assert package["sig"]["message"]["salt"] != "0x" + bytes(32).hex()
    full = {"types": {"EIP712Domain": typed_data(*CASES["eas"])["types"]["EIP712Domain"], **package["sig"]["types"]},
            "primaryType": "Attest", "domain": package["sig"]["domain"], "message": package["sig"]["message"]}  # fmt: skip
    assert Account.recover_message(encode_typed_data(full_message=full), signature=signature) == KEY.address


# --- control ---------------------------------------------------------------------------------------------


@pytest.mark.covers("MRG-05")
def test_control_by_message_and_by_typed_data() -> None:
    """What wallets sign, by eth-account: a person's message and a struct; each for the other's kind is refused."""
    asked = challenge()
    plain = bytes(KEY.sign_message(encode_defunct(text=asked.text)).signature)
    document = typed_data(domain_of(BINDING, NAME), CHALLENGE, "Control", asked.value)
    typed = bytes(KEY.sign_message(encode_typed_data(full_message=document)).signature)
    assert verify_control(asked, plain, Shown.EIP191, ISSUED) is Shown.EIP191
    assert verify_control(asked, typed, Shown.EIP712, ISSUED) is Shown.EIP712
    for signature, kind in ((plain, Shown.EIP712), (typed, Shown.EIP191)):
        with pytest.raises(BadAttestation):
            verify_control(asked, signature, kind, ISSUED)
    with pytest.raises(BadAttestation):
        verify_control(asked, plain, Shown.NOT, ISSUED)
    with pytest.raises(MalformedAttestation):
        verify_control(asked, plain[:64], Shown.EIP191, ISSUED)


@pytest.mark.covers("MRG-05")
@pytest.mark.parametrize(
    "other",
    [
        {"account": "other"}, {"holder": Address(b"\x22" * 20)}, {"holder_chain": ChainId(10)}, {"nonce": Hash32(b"\x08" * 32)},
        {"valid_until": Timestamp(ISSUED + 601)}, {"issued_at": Timestamp(ISSUED - 1)},
    ],
    ids=lambda o: next(iter(o)),
)  # fmt: skip
def test_control_shown_for_one_thing_shows_nothing_else(other) -> None:
    """Another account, holder, chain, nonce or time."""
    plain = bytes(KEY.sign_message(encode_defunct(text=challenge().text)).signature)
    with pytest.raises(BadAttestation):
        verify_control(challenge(**other), plain, Shown.EIP191, ISSUED)


def test_control_holds_for_a_while() -> None:
    plain = bytes(KEY.sign_message(encode_defunct(text=challenge().text)).signature)
    for now in (ISSUED - 1, ISSUED + 601):
        with pytest.raises(BadAttestation):
            verify_control(challenge(), plain, Shown.EIP191, Timestamp(now))
