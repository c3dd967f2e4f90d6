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
    │   ├── MalformedSigned    not a signed price update in its one form
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
        ├── TooFewSigners      a sync committee, or a set of guardians, of which too few signed
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

from verifier.errors.base import (
    NOWHERE,
    Malformed,
    PolicyError,
    ProofError,
    RefusalClass,
    VerifierError,
    Where,
    show,
)
from verifier.errors.malformed import (
    BadInput,
    CallTooLarge,
    LimitExceeded,
    MalformedAccount,
    MalformedAttestation,
    MalformedBranch,
    MalformedBundle,
    MalformedHeader,
    MalformedNode,
    MalformedPoint,
    MalformedReceipt,
    MalformedRlp,
    MalformedSigned,
    MalformedSsz,
    MalformedUpdate,
    MalformedWord,
)
from verifier.errors.policy import (
    BadPrice,
    CallFailed,
    CheckpointTooOld,
    CountedTwice,
    Denied,
    FromTheFuture,
    NoLayout,
    NotAttestable,
    NotFinal,
    NoTrustRoot,
    NotSettled,
    NotUsable,
    SkewTooLarge,
    TooFewSigners,
    TooOld,
    TrustTooWeak,
    UnlistedDebt,
    UnreviewedCode,
    UnreviewedMeaning,
    Unsupported,
    ValuationOverflow,
    WrongChain,
)
from verifier.errors.proof import (
    BadAttestation,
    BadPoint,
    BrokenAncestry,
    CrossCheckFailed,
    Misbehaviour,
    MissingEvidence,
    MissingNode,
    NothingNew,
    NotThere,
    UnusedEvidence,
    WrongBinding,
    WrongHash,
    WrongMoment,
    WrongOrder,
    WrongPeriod,
    WrongSignature,
)

__all__ = [
    "NOWHERE",
    "BadAttestation",
    "BadInput",
    "BadPoint",
    "BadPrice",
    "BrokenAncestry",
    "CallFailed",
    "CallTooLarge",
    "CheckpointTooOld",
    "CountedTwice",
    "CrossCheckFailed",
    "Denied",
    "FromTheFuture",
    "LimitExceeded",
    "Malformed",
    "MalformedAccount",
    "MalformedAttestation",
    "MalformedBranch",
    "MalformedBundle",
    "MalformedHeader",
    "MalformedNode",
    "MalformedPoint",
    "MalformedReceipt",
    "MalformedRlp",
    "MalformedSigned",
    "MalformedSsz",
    "MalformedUpdate",
    "MalformedWord",
    "Misbehaviour",
    "MissingEvidence",
    "MissingNode",
    "NoLayout",
    "NoTrustRoot",
    "NotAttestable",
    "NotFinal",
    "NotSettled",
    "NotThere",
    "NotUsable",
    "NothingNew",
    "PolicyError",
    "ProofError",
    "RefusalClass",
    "SkewTooLarge",
    "TooFewSigners",
    "TooOld",
    "TrustTooWeak",
    "UnlistedDebt",
    "UnreviewedCode",
    "UnreviewedMeaning",
    "Unsupported",
    "UnusedEvidence",
    "ValuationOverflow",
    "VerifierError",
    "Where",
    "WrongBinding",
    "WrongChain",
    "WrongHash",
    "WrongMoment",
    "WrongOrder",
    "WrongPeriod",
    "WrongSignature",
    "show",
]
