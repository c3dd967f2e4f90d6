"""`ProofError`: well-formed, and not true."""

from __future__ import annotations

from typing import ClassVar

from verifier.errors.base import ProofError, RefusalClass, Where, show


class MissingNode(ProofError):
    """No node in the evidence hashes to the one the path needs next."""

    refusal_class: ClassVar[RefusalClass] = "INCOMPLETE"

    def __init__(self, where: Where, wanted: bytes, path: str) -> None:
        super().__init__(where, wanted, path)
        self.wanted, self.path = wanted, path

    def __str__(self) -> str:
        return f"{self.where}: no node hashes to 0x{self.wanted.hex()}, needed after path '{self.path}'"


class MissingEvidence(ProofError):
    """A header, section or item that the proof needs was not handed over."""

    refusal_class: ClassVar[RefusalClass] = "INCOMPLETE"

    def __init__(self, where: Where, what: str) -> None:
        super().__init__(where, what)
        self.what = what

    def __str__(self) -> str:
        return f"{self.where}: {self.what} is not in the evidence"


class WrongHash(ProofError):
    """Something does not hash to the reference that points at it."""

    def __init__(self, where: Where, what: str, expected: bytes, got: bytes) -> None:
        super().__init__(where, what, expected, got)
        self.what, self.expected, self.got = what, expected, got

    def __str__(self) -> str:
        return f"{self.where}: {self.what} must hash to 0x{self.expected.hex()}, hashes to 0x{self.got.hex()}"


class BrokenAncestry(ProofError):
    """Headers do not follow one another."""

    def __init__(self, where: Where, reason: str, expected: object, got: object) -> None:
        super().__init__(where, reason, show(expected), show(got))
        self.reason, self.expected, self.got = reason, show(expected), show(got)

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}: expected {self.expected}, got {self.got}"


class WrongMoment(ProofError):
    """The headers do not show which block is the last one not after the as-of time."""

    refusal_class: ClassVar[RefusalClass] = "BINDING"

    def __init__(self, where: Where, reason: str, expected: object, got: object) -> None:
        super().__init__(where, reason, show(expected), show(got))
        self.reason, self.expected, self.got = reason, show(expected), show(got)

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}: expected {self.expected}, got {self.got}"


class UnusedEvidence(ProofError):
    """Material that no decision used: exactly one form of a bundle is allowed."""

    refusal_class: ClassVar[RefusalClass] = "EXCESS"

    def __init__(self, where: Where, what: str, count: int, first: str) -> None:
        super().__init__(where, what, count, first)
        self.what, self.count, self.first = what, count, first

    def __str__(self) -> str:
        return f"{self.where}: {self.count} {self.what} that nothing used, the first of them {self.first}"


class NotThere(ProofError):
    """Claimed present, proven absent."""

    refusal_class: ClassVar[RefusalClass] = "EXISTENCE"

    def __init__(self, where: Where, what: str) -> None:
        super().__init__(where, what)
        self.what = what

    def __str__(self) -> str:
        return f"{self.where}: {self.what} is proven absent"


class CrossCheckFailed(ProofError):
    """A storage layout and the contract's own answer give two figures: the layout is not what the code reads."""

    refusal_class: ClassVar[RefusalClass] = "CLAIM"
    remedy: ClassVar[str] = "the contract was upgraded, or is unusual: read it by its call, and review its layout"

    def __init__(self, where: Where, layout: int, call: int) -> None:
        super().__init__(where, layout, call)
        self.layout, self.call = layout, call

    def __str__(self) -> str:
        return f"{self.where}: the layout reads {self.layout}, the contract's own call returns {self.call}"


class WrongBinding(ProofError):
    """An answer to another question: other request, key, address, slot, block or index."""

    refusal_class: ClassVar[RefusalClass] = "BINDING"

    def __init__(self, where: Where, what: str, expected: object, got: object) -> None:
        super().__init__(where, what, show(expected), show(got))
        self.what, self.expected, self.got = what, show(expected), show(got)

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: asked for {self.expected}, got {self.got}"


class BadPoint(ProofError):
    """A key or signature at infinity or outside the subgroup, no keys at all, or keys that cancel out."""

    refusal_class: ClassVar[RefusalClass] = "SIGNATURE"

    def __init__(self, where: Where, what: str, got: object = None) -> None:
        shown = None if got is None else show(got)
        super().__init__(where, what, shown)
        self.what, self.got = what, shown

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + ("" if self.got is None else f": {self.got}")


class WrongSignature(ProofError):
    """A signature of other keys, or of another message."""

    refusal_class: ClassVar[RefusalClass] = "SIGNATURE"

    def __init__(self, where: Where, message: bytes, key: bytes, messages: int = 1) -> None:
        super().__init__(where, message, key, messages)
        self.message, self.key, self.messages = message, key, messages

    def __str__(self) -> str:
        more = f" (and {self.messages - 1} more)" if self.messages > 1 else ""
        return f"{self.where}: the signature is not that of key {show(self.key)} over {show(self.message)}{more}"


class WrongPeriod(ProofError):
    """Signed in a period whose committee is not the one that is known."""

    refusal_class: ClassVar[RefusalClass] = "SIGNATURE"

    def __init__(self, where: Where, what: str, expected: str, got: int) -> None:
        super().__init__(where, what, expected, got)
        self.what, self.expected, self.got = what, expected, got

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: expected {self.expected}, got period {self.got}"


class WrongOrder(ProofError):
    """Slots of an update that do not follow one another, or lie ahead of the clock."""

    refusal_class: ClassVar[RefusalClass] = "FRESHNESS"

    def __init__(self, where: Where, what: str, expected: str, got: int) -> None:
        super().__init__(where, what, expected, got)
        self.what, self.expected, self.got = what, expected, got

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: expected {self.expected}, got slot {self.got}"


class NothingNew(ProofError):
    """A valid or unread update that is not newer than what is known; the state stays as it is."""

    refusal_class: ClassVar[RefusalClass] = "FRESHNESS"

    def __init__(self, where: Where, what: str, known: int, got: int) -> None:
        super().__init__(where, what, known, got)
        self.what, self.known, self.got = what, known, got

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: slot {self.got} is not newer than slot {self.known}, which is known"


class Misbehaviour(ProofError):
    """
    Two finalized headers of one network that cannot both be true, each signed by its committee.

    Attributes:
        slot: Of the one that was believed.
        known, other: What was believed and what contradicts it: the SSZ of an update each, or of a header.
        instead: Where they are of different slots: the block in the place of the believed one on the other's branch.
    """

    refusal_class: ClassVar[RefusalClass] = "FINALITY"
    remedy: ClassVar[str] = "stop; compare the checkpoint with independent sources, and keep the evidence"

    def __init__(
        self,
        where: Where,
        slot: int,
        known_root: bytes,
        other_root: bytes,
        known: bytes,
        other: bytes,
        instead: bytes = b"",
    ) -> None:
        super().__init__(where, slot, known_root, other_root, known, other, instead)
        self.slot, self.known_root, self.other_root = slot, known_root, other_root
        self.known, self.other, self.instead = known, other, instead

    def __str__(self) -> str:
        known, other = f"0x{self.known_root.hex()}", f"0x{self.other_root.hex()}"
        if self.instead:
            return (
                f"{self.where}: two finalized branches: {known} at slot {self.slot} is believed, and {other} is signed "
                f"as well, which has 0x{self.instead.hex()} in its place"
            )
        return (
            f"{self.where}: two finalized headers for slot {self.slot}: {known} is believed, {other} is signed as well"
        )


class BadAttestation(ProofError):
    """An attestation that others signed, that speaks of something else, or that does not hold at this time."""

    refusal_class: ClassVar[RefusalClass] = "ATTEST"

    def __init__(self, where: Where, what: str, expected: object, got: object) -> None:
        super().__init__(where, what, show(expected), show(got))
        self.what, self.expected, self.got = what, show(expected), show(got)

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: expected {self.expected}, got {self.got}"
