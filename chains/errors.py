"""The tree of "could not ask". It stands outside the verifier's own tree on purpose: silence is not a false proof.

    FetchError
    ├── Unreachable          no connection: name, address, TLS, reset
    │   └── ForbiddenAddress   the name resolves to an address that no endpoint may have
    ├── TimedOut             the time for the request, or for the network, is up
    ├── TooLarge             more bytes than we read
    ├── TooSlow              bytes dripped in below the least speed
    ├── Redirected           the endpoint sent us elsewhere; we never go
    ├── BadStatus            an HTTP status that is not 200
    │   ├── RateLimited        asked too often
    │   └── RequestTooLarge    our request holds too many questions
    ├── BadAnswer            not a JSON-RPC answer to what was asked
    │   └── NoBlock            null: the endpoint does not know the block
    ├── NodeError            a JSON-RPC error
    │   ├── NotServed          a method or a block that this endpoint does not serve
    │   ├── NotProvable        the block is outside the endpoint's window of proofs
    │   ├── BatchRefused       the endpoint does not take so many calls at once
    │   ├── TooManyKeys        the endpoint does not take so many storage keys at once
    │   ├── ByHashRefused      the endpoint does not take a block hash where a block is named
    │   └── Busy               the node says that it is asked too often, or failed inside
    ├── WrongChainId         the endpoint answers for another chain
    ├── BeaconRefused        a beacon node says why it has no answer
    ├── WrongBeaconChain     a beacon endpoint answers for another beacon chain
    ├── OutOfBudget          retries for this report are used up
    └── Unobserved           endpoints did not agree on a recent block
        └── Equivocation       they named different blocks of one height

No error holds a URL: an endpoint is named by its label alone. Text from outside is cleaned and cut to 200 characters.
None of them has the library's own exception as its cause or context, since those carry URLs.
"""

from __future__ import annotations

import unicodedata
from typing import ClassVar, Final

from verifier.primitives import ChainId, Hash32, to_hex

CLEAN_LENGTH: Final = 200
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: object) -> str:
    """Text from outside as a terminal, a log line or a table cell may hold it: one line, no controls, bounded."""
    cut = (text if isinstance(text, str) else str(text))[: CLEAN_LENGTH + 1]
    kept = "".join("·" if unicodedata.category(c) in _HIDDEN else c for c in cut)
    return kept if len(kept) <= CLEAN_LENGTH else kept[:CLEAN_LENGTH] + "…"


class FetchError(Exception):
    """Could not ask, or got nothing that is an answer.

    Attributes:
        endpoint: The endpoint's label; never its URL.
        remedy: What a person can do.
    """

    again: ClassVar[int] = 0
    remedy: ClassVar[str] = ""

    def __init__(self, endpoint: str, *details: object) -> None:
        super().__init__(endpoint, *details)
        self.endpoint = endpoint

    @property
    def repeats(self) -> int:
        """How often the same question may be repeated at the same endpoint."""
        return self.again

    @property
    def after(self) -> float | None:
        """Seconds to wait before the question is repeated, where the endpoint said so."""
        return None

    @property
    def reason(self) -> str:
        """What went wrong, without the endpoint's label."""
        return self._told()

    def _told(self) -> str:
        return (self.__doc__ or type(self).__name__).strip().splitlines()[0].rstrip(".")

    def __str__(self) -> str:
        tail = f" ({self.remedy})" if self.remedy else ""
        return f"{self.endpoint}: {self.reason}{tail}"


class Unreachable(FetchError):
    """No connection: name, address, TLS, or a connection that broke."""

    again: ClassVar[int] = 2

    def __init__(self, endpoint: str, what: str) -> None:
        super().__init__(endpoint, what)
        self.what = what

    def _told(self) -> str:
        return self.what


class ForbiddenAddress(Unreachable):
    """The name resolves to a link-local, multicast or unspecified address, where no endpoint lives."""

    again: ClassVar[int] = 0
    remedy: ClassVar[str] = "check the host name, and who answers for it"


class TimedOut(FetchError):
    """No answer in time."""

    again: ClassVar[int] = 1

    def __init__(self, endpoint: str, seconds: float) -> None:
        super().__init__(endpoint, seconds)
        self.seconds = seconds

    def _told(self) -> str:
        return f"no answer within {self.seconds:g} s"


class TooLarge(FetchError):
    """The answer is larger than we read."""

    def __init__(self, endpoint: str, limit: int) -> None:
        super().__init__(endpoint, limit)
        self.limit = limit

    def _told(self) -> str:
        return f"the answer is larger than {self.limit} bytes"


class TooSlow(FetchError):
    """Bytes dripped in below the least speed."""

    def __init__(self, endpoint: str, bytes_per_second: int) -> None:
        super().__init__(endpoint, bytes_per_second)
        self.bytes_per_second = bytes_per_second

    def _told(self) -> str:
        return f"the answer came slower than {self.bytes_per_second} bytes a second"


class Redirected(FetchError):
    """The endpoint sent us elsewhere; redirects are never followed."""

    remedy: ClassVar[str] = "configure the address it redirects to, if that is meant"

    def __init__(self, endpoint: str, status: int) -> None:
        super().__init__(endpoint, status)
        self.status = status

    def _told(self) -> str:
        return f"redirect (HTTP {self.status}), not followed"


class BadStatus(FetchError):
    """An HTTP status that is not 200."""

    REPEATABLE: ClassVar[frozenset[int]] = frozenset({408, 425, 500, 502, 503, 504, 521, 522, 523, 524})

    def __init__(self, endpoint: str, status: int, wait: float | None = None) -> None:
        super().__init__(endpoint, status, wait)
        self.status, self.wait = status, wait

    @property
    def repeats(self) -> int:
        """Twice for a status that passes, as servers know."""
        return 2 if self.status in self.REPEATABLE else self.again

    @property
    def after(self) -> float | None:
        """What Retry-After said."""
        return self.wait

    def _told(self) -> str:
        meaning = {401: ", the key is not taken", 402: ", the quota is used up", 403: ", not for this key"}
        return f"HTTP {self.status}{meaning.get(self.status, '')}"


class RateLimited(BadStatus):
    """Asked too often."""

    again: ClassVar[int] = 3
    remedy: ClassVar[str] = "set a rate for this endpoint, or add another one"

    def _told(self) -> str:
        return "asked too often" + (f", wait {self.wait:g} s" if self.wait is not None else "")


class RequestTooLarge(BadStatus):
    """Our request holds too many questions (HTTP 413); it is split."""


class BadAnswer(FetchError):
    """Not a JSON-RPC answer to what was asked."""

    def __init__(self, endpoint: str, what: str) -> None:
        cleaned = clean(what)
        super().__init__(endpoint, cleaned)
        self.what = cleaned

    def _told(self) -> str:
        return f"not an answer to what was asked: {self.what}"


class NoBlock(BadAnswer):
    """The endpoint answered null: it does not know the block (yet)."""

    again: ClassVar[int] = 1

    def _told(self) -> str:
        return f"does not have {self.what}"


class NodeError(FetchError):
    """
    A JSON-RPC error.

    Attributes:
        data: What a call reverted with, as hex, for users of the provider; None where the error holds anything else.
    """

    data: str | None = None

    def __init__(self, endpoint: str, code: int, message: str) -> None:
        cleaned = clean(message)
        super().__init__(endpoint, code, cleaned)
        self.code, self.message = code, cleaned

    def _told(self) -> str:
        return f"error {self.code}: {self.message}"


class NotServed(NodeError):
    """A method that this endpoint does not serve."""

    remedy: ClassVar[str] = "use an endpoint that serves eth_getProof"


class NotProvable(NodeError):
    """The block's state cannot be proven by this endpoint."""

    remedy: ClassVar[str] = "choose a more recent block, or an archive endpoint that serves proofs"

    def _told(self) -> str:
        return f"this endpoint cannot prove the state of that block (error {self.code}: {self.message})"


class BatchRefused(NodeError):
    """The endpoint does not take so many calls at once; they are split."""


class TooManyKeys(NodeError):
    """The endpoint does not take so many storage keys at once; they are split."""


class ByHashRefused(NodeError):
    """The endpoint does not take a block hash where a block is named; it is asked by number."""


class Busy(NodeError):
    """The node says that it is asked too often, or failed inside."""

    again: ClassVar[int] = 2


class WrongChainId(FetchError):
    """The endpoint answers for another chain."""

    remedy: ClassVar[str] = "check which network this endpoint belongs to"

    def __init__(self, endpoint: str, expected: ChainId, got: int) -> None:
        super().__init__(endpoint, expected, got)
        self.expected, self.got = expected, got

    def _told(self) -> str:
        return f"serves chain {self.got}, configured for chain {self.expected}"


class BeaconRefused(FetchError):
    """A beacon node says why it has no answer: not there yet, not kept, not served. It is not asked again for it."""

    def __init__(self, endpoint: str, status: int, message: str) -> None:
        cleaned = clean(message)
        super().__init__(endpoint, status, cleaned)
        self.status, self.message = status, cleaned

    def _told(self) -> str:
        return f"HTTP {self.status}: {self.message}"


class WrongBeaconChain(FetchError):
    """A beacon endpoint answers for another beacon chain."""

    remedy: ClassVar[str] = "check which network this endpoint belongs to"

    def __init__(self, endpoint: str, expected: str, got: str) -> None:
        super().__init__(endpoint, expected, got)
        self.expected, self.got = expected, got

    def _told(self) -> str:
        return f"serves the beacon chain with genesis {self.got}, configured for {self.expected}"


class OutOfBudget(FetchError):
    """Retries for this report are used up."""

    remedy: ClassVar[str] = "run again later, or add an endpoint"


class Unobserved(FetchError):
    """Endpoints did not agree on a recent block; `endpoint` is the network's name here."""

    remedy: ClassVar[str] = "configure endpoints of more operators, or pin a block hash"

    def __init__(self, network: str, wanted: int, got: int, failures: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(network, wanted, got, failures)
        self.wanted, self.got, self.failures = wanted, got, failures

    def _told(self) -> str:
        told = "".join(f"; {name}: {reason}" for name, reason in self.failures)
        return f"{self.got} of {self.wanted} operators named a recent block{told}"


class Equivocation(FetchError):
    """Endpoints named different blocks of one height; neither is used. `endpoint` is the network's name here."""

    remedy: ClassVar[str] = "one of them lies or is on a fork: pin a block hash from a source you trust"

    def __init__(self, network: str, number: int, named: tuple[tuple[Hash32, tuple[str, ...]], ...]) -> None:
        super().__init__(network, number, named)
        self.number, self.named = number, named

    def _told(self) -> str:
        told = "; ".join(f"{to_hex(block)[:18]}… by {', '.join(names)}" for block, names in self.named)
        return f"operators name different blocks {self.number}: {told}"
