"""What every error of the verifier has: a place, a refusal class, a remedy; and the three roots of the tree."""

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
