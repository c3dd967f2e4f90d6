"""`PolicyError`: true as far as it goes, and not good enough for the checker."""

from __future__ import annotations

from typing import ClassVar

from verifier.errors.base import PolicyError, RefusalClass, Where, show


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
    remedy: ClassVar[str] = (
        "give a beacon checkpoint or pin a block hash under [networks.<name>], or choose a policy that takes this "
        "trust at its haircut"
    )

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
    """A sync committee, or a set of guardians, of which too few signed."""

    refusal_class: ClassVar[RefusalClass] = "SIGNATURE"
    remedy: ClassVar[str] = "wait for an update with more participants; nothing is believed on fewer"

    def __init__(self, where: Where, needed: int, got: int, size: int, who: str = "sync committee members") -> None:
        super().__init__(where, needed, got, size, who)
        self.needed, self.got, self.size, self.who = needed, got, size, who

    def __str__(self) -> str:
        return f"{self.where}: {self.got} of {self.size} {self.who} signed; {self.needed} are needed"


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
        return f"{self.where}: of {self.examined} examined, {len(self.assets)} with debts that nobody listed: {names}"


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
