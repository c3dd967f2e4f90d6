"""`Malformed`: the bytes are not the promised shape."""

from __future__ import annotations

from typing import ClassVar

from verifier.errors.base import Malformed, RefusalClass, Where, show


class BadInput(Malformed):
    """A value handed to us has the wrong type, width or range."""

    refusal_class: ClassVar[RefusalClass] = "INPUT"

    def __init__(self, what: str, expected: str, got: object) -> None:
        shown = show(got)
        super().__init__(what, expected, shown)
        self.what, self.expected, self.got = what, expected, shown

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, got {self.got}"


class LimitExceeded(Malformed):
    """Too large, too many or too deep; raised before the content is looked at."""

    refusal_class: ClassVar[RefusalClass] = "INPUT"

    def __init__(self, what: str, limit: int, got: int | str) -> None:
        super().__init__(what, limit, got)
        self.what, self.limit, self.got = what, limit, got

    def __str__(self) -> str:
        return f"{self.what}: at most {self.limit}, got {self.got}"


class CallTooLarge(LimitExceeded):
    """A call that does more work, nests deeper or returns more than a checker lets it; its end is not known."""

    remedy: ClassVar[str] = "ask the contract for less in one call"

    def __init__(self, where: Where, what: str, limit: int, got: int | str) -> None:
        super().__init__(what, limit, got)
        self.args = (where, what, limit, got)

    def __str__(self) -> str:
        return f"{self.where}: {self.what} of a call: at most {self.limit}, got {self.got}"


class _AtPlace(Malformed):
    """Shared shape: a place, a reason, and what was found there."""

    noun: ClassVar[str] = "evidence"

    def __init__(self, where: Where, reason: str, got: object = None) -> None:
        shown = None if got is None else show(got)
        super().__init__(where, reason, shown)
        self.reason, self.got = reason, shown

    def __str__(self) -> str:
        tail = "" if self.got is None else f" (found {self.got})"
        return f"{self.where}: {self.noun}: {self.reason}{tail}"


class MalformedRlp(_AtPlace):
    """Not canonical RLP."""

    noun: ClassVar[str] = "not canonical RLP"


class MalformedNode(_AtPlace):
    """Not a trie node, or one that no honest trie holds."""

    noun: ClassVar[str] = "not a trie node"


class MalformedHeader(_AtPlace):
    """Not a block header of its family."""

    noun: ClassVar[str] = "not a block header"


class MalformedAccount(_AtPlace):
    """Not an account leaf of its family."""

    noun: ClassVar[str] = "not an account leaf"


class MalformedWord(_AtPlace):
    """Not a storage value."""

    noun: ClassVar[str] = "not a storage value"


class MalformedReceipt(_AtPlace):
    """Not a receipt of its type."""

    noun: ClassVar[str] = "not a receipt"


class MalformedAttestation(_AtPlace):
    """Not an attestation, a statement or a signature in its one form."""

    refusal_class: ClassVar[RefusalClass] = "ATTEST"
    noun: ClassVar[str] = "not an attestation"


class MalformedSigned(_AtPlace):
    """Not a signed price update, or a message of guardians, in its one form."""

    noun: ClassVar[str] = "not a signed update"


class MalformedBundle(_AtPlace):
    """Not a bundle in its one canonical form."""

    noun: ClassVar[str] = "not a bundle"


class MalformedPoint(_AtPlace):
    """Not the one encoding of a curve point."""

    noun: ClassVar[str] = "not a point"


class MalformedSsz(_AtPlace):
    """Not SSZ in its one form."""

    noun: ClassVar[str] = "not SSZ"


class MalformedBranch(_AtPlace):
    """A Merkle branch whose surplus entries are not zero."""

    noun: ClassVar[str] = "not a branch"


class MalformedUpdate(_AtPlace):
    """Not a light-client object of its fork."""

    noun: ClassVar[str] = "not a light-client object"
    refusal_class: ClassVar[RefusalClass] = "INPUT"
