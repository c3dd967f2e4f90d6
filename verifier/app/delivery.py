"""One delivery, and how it is signed: what the outbox that keeps deliveries and the web hook that sends them share.

A web hook's body is signed: `X-Xmargin-Signature: sha256=` and the HMAC of time, a dot and the body, with the time in
`X-Xmargin-Timestamp`, so that a receiver can refuse what is old or was not sent by us.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from verifier.primitives import Timestamp


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing to deliver."""

    job: str
    due: Timestamp
    sink: str
    kind: str
    body: bytes
    attempts: int = 0

    @property
    def key(self) -> str:
        """What tells a repetition: equal for the same delivery, and for no other."""
        return f"{self.job}/{self.due}/{self.sink}/{self.kind}"


def signature(secret: bytes, at: int, body: bytes) -> str:
    """The header of a signed body."""
    return "sha256=" + hmac.new(secret, str(at).encode() + b"." + body, hashlib.sha256).hexdigest()
