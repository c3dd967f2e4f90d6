"""The proof trail of a figure as a tree, from the trust root down to the decoded number."""

from __future__ import annotations

from rich.text import Text
from rich.tree import Tree

from verifier.app.findings import Findings
from verifier.app.quantities import checksummed, rfc3339
from verifier.app.report.escape import clean
from verifier.app.report.tables import cell, root_words
from verifier.errors import VerifierError
from verifier.margin.fixed import show_scaled
from verifier.primitives import to_hex
from verifier.proven import (
    Proven,
    ProvenAccount,
    ProvenAmount,
    ProvenBeacon,
    ProvenCall,
    ProvenHeader,
    ProvenPrice,
    ProvenRoot,
    ProvenSettlement,
    ProvenWord,
    SignedPrice,
    trail,
)
from verifier.trust import Checkpoint, Observed, PinnedBlock, Trust, TrustRoot
from verifier.verify import Outcome, PriceOutcome, PriceRefusal, Refusal


def trail_tree(index: int, outcome: Outcome, found: Findings) -> Tree:
    """One claim and why its figure is believed, or why there is none."""
    claim = outcome.claim
    head = f"claim {index}: {claim.kind.value} of {claim.asset.symbol}, {checksummed(claim.holder)}"
    tree = Tree(cell(head, "bold"), guide_style="dim")
    if isinstance(outcome, Refusal):
        error = outcome.error
        kind = error.refusal_class if isinstance(error, VerifierError) else "TRANSPORT"
        node = tree.add(Text(f"{'missing' if outcome.missing else 'refused'} [{kind}]", style="bold red"))
        node.add(Text(f"{type(error).__name__}: {clean(str(error))}"))
        return tree
    at = _grow(tree, outcome, found)
    _add_trust(at, outcome.trust)
    at.add(Text(f"moment: {outcome.moment.value}, as of {rfc3339(outcome.as_of)}; meaning: {claim.source.value}"))
    return tree


def price_tree(outcome: PriceOutcome, found: Findings) -> Tree:
    """One price and why it is believed, or why there is none."""
    claim = outcome.claim
    head = f"price of {claim.group} in {claim.quote}, {claim.how.kind.value} {checksummed(claim.contract)}"
    tree = Tree(cell(head, "bold"), guide_style="dim")
    if isinstance(outcome, PriceRefusal):
        error = outcome.error
        tree.add(Text("refused", style="bold red")).add(Text(f"{type(error).__name__}: {clean(str(error))}"))
        return tree
    at = _grow(tree, outcome, found)
    _add_trust(at, outcome.trust)
    at.add(Text(f"moment: {outcome.moment.value}, as of {rfc3339(outcome.as_of)}"))
    return tree


def _grow(tree: Tree, figure: ProvenAmount | ProvenPrice | SignedPrice, found: Findings) -> Tree:
    """The steps, each under the one that it rests on, and what bound them; returns the figure's own node."""
    at = tree
    for step in reversed(tuple(trail(figure))):
        at = at.add(step_words(step, found))
    for extra in figure.bound_by:
        role = "code: " if isinstance(extra, ProvenAccount) else "with: "
        tree.add(Text(role).append_text(step_words(extra, found)))
    return at


def _add_trust(at: Tree, trust: Trust) -> None:
    bases = ", ".join(sorted(trust.bases)) or "nothing beyond the anchor"
    settled = "" if trust.settlement is None else f", settlement {trust.settlement.value}"
    at.add(Text(f"trust: anchor {trust.anchor.value}{settled}, resting on {bases}"))


def step_words(step: Proven | TrustRoot, found: Findings) -> Text:
    """One step in words."""
    match step:
        case PinnedBlock() | Observed() | Checkpoint():
            return cell(f"trust root {root_words(step, found)}", "cyan")
        case ProvenHeader():
            return cell(f"header {step.number} {to_hex(step.hash)} at {rfc3339(step.timestamp)}")
        case ProvenBeacon():
            signed = f"signed by {step.signers} of {step.committee}" if step.committee else "of the checkpoint"
            return cell(f"beacon header {to_hex(step.root)} at slot {step.slot}, {signed}")
        case ProvenSettlement():
            points = "; ".join([*step.open_points, *step.shown])
            graded = step.settlement.value + (f" ({points})" if points else "")
            since = "" if step.since is None else f", posted {rfc3339(step.since)}"
            return cell(f"{step.network.name} settled by {step.scheme}: {clean(step.entry)}{since}: {graded}")
        case ProvenRoot():
            return cell(f"state root {to_hex(step.state_root)}")
        case ProvenAccount():
            state = f"code {to_hex(step.code_hash)}" if step.exists else "proven absent"
            return cell(f"account {checksummed(step.address)}, {state}")
        case ProvenWord():
            return cell(f"slot {to_hex(step.slot)} = {to_hex(step.word)}")
        case ProvenCall():
            words = sum(isinstance(read, ProvenWord) for read in step.reads)
            data, read = to_hex(step.call.data[:4]), f"{len(step.reads) - words} accounts and {words} words"
            return cell(f"call {data} of {checksummed(step.call.to)} {step.ended.value}, over {read}")
        case ProvenAmount():
            asset = step.claim.asset
            return cell(f"amount {show_scaled(step.amount, asset.decimals)} {asset.symbol} ({step.amount})", "green")
        case ProvenPrice():
            worth = f"1 {step.claim.group} = {show_scaled(step.price)} {step.claim.quote}"
            return cell(f"price {worth}, of {rfc3339(step.at)}", "green")
        case SignedPrice():
            worth = f"1 {step.claim.group} = {show_scaled(step.price)} {step.claim.quote}"
            who = f"{len(step.signed_by)} of {step.size} guardians of set {step.number}"
            return cell(f"price {worth}, of {rfc3339(step.at)}, signed by {who}: not proven", "yellow")
    return cell(type(step).__name__)
