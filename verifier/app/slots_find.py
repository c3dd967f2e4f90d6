"""A token's balance slot from the command line: proven calls of `balanceOf`, their bundle as evidence, the layout that
explains them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.text import Text
from rich.tree import Tree

from verifier.app.compile import NetworkSpec
from verifier.app.desks import checker_at, desk_of, lights_at, moment_of
from verifier.app.following import Shelf
from verifier.app.gathering import GatheredBundle, gather_calls
from verifier.app.json_view import Json, head, time_json
from verifier.app.quantities import checksummed
from verifier.assets.find_slot import Found, find, reading_of
from verifier.checker import Checker
from verifier.claims import Claim, Source
from verifier.errors import VerifierError
from verifier.flow import Unanswered
from verifier.primitives import Address, Hash32, Timestamp, to_hex
from verifier.proven import ProvenCall
from verifier.verify import Refusal
from verifier.verify_calls import call_claim, verify_calls


@dataclass(frozen=True, slots=True)
class SlotFinding:
    """
    What was found of one token, and the bundle that proves the calls which judged it.

    Attributes:
        failure: Why there is no layout, where there is none.
    """

    token: Address
    network: str
    chain_id: int
    found: Found | None
    failure: VerifierError | Unanswered | None
    data: bytes
    bundle_id: Hash32
    now: Timestamp


def find_slot(
    spec: NetworkSpec,
    token: Address,
    holders: Sequence[Address],
    *,
    at: str | None,
    now: Timestamp,
    seconds: float,
    shelf: Shelf | None = None,
) -> SlotFinding:
    """
    Ask a token's own `balanceOf` for each holder, by proven calls, and find the layout that explains the answers.

    Raises:
        UsageError: The block is no block.
    """
    pins, as_of = moment_of(spec, at, now)
    checker = checker_at(spec, pins, now)
    chain = spec.network.chain_id
    claims = [call_claim(chain, reading_of(token, holder).call) for holder in dict.fromkeys(holders)]
    gathered = asyncio.run(_gather(spec, claims, as_of, checker, shelf, seconds))
    believed = replace(checker, roots=gathered.roots, lights=tuple(gathered.states.values()))
    verified = verify_calls(gathered.data, believed)
    answers: dict[Address, ProvenCall] = {}
    failure: VerifierError | Unanswered | None = None
    for i, (holder, outcome) in enumerate(zip(dict.fromkeys(holders), verified.outcomes, strict=True)):
        if isinstance(outcome, Refusal):
            failure = gathered.failures.get(i, outcome.error)
        else:
            answers[holder] = outcome
    found: Found | None = None
    if failure is None:
        try:
            found = find(token, answers)
        except VerifierError as error:
            failure = error
    return SlotFinding(token, spec.network.name, chain, found, failure, gathered.data, verified.bundle_id, now)


async def _gather(
    spec: NetworkSpec,
    claims: Sequence[Claim],
    as_of: Timestamp,
    checker: Checker,
    shelf: Shelf | None,
    seconds: float,
) -> GatheredBundle:
    async with desk_of(spec, seconds) as desk:
        return await gather_calls(claims, as_of, desk, checker, lights=lights_at(spec, desk, checker, shelf))


def finding_json(made: SlotFinding) -> Json:
    """One object: the layout, the code it is bound to, and the balances that judged it."""
    found = made.found
    return {
        **head("slot-finding"),
        "status": "refused" if found is None else "found",
        "network": made.network,
        "chain_id": made.chain_id,
        "token": to_hex(made.token),
        "source": Source.DISCOVERED.value,
        "failure": None if made.failure is None else str(made.failure),
        "layout": None if found is None else _layout(found),
        "code": None if found is None else _code(found),
        "beside": [] if found is None else [to_hex(slot) for slot in found.beside],
        "holders": [] if found is None else _holders(found),
        "bundle_id": to_hex(made.bundle_id),
        "now": time_json(made.now),
    }


def _layout(found: Found) -> Json:
    layout = found.layout
    return {
        "slot": hex(int.from_bytes(layout.base, "big")),
        "where": found.where,
        "order": layout.order.value,
        "width_bits": layout.width_bits,
        "other_bits": hex(layout.other_bits),
        "proxy": None if layout.proxy is None else layout.proxy.value,
    }


def _code(found: Found) -> Json:
    pin = found.pin
    return {
        "code_hash": to_hex(pin.code_hash),
        "implementation": None if pin.implementation is None else to_hex(pin.implementation),
        "implementation_code_hash": None
        if pin.implementation_code_hash is None
        else to_hex(pin.implementation_code_hash),
    }


def _holders(found: Found) -> list[Json]:
    return [
        {"holder": to_hex(who), "balance": str(found.balances[who]), "slot": to_hex(found.slots[who])}
        for who in found.balances
    ]


def finding_tree(made: SlotFinding) -> Tree:
    """The finding for a person, with the lines that an account file needs."""
    tree = Tree(Text(f"{checksummed(made.token)} on {made.network}", style="bold"), guide_style="dim")
    found = made.found
    if found is None:
        tree.add(Text(f"no layout: {made.failure}", style="bold red"))
        return tree
    layout = found.layout
    tree.add(
        Text(f"balances in a {layout.order.value} mapping at {found.where}, {layout.width_bits} bits", style="green")
    )
    judged = tree.add(Text("judged by proven calls of balanceOf"))
    for who in found.balances:
        judged.add(Text(f"{checksummed(who)}: {found.balances[who]} at slot {to_hex(found.slots[who])}"))
    for slot in found.beside:
        judged.add(Text(f"the call also reads slot {to_hex(slot)}: see what it means"))
    bound = tree.add(Text(f"bound to code {to_hex(found.pin.code_hash)}"))
    if found.pin.implementation is not None and found.pin.implementation_code_hash is not None:
        code = to_hex(found.pin.implementation_code_hash)
        bound.add(Text(f"behind it {checksummed(found.pin.implementation)}, code {code}"))
    lines = [f'slot = "{hex(int.from_bytes(layout.base, "big"))}"', f'order = "{layout.order.value}"']
    lines += [f"width_bits = {layout.width_bits}"] if layout.width_bits != 256 else []
    lines += [f'other_bits = "{hex(layout.other_bits)}"'] if layout.other_bits else []
    lines += [f'proxy = "{layout.proxy.value}"'] if layout.proxy is not None else []
    tree.add(
        Text(
            "a proposal (source discovered); for an account file, once you have looked at the code:\n"
            + "\n".join(lines)
        )
    )
    return tree
