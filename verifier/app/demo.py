"""The demo: a recorded account over three networks, checked offline, kept, shown, explained, and a forgery refused."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.text import Text

from verifier.app.compile import AccountSpec
from verifier.app.demo_more import failures_table, finalized_views, load_case, moves_table, statement_lines
from verifier.app.errors import UsageError
from verifier.app.findings import Findings, of_run, record_of
from verifier.app.json_view import dumps, findings_json
from verifier.app.report.tables import findings_view
from verifier.app.report.terminal import Terminal
from verifier.app.report.trees import trail_tree
from verifier.app.service import check_account, checker_of
from verifier.app.store import Store
from verifier.checker import Checker
from verifier.evidence import Bundle
from verifier.primitives import Timestamp
from verifier.proven import ProvenAmount
from verifier.verify import Refusal, verify_bundle
from verifier.wire import encode_bundle, parse_bundle


def demo_folder() -> Path:
    """The recorded case: packed into the wheel, or in the checkout."""
    here = Path(__file__).resolve()
    for folder in (here.parent / "demo_case", here.parents[2] / "fixtures" / "demo"):
        if (folder / "account.bundle").is_file():
            return folder
    raise UsageError("the recorded case of the demo is not installed", "install from a checkout or a full wheel")


def run_demo(terminal: Terminal, *, as_json: bool) -> int:
    """The main job on the recorded case; returns the exit code of the account."""
    folder = demo_folder()
    spec, data, now = load_case(folder)
    run = check_account(spec, data, now=now)
    found = of_run("demo", run)
    text = dumps(findings_json(found, trails=True))
    with tempfile.TemporaryDirectory() as place, Store(Path(place) / "demo.sqlite3") as store:
        store.keep(record_of(found, text))
        again = store.proven_again(found.bundle_id, checker_of(spec, now))
        signed = () if as_json else statement_lines(run, store)
    if as_json:
        terminal.raw(text)
        return int(found.exit_code)
    _heading(terminal, "1. Three networks, one moment, one account: every balance proven from a pinned block hash")
    terminal.show(findings_view(found))
    _heading(terminal, "2. Kept in SQLite before it was shown; read back, the bundle was proven again")
    same = again.outcomes == found.outcomes
    terminal.show(Text(f"   bundle 0x{found.bundle_id.hex()}: {'the same figures' if same else 'OTHER FIGURES'}"))
    _heading(terminal, "3. Why one number is believed, from the trust root down")
    index = next(i for i, o in enumerate(found.outcomes) if isinstance(o, ProvenAmount) and o.claim.asset.contract)
    terminal.show(trail_tree(index, found.outcomes[index], found))
    _heading(terminal, "4. The same bundle with one bit of one trie node changed, its content id made right again")
    _show_forgery(terminal, found, data, checker_of(spec, now))
    _heading(terminal, "5. The same evidence under moves of the market (hypothetical: nobody can sign these figures)")
    terminal.show(moves_table(spec, data, now))
    _heading(terminal, "6. A statement over the proven account, signed and verified; then altered, and refused")
    for line in signed:
        terminal.show(line)
    _show_more(terminal, folder, spec, data, now)
    return int(found.exit_code) if same else 1


def _show_more(terminal: Terminal, folder: Path, spec: AccountSpec, data: bytes, now: Timestamp) -> None:
    _heading(terminal, "7. What the account hangs on: each piece failed in turn (hypothetical)")
    terminal.show(failures_table(spec, data, now))
    _heading(terminal, "8. From one beacon checkpoint alone: a parent chain and two rollups that settle on it")
    terminal.show(
        Text("   PLD was read by running the token's own code; vETH are a vault's shares, at a price by proof")
    )
    for view in finalized_views(folder / "finalized"):
        terminal.show(view)


def _heading(terminal: Terminal, text: str) -> None:
    terminal.show(Text(f"\n{text}", style="bold"))


def _show_forgery(terminal: Terminal, found: Findings, data: bytes, checker: Checker) -> None:
    bundle = parse_bundle(data).bundle
    verified = verify_bundle(encode_bundle(forged(bundle)), checker)
    for outcome in verified.outcomes:
        if isinstance(outcome, Refusal):
            symbol = outcome.claim.asset.symbol
            terminal.show(Text(f"   refused: {symbol}: {type(outcome.error).__name__}: {outcome.error}", style="red"))
    kept = sum(isinstance(o, ProvenAmount) for o in verified.outcomes)
    terminal.show(Text(f"   {kept} of {len(found.outcomes)} claims do not rest on that node, and stand"))


def forged(bundle: Bundle) -> Bundle:
    """The bundle with one bit of its smallest leaf changed: what a lying server would send."""
    nodes = list(bundle.nodes)
    victim = min(range(len(nodes)), key=lambda i: len(nodes[i]))
    nodes[victim] = nodes[victim][:-1] + bytes([nodes[victim][-1] ^ 1])
    # One bit at the very end leaves the order of the nodes as it was, unless two nodes differ there alone.
    return Bundle(bundle.as_of, bundle.claims, bundle.omitted, bundle.sections, tuple(nodes))
