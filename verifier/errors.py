"""The verifier's whole exception tree, on one page.

    VerifierError
    ├── Malformed            the bytes are not the promised shape
    │   ├── BadInput           a value handed to us has the wrong type, width or range
    │   ├── LimitExceeded      too large, too many or too deep; raised before the content is looked at
    │   │   └── CallTooLarge     a call that does more work than a checker lets it
    │   ├── MalformedRlp       not canonical RLP
    │   ├── MalformedNode      not a trie node, or one no honest trie holds
    │   ├── MalformedHeader    not a block header of its family
    │   ├── MalformedAccount   not an account leaf of its family
    │   ├── MalformedWord      not a storage value
    │   ├── MalformedReceipt   not a receipt of its type
    │   ├── MalformedPoint     not the one encoding of a curve point
    │   ├── MalformedSsz       not SSZ in its one form
    │   ├── MalformedBranch    a Merkle branch with surplus entries that are not zero
    │   ├── MalformedUpdate    not a light-client object of its fork
    │   ├── MalformedAttestation  not an attestation, statement or signature in its one form
    │   └── MalformedBundle    not a bundle in its one canonical form
    ├── ProofError           well-formed, and not true
    │   ├── MissingNode        no node at hand hashes to the one the path needs next
    │   ├── MissingEvidence    a header, section or item that the proof needs was not handed over
    │   ├── WrongHash          something does not hash to the reference that points at it
    │   ├── BrokenAncestry     headers do not follow one another
    │   ├── WrongMoment        the headers do not show the block of the as-of time
    │   ├── UnusedEvidence     material that no decision used
    │   ├── NotThere           claimed present, proven absent
    │   ├── WrongBinding       an answer to another question
    │   ├── BadPoint           a key or signature at infinity or outside the subgroup, or keys that cancel out
    │   ├── WrongSignature     a signature of other keys or of another message
    │   ├── WrongPeriod        signed in a period whose committee is not the one that is known
    │   ├── WrongOrder         slots of an update that do not follow one another, or lie ahead of the clock
    │   ├── NothingNew         an update that is not newer than what is known
    │   ├── CrossCheckFailed   a storage layout and the contract's own answer are two figures
    │   ├── Misbehaviour       two finalized headers of one network that cannot both be true
    │   └── BadAttestation     signed by others, for something else, or at another time
    └── PolicyError          true, and not good enough for the checker
        ├── NoTrustRoot        no header reaches a checkpoint or pin of the checker
        ├── TrustTooWeak       anchor, settlement or basis that the policy does not take
        ├── NotSettled         a rollup's root that its contract rejects, or has not accepted for good
        ├── Denied             a root, game or checkpoint on the checker's denylist
        ├── UnreviewedMeaning  a layout that neither our registry nor the policy names
        ├── UnreviewedCode     contract code that is not the code the layout was reviewed for
        ├── CallFailed         a proven call that reverted or halted, so it says no figure
        ├── NotUsable          proven, but flagged by its own contract (paused, blacklisted, odd bits)
        ├── TooFewSigners      a sync committee of which too few took part
        ├── NotFinal           attested where finalized is due
        ├── CheckpointTooOld   a beacon checkpoint older than the weak subjectivity period
        ├── TooOld             older than the policy allows
        ├── FromTheFuture      a time ahead of the checker's clock
        ├── WrongChain         another chain, network or contract identity
        ├── CountedTwice       two claims that are one balance, seen from two sides
        ├── BadPrice           no answer, one that is not above zero or stands at a bound, or a memory too short
        ├── NoLayout           no storage layout, or more than one, explains what a contract read and returned
        ├── UnlistedDebt       a lending protocol's own record shows a debt that no claim speaks of
        ├── SkewTooLarge       snapshots of one account too far apart in time to be one moment
        ├── NotAttestable      an account that nothing may be signed over
        ├── ValuationOverflow  an amount or a value beyond any that can be true
        └── Unsupported        cannot be verified here: unknown fork, tree, layout

`chains.errors.FetchError` ("could not ask") stands outside this tree on purpose.

Every error carries its fields in `args` (so it survives a process boundary), a `Where`, and one of the refusal
classes that reports and metrics group by. The sentence is in `__str__`; `remedy` says what a person can do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal

RefusalClass = Literal[
    "INPUT", "ENCODING", "LINK", "INCOMPLETE", "EXCESS", "EXISTENCE", "CLAIM", "BINDING", "CHAIN", "FINALITY",
    "FRESHNESS", "SIGNATURE", "UNSUPPORTED", "TRANSPORT", "POLICY", "VALUATION", "STORE", "ATTEST",
]  # fmt: skip

_SHOWN: Final = 80


def show(value: object) -> str:
    """A value as an error may print it: bounded, bytes as hex, no control characters."""
    if isinstance(value, bytes | bytearray):
        text = "0x" + value[: _SHOWN // 2].hex()
        return text if len(value) <= _SHOWN // 2 else f"{text}… ({len(value)} bytes)"
    try:
        text = repr(value) if isinstance(value, str) else str(value)
    except ValueError:  # an integer too long for Python to print
        return f"a {type(value).__name__} too long to show"
    text = "".join(c if c.isprintable() else "·" for c in text[: _SHOWN + 1])
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


@dataclass(frozen=True, slots=True)
class Where:
    """The place an error speaks of: as much of network, address, slot and node as is known."""

    network: str | None = None
    block: str | None = None
    address: bytes | None = None
    slot: bytes | None = None
    node: str | None = None

    def at(
        self,
        *,
        address: bytes | None = None,
        slot: bytes | None = None,
        node: str | None = None,
        block: str | None = None,
    ) -> Where:
        """The same place, said more exactly."""
        return replace(
            self,
            block=block if block is not None else self.block,
            address=address if address is not None else self.address,
            slot=slot if slot is not None else self.slot,
            node=node if node is not None else self.node,
        )

    def __str__(self) -> str:
        parts = [
            self.network,
            f"block {self.block}" if self.block is not None else None,
            f"address 0x{self.address.hex()}" if self.address is not None else None,
            f"slot 0x{self.slot.hex()}" if self.slot is not None else None,
            f"node {self.node}" if self.node is not None else None,
        ]
        return ", ".join(p for p in parts if p) or "evidence"


NOWHERE: Final = Where()


class VerifierError(Exception):
    """Root of everything the verifier raises on purpose."""

    refusal_class: ClassVar[RefusalClass]
    remedy: ClassVar[str] = ""

    @property
    def where(self) -> Where:
        """The place, where the error knows one."""
        first = self.args[0] if self.args else NOWHERE
        return first if isinstance(first, Where) else NOWHERE


class Malformed(VerifierError):
    """The bytes are not the promised shape."""

    refusal_class: ClassVar[RefusalClass] = "ENCODING"


class ProofError(VerifierError):
    """Well-formed, and not true."""

    refusal_class: ClassVar[RefusalClass] = "LINK"


class PolicyError(VerifierError):
    """True as far as it goes, and not good enough for the checker."""

    refusal_class: ClassVar[RefusalClass] = "POLICY"


# --- Malformed -------------------------------------------------------------------------------------------


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


# --- ProofError ------------------------------------------------------------------------------------------


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
        known, other: What was believed and what contradicts it: the SSZ of an update each, or of a header.
    """

    refusal_class: ClassVar[RefusalClass] = "FINALITY"
    remedy: ClassVar[str] = "stop; compare the checkpoint with independent sources, and keep the evidence"

    def __init__(
        self, where: Where, slot: int, known_root: bytes, other_root: bytes, known: bytes, other: bytes
    ) -> None:
        super().__init__(where, slot, known_root, other_root, known, other)
        self.slot, self.known_root, self.other_root = slot, known_root, other_root
        self.known, self.other = known, other

    def __str__(self) -> str:
        return (
            f"{self.where}: two finalized headers for slot {self.slot}: 0x{self.known_root.hex()} is believed, "
            f"0x{self.other_root.hex()} is signed as well"
        )


class BadAttestation(ProofError):
    """An attestation that others signed, that speaks of something else, or that does not hold at this time."""

    refusal_class: ClassVar[RefusalClass] = "ATTEST"

    def __init__(self, where: Where, what: str, expected: object, got: object) -> None:
        super().__init__(where, what, show(expected), show(got))
        self.what, self.expected, self.got = what, show(expected), show(got)

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: expected {self.expected}, got {self.got}"


# --- PolicyError -----------------------------------------------------------------------------------------


class NoTrustRoot(PolicyError):
    """No header of the evidence reaches a checkpoint, pin or observation of the checker."""

    refusal_class: ClassVar[RefusalClass] = "FINALITY"
    remedy: ClassVar[str] = (
        "give a beacon checkpoint or pin the block hash under [networks.<name>], or ask your own endpoints with --ask"
    )

    def __init__(self, where: Where, anchor: bytes, known: int) -> None:
        super().__init__(where, anchor, known)
        self.anchor, self.known = anchor, known

    def __str__(self) -> str:
        return (
            f"{self.where}: the evidence starts at header 0x{self.anchor.hex()}, which none of the checker's "
            f"{self.known} trust roots for this network names"
        )


class TrustTooWeak(PolicyError):
    """Anchor, settlement or basis that the checker's policy does not take."""

    refusal_class: ClassVar[RefusalClass] = "FINALITY"
    remedy: ClassVar[str] = "pin a block hash, or choose a policy that takes this trust at its haircut"

    def __init__(self, where: Where, fact: str, got: str, taken: str) -> None:
        super().__init__(where, fact, got, taken)
        self.fact, self.got, self.taken = fact, got, taken

    def __str__(self) -> str:
        return f"{self.where}: {self.fact} is '{self.got}'; the policy takes {self.taken}"


class NotSettled(PolicyError):
    """A rollup's root that the contract of its parent rejects, or does not hold as accepted."""

    refusal_class: ClassVar[RefusalClass] = "FINALITY"
    remedy: ClassVar[str] = "gather anew under a newer root of the parent, or choose an earlier as-of time"

    def __init__(self, where: Where, rule: str, expected: object, got: object) -> None:
        super().__init__(where, rule, show(expected), show(got))
        self.rule, self.expected, self.got = rule, show(expected), show(got)

    def __str__(self) -> str:
        return f"{self.where}: {self.rule}: expected {self.expected}, got {self.got}"


class Denied(PolicyError):
    """A root, game or checkpoint that the checker's policy denies, whatever its contract says."""

    def __init__(self, where: Where, what: str, denied: bytes) -> None:
        super().__init__(where, what, denied)
        self.what, self.denied = what, denied

    def __str__(self) -> str:
        return f"{self.where}: {self.what} 0x{self.denied.hex()} is on the policy's denylist"


class UnreviewedMeaning(PolicyError):
    """A layout that neither our registry nor the checker's policy names."""

    remedy: ClassVar[str] = 'name the contract in the policy: accept_contracts = ["<chain id>:<address>"]'

    def __init__(self, where: Where, source: str, reason: str) -> None:
        super().__init__(where, source, reason)
        self.source, self.reason = source, reason

    def __str__(self) -> str:
        return f"{self.where}: layout of source '{self.source}' is not taken: {self.reason}"


class UnreviewedCode(PolicyError):
    """Contract code, or a proxy's implementation, that is not the one the layout was reviewed for."""

    remedy: ClassVar[str] = (
        'once reviewed, name the contract in the policy: accept_contracts = ["<chain id>:<address>"]'
    )

    def __init__(self, where: Where, what: str, expected: str, got: bytes) -> None:
        super().__init__(where, what, expected, got)
        self.what, self.expected, self.got = what, expected, got

    def __str__(self) -> str:
        return f"{self.where}: {self.what} was reviewed as {self.expected}, proven to be 0x{self.got.hex()}"


class CallFailed(PolicyError):
    """A proven call that reverted or halted: that it does is proven, and it says no figure."""

    refusal_class: ClassVar[RefusalClass] = "VALUATION"

    def __init__(self, where: Where, what: str, data: bytes) -> None:
        super().__init__(where, what, data)
        self.what, self.data = what, data

    def __str__(self) -> str:
        tail = f" with data {show(self.data)}" if self.data else ""
        return f"{self.where}: the call {self.what}{tail}"


class NotUsable(PolicyError):
    """Proven, but its own contract says it cannot be used: paused, blacklisted, bits nobody explained."""

    def __init__(self, where: Where, reason: str) -> None:
        super().__init__(where, reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


class TooFewSigners(PolicyError):
    """A sync committee of which too few took part."""

    refusal_class: ClassVar[RefusalClass] = "SIGNATURE"
    remedy: ClassVar[str] = "wait for an update with more participants; nothing is believed on fewer"

    def __init__(self, where: Where, needed: int, got: int, size: int) -> None:
        super().__init__(where, needed, got, size)
        self.needed, self.got, self.size = needed, got, size

    def __str__(self) -> str:
        return f"{self.where}: {self.got} of {self.size} sync committee members signed; {self.needed} are needed"


class NotFinal(PolicyError):
    """Attested where finalized is due."""

    refusal_class: ClassVar[RefusalClass] = "FINALITY"

    def __init__(self, where: Where, what: str) -> None:
        super().__init__(where, what)
        self.what = what

    def __str__(self) -> str:
        return f"{self.where}: not final: {self.what}"


class CheckpointTooOld(PolicyError):
    """A beacon checkpoint older than the weak subjectivity period: committees of its time may have sold their keys."""

    refusal_class: ClassVar[RefusalClass] = "FRESHNESS"
    remedy: ClassVar[str] = (
        "take a newer finalized checkpoint root from several sources that you trust, and configure it"
    )

    def __init__(self, where: Where, slot: int, age: int, limit: int) -> None:
        super().__init__(where, slot, age, limit)
        self.slot, self.age, self.limit = slot, age, limit

    def __str__(self) -> str:
        return (
            f"{self.where}: the checkpoint at slot {self.slot} is {self.age} s old; beyond {self.limit} s "
            "it no longer protects against bought keys of old committees"
        )


class TooOld(PolicyError):
    """Older, or lagging further, than the policy allows."""

    refusal_class: ClassVar[RefusalClass] = "FRESHNESS"
    remedy: ClassVar[str] = "gather anew, choose an as-of time that the root covers, or raise the limit in the policy"

    def __init__(self, where: Where, what: str, limit: int, got: int) -> None:
        super().__init__(where, what, limit, got)
        self.what, self.limit, self.got = what, limit, got

    def __str__(self) -> str:
        return f"{self.where}: {self.what} is {self.got} s; the policy allows {self.limit} s"


class FromTheFuture(PolicyError):
    """A time ahead of the checker's clock."""

    refusal_class: ClassVar[RefusalClass] = "FRESHNESS"
    remedy: ClassVar[str] = "check this machine's clock"

    def __init__(self, where: Where, what: str, now: int, got: int) -> None:
        super().__init__(where, what, now, got)
        self.what, self.now, self.got = what, now, got

    def __str__(self) -> str:
        return f"{self.where}: {self.what} is {self.got}, after the checker's clock {self.now}"


class WrongChain(PolicyError):
    """Other chain, network or contract identity than the pinned one."""

    refusal_class: ClassVar[RefusalClass] = "CHAIN"

    def __init__(self, where: Where, what: str, expected: object, got: object) -> None:
        super().__init__(where, what, show(expected), show(got))
        self.what, self.expected, self.got = what, show(expected), show(got)

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: expected {self.expected}, got {self.got}"


class CountedTwice(PolicyError):
    """Two claims are one balance, named twice or seen from two sides: adding them up would count it twice."""

    refusal_class: ClassVar[RefusalClass] = "VALUATION"
    remedy: ClassVar[str] = "list the balance once"

    def __init__(self, where: Where, first: str, second: str, reason: str) -> None:
        super().__init__(where, first, second, reason)
        self.first, self.second, self.reason = first, second, reason

    def __str__(self) -> str:
        return f"{self.where}: {self.first} and {self.second} are one balance: {self.reason}"


class NoLayout(PolicyError):
    """No storage layout known here explains what a contract's own function read and returned, or more than one does."""

    refusal_class: ClassVar[RefusalClass] = "UNSUPPORTED"
    remedy: ClassVar[str] = "read the balance by a proven call, or give the compiler's layout and a path"

    def __init__(self, where: Where, found: int, slots: tuple[bytes, ...]) -> None:
        super().__init__(where, found, slots)
        self.found, self.slots = found, slots

    def __str__(self) -> str:
        read = ", ".join(show(slot) for slot in self.slots[:4]) or "none"
        return f"{self.where}: {self.found} layouts explain the balances; the function read the slots {read}"


class BadPrice(PolicyError):
    """What a price source holds is no price that can be used."""

    refusal_class: ClassVar[RefusalClass] = "VALUATION"

    def __init__(self, where: Where, reason: str, got: int) -> None:
        super().__init__(where, reason, got)
        self.reason, self.got = reason, got

    def __str__(self) -> str:
        return f"{self.where}: {self.reason} (found {show(self.got)})"


class UnlistedDebt(PolicyError):
    """A lending protocol's own record shows a debt of the holder that no claim of the account speaks of."""

    remedy: ClassVar[str] = "list the debts, or let them be found"

    def __init__(self, where: Where, assets: tuple[bytes, ...], examined: int) -> None:
        super().__init__(where, assets, examined)
        self.assets, self.examined = assets, examined

    def __str__(self) -> str:
        names = ", ".join(show(asset) for asset in self.assets)
        return f"{self.where}: of {self.examined} reserves examined, {len(self.assets)} unlisted with debts: {names}"


class SkewTooLarge(PolicyError):
    """Head snapshots of one account lie too far apart: what moved between them could be counted on both sides."""

    refusal_class: ClassVar[RefusalClass] = "FRESHNESS"
    remedy: ClassVar[str] = "gather anew, or choose an as-of time that every network has passed"

    def __init__(self, where: Where, limit: int, got: int, oldest: str, newest: str) -> None:
        super().__init__(where, limit, got, oldest, newest)
        self.limit, self.got, self.oldest, self.newest = limit, got, oldest, newest

    def __str__(self) -> str:
        return (
            f"{self.where}: head snapshots of {self.oldest} and {self.newest} lie {self.got} s apart; "
            f"the policy allows {self.limit} s"
        )


class ValuationOverflow(PolicyError):
    """An amount or a value beyond any that can be true: its price, its decimals or its figure is wrong."""

    refusal_class: ClassVar[RefusalClass] = "VALUATION"
    remedy: ClassVar[str] = "check the decimals and the price of the asset"

    def __init__(self, what: str, limit: int, got: int) -> None:
        super().__init__(what, limit, show(got))
        self.what, self.limit, self.got = what, limit, show(got)

    def __str__(self) -> str:
        return f"{self.what}: at most {show(self.limit)} can be true, got {self.got}"


class NotAttestable(PolicyError):
    """An account that nothing may be signed over: refused, incomplete, in doubt, or too old."""

    refusal_class: ClassVar[RefusalClass] = "ATTEST"

    def __init__(self, where: Where, reason: str) -> None:
        super().__init__(where, reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.where}: nothing is signed over it: {self.reason}"


class Unsupported(PolicyError):
    """Cannot be verified here: unknown fork, tree, layout or family; with the reason and what would help."""

    refusal_class: ClassVar[RefusalClass] = "UNSUPPORTED"

    def __init__(self, where: Where, what: str, cure: str = "") -> None:
        super().__init__(where, what, cure)
        self.what, self.cure = what, cure

    def __str__(self) -> str:
        tail = f"; {self.cure}" if self.cure else ""
        return f"{self.where}: cannot be verified here: {self.what}{tail}"
