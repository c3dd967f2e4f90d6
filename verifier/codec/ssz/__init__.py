"""Simple Serialize, strict, for the shapes that a light client meets: bytes, JSON, and hash tree roots.

A type is a small value (`Uint`, `Octets`, `OctetList`, `Bits`, `Vector`, `Container`) and everything is done by it: the
same description reads SSZ, reads the JSON of the beacon API, writes both, and hashes. One value has one encoding: no
byte follows, offsets are exactly where they must be, padding bits are zero, integers in JSON have no leading zero.
Unions, optional values and progressive types are not here, since no object of a light client has them.

Source: consensus specification, ssz/simple-serialize.md and ssz/merkle-proofs.md; beacon API, JSON encoding.
"""

from verifier.codec.ssz.json_form import from_json, record_from_json, to_json
from verifier.codec.ssz.kinds import (
    Bits,
    Container,
    Items,
    OctetList,
    Octets,
    Record,
    SszType,
    Uint,
    Value,
    Vector,
    fixed_size,
    zero,
)
from verifier.codec.ssz.roots import CHUNK, field_branch, field_roots, hash_tree_root, merkleize
from verifier.codec.ssz.serial import at_field, decode, decode_record, encode

__all__ = [
    "CHUNK",
    "Bits",
    "Container",
    "Items",
    "OctetList",
    "Octets",
    "Record",
    "SszType",
    "Uint",
    "Value",
    "Vector",
    "at_field",
    "decode",
    "decode_record",
    "encode",
    "field_branch",
    "field_roots",
    "fixed_size",
    "from_json",
    "hash_tree_root",
    "merkleize",
    "record_from_json",
    "to_json",
    "zero",
]
