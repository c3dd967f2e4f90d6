"""How a user's code should type-check. Checked by mypy, never run."""

from __future__ import annotations

from typing import assert_type

from verifier import (
    STRICT,
    Checker,
    Network,
    PinnedBlock,
    ProvenAmount,
    ProvenHeader,
    ProvenLog,
    ProvenWord,
    Refusal,
    Verified,
    explain,
    trail,
    verify_bundle,
    verify_event_proof,
    verify_header,
)
from verifier.attest.statement import Binding, make_statement
from verifier.margin.report import HypotheticalReport
from verifier.primitives import ChainId, Timestamp, address, chain_id, hash32, timestamp


def a_relayer(data: bytes, network: Network, pinned: bytes, clock: int) -> int:
    """Sum what a bundle proves."""
    checker = Checker(
        roots=(PinnedBlock(network.chain_id, hash32(pinned)),),
        networks={network.chain_id: network},
        meanings={},
        policy=STRICT,
        now=timestamp(clock),
    )
    verified = verify_bundle(data, checker)
    assert_type(verified, Verified)
    total = 0
    for outcome in verified.outcomes:
        if isinstance(outcome, Refusal):
            assert_type(outcome.missing, bool)
            continue
        assert_type(outcome, ProvenAmount)
        total += outcome.amount
        for _step in trail(outcome):
            pass
    return total


def a_relayer_of_events(raw: bytes, network: Network, root: PinnedBlock, nodes: list[bytes]) -> int:
    """Prove one event, and count it by its identity."""
    header = verify_header(raw, network, [root])
    assert_type(header, ProvenHeader)
    event = verify_event_proof(header, 3, 0, address(bytes(20)), hash32(bytes(32)), nodes)
    assert_type(event, ProvenLog)
    for line in explain(event):
        assert_type(line, str)
    return len({event.identity})


def nobody_makes_a_proven_word() -> None:
    """Calling the class in any form is a type error; the ignores below are errors themselves if it stops being one."""
    ProvenWord()  # type: ignore[call-arg]
    ProvenWord(1)  # type: ignore[arg-type]
    ProvenWord(rests_on=1)  # type: ignore[call-arg]


def widths_are_not_interchangeable(number: int, raw: bytes) -> None:
    """A bare integer is no chain id, and bare bytes are no hash."""
    _chain: ChainId = number  # type: ignore[assignment]
    PinnedBlock(chain_id(1), raw)  # type: ignore[arg-type]
    Timestamp(raw)  # type: ignore[arg-type]


def a_hypothetical_report_is_not_signed(made_up: HypotheticalReport, binding: Binding, at: Timestamp) -> None:
    """What did not come from proven values is another type, which no statement takes."""
    make_statement(made_up, binding=binding, sequence=1, issued_at=at, valid_for=1)  # type: ignore[arg-type]
