"""A figure that lies anywhere in a contract's storage: where a compiler's layout and a path of the source led to.

The path was resolved when the claim was made; what travels is the place, with the arrays that the path indexes and the
path itself as a label. So a claim holds no layout, and a checker who has the source can resolve the path again and
compare.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.assets.figure import Figure
from verifier.assets.reader import Reader
from verifier.claims import Claim, ClaimKind
from verifier.codec.abi import field
from verifier.codec.storage_layout import Place, StorageLayout
from verifier.codec.storage_types import Family, Value
from verifier.errors import BadInput, NotThere, NotUsable
from verifier.positions import Given, Position, PositionKind, position
from verifier.primitives import Address, SlotKey, slot_key

MOST_BOUNDS = 4


@dataclass(frozen=True, slots=True)
class Parameters:
    """The word, its bits and their sign, and the arrays on the way: each a slot with an index below its length."""

    slot: SlotKey
    offset: int
    width: int
    signed: bool
    path: str
    bounds: tuple[tuple[SlotKey, int], ...]


def parse(given: Given, contract: Address) -> Parameters:  # noqa: ARG001 - the kinds' common shape
    """A place, as `of_place` writes it."""
    offset, width = given.uint("offset", 0, most=255), given.uint("width", 256, most=256)
    if not 1 <= width <= 256 - offset:
        raise BadInput("storage position", "bits within one word", (offset, width))
    counted = given.uint("bounds", 0, most=MOST_BOUNDS)
    bounds = tuple((SlotKey(given.hash(f"array{i}")), given.uint(f"index{i}")) for i in range(counted))
    signed = given.word("sign", ("signed", "unsigned"), "unsigned") == "signed"
    return Parameters(SlotKey(given.hash("slot")), offset, width, signed, given.text("path", "-"), bounds)


def of_place(layout: StorageLayout, place: Place, path: str) -> Position:
    """
    The position that reads a place.

    Raises:
        BadInput: What lies there is no integer, so it is no amount.
    """
    kind = place.cast or layout.type(place.type)
    counted = Value(Family.UINT, 32) if place.length else kind
    if not isinstance(counted, Value) or counted.family not in (Family.UINT, Family.INT):
        raise BadInput("storage path of an amount", "an integer or a length", place.type)
    if len(place.bounds) > MOST_BOUNDS:
        raise BadInput("storage path of an amount", f"at most {MOST_BOUNDS} growing arrays", path)
    arrays = {f"array{i}": bytes(slot_key(bound.slot)) for i, bound in enumerate(place.bounds)}
    indices = {f"index{i}": bound.index for i, bound in enumerate(place.bounds)}
    return position(
        PositionKind.STORAGE,
        slot=bytes(slot_key(place.slot)),
        offset=8 * place.offset,
        width=256 if counted.whole else 8 * counted.width,
        sign="signed" if counted.family is Family.INT else "unsigned",
        path=path,
        bounds=len(place.bounds),
        **arrays,
        **indices,
    )


def read(of: Parameters, claim: Claim, contract: Address, reader: Reader) -> Figure:
    """
    The field. A negative one is a debt where the claim is one, and no holding.

    Raises:
        NotThere: An array that the path indexes is too short.
        NotUsable: The figure has the other sign than the claim's kind.
    """
    *lengths, word = reader.words((contract, [*(slot for slot, _ in of.bounds), of.slot]))
    for (slot, index), length in zip(of.bounds, lengths, strict=True):
        if index >= int.from_bytes(length.word, "big"):
            raise NotThere(length.where, f"item {index} of the array at {slot.hex()}")
    value = field(word.word, of.offset, of.width, signed=of.signed)
    units = -value if of.signed and claim.kind is ClaimKind.DEBT else value
    if units < 0:
        raise NotUsable(word.where, f"{of.path} is {value}, which is no {claim.kind.value}")
    return Figure(units, word)
