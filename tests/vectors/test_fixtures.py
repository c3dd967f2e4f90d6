"""The recorded cases: what real nodes said verifies to what the contracts said, replays to the same bytes, and spoils."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import cbor2
import pytest
from rich.console import Console

from chains.driver import drive
from chains.record import PlayingDesk
from verifier.app.account_file import read_account
from verifier.app.compile import compile_account
from verifier.app.findings import of_run
from verifier.app.json_view import findings_json
from verifier.app.report.tables import findings_view
from verifier.app.report.trees import price_tree
from verifier.app.service import check_account, checker_of
from verifier.errors import Malformed, NoTrustRoot
from verifier.explain import explain
from verifier.gather import assemble, gather_section
from verifier.primitives import Hash32, Timestamp, parse_hex
from verifier.proven import ProvenAmount, trail
from verifier.trust import Checkpoint, PinnedBlock
from verifier.verify import Refusal, verify_bundle
from verifier.wire import content_id, encode_bundle

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
CASES = sorted(path.parent for path in FIXTURES.rglob("account.bundle"))
TALKS = sorted(path.parent for path in FIXTURES.rglob("conversation.jsonl"))
HOSTILE = sorted(path.parent for path in FIXTURES.glob("hostile/*/case.json"))


def name_of(folder: Path) -> str:
    return folder.relative_to(FIXTURES).as_posix()


def load(folder: Path):
    """The compiled account, the bundle's bytes, and what is expected of it."""
    file, source = read_account(folder / "account.toml")
    spec = compile_account(file, source, {}, environ={}, networks={}, preset="strict", online=False)
    return spec, (folder / "account.bundle").read_bytes(), json.loads((folder / "expected.json").read_text())


@pytest.mark.covers("TST-02", "MPT-18", "MPT-20", "ACC-03", "MPT-06")
@pytest.mark.parametrize("folder", CASES, ids=name_of)
def test_a_recorded_bundle_proves_what_the_contracts_reported(folder: Path) -> None:
    """Each claim's proven amount is the figure that the node's own call gave when it was recorded."""
    spec, data, expected = load(folder)
    verified = verify_bundle(data, checker_of(spec, Timestamp(expected["now"])))
    for outcome, row in zip(verified.outcomes, expected["claims"], strict=True):
        if isinstance(outcome, Refusal):
            assert row["symbol"] == "PKD", f"{row}: {outcome.error}"  # frozen holders are refused on purpose
            assert type(outcome.error).__name__ == "NotUsable"
            continue
        assert abs(outcome.amount) == int(row["units"]), row
        assert isinstance(list(trail(outcome))[-1], PinnedBlock | Checkpoint)


def test_every_figure_of_the_recorded_case_is_explained_from_its_checkpoint() -> None:
    """Amounts and the price alike, by the library and by the program: no step is a mere name of ours."""
    spec, data, expected = load(FIXTURES / "demo" / "finalized")
    verified = verify_bundle(data, checker_of(spec, Timestamp(expected["now"])))
    told = [explain(one) for one in (*verified.outcomes, *verified.prices)]
    assert all(lines[0].startswith("checkpoint 0x") and "Proven" not in " ".join(lines) for lines in told)
    assert told[-1][-1] == f"price of ETH: {3_000 * 10**18} in 1e-18 USD, of {verified.prices[0].at}, finalized, head"
    assert any(line.startswith("op: settled by op_portal, dispute game 0x") for line in told[1])
    found = of_run("explain", check_account(spec, data, now=Timestamp(expected["now"])))
    (price,) = findings_json(found, trails=True)["prices"]
    steps = [step["step"] for step in price["trail"]]
    assert steps[:7] == ["trust-root", "beacon-header", "header", "state-root", "account", "slot", "price"]
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(price_tree(found.prices[0], found), findings_view(found))
    text = console.export_text()
    assert "price 1 ETH = 3000 USD" in text
    assert "Prices by proof" in text


def test_a_recorded_case_hangs_on_its_checkpoint_alone() -> None:
    """With another checkpoint, the one thing that differs, each claim of both rollups and of the parent is refused."""
    spec, data, expected = load(FIXTURES / "demo" / "finalized")
    checker = checker_of(spec, Timestamp(expected["now"]))
    (root,) = checker.roots
    other = replace(checker, roots=(replace(root, root=Hash32(b"\x11" * 32)),))
    found = verify_bundle(data, other)
    errors = [type(one.error) for one in (*found.outcomes, *found.prices) if not hasattr(one, "trust")]
    assert errors == [NoTrustRoot] * (len(spec.claims) + len(spec.feeds))


@pytest.mark.parametrize("folder", TALKS, ids=name_of)
def test_a_recorded_conversation_gathers_to_the_same_bytes(folder: Path) -> None:
    """The flow over the recording packs the recorded bundle, byte for byte."""
    spec, data, expected = load(folder)
    checker = checker_of(spec, Timestamp(expected["now"]))
    desk = PlayingDesk((folder / "conversation.jsonl").read_text())
    as_of = spec.as_of if spec.as_of is not None else checker.now

    async def again() -> bytes:
        parts = []
        for root in spec.roots:
            asked = [(i, c) for i, c in enumerate(spec.claims) if c.chain_id == root.chain_id]
            parts.append(await drive(gather_section(spec.networks[root.chain_id], asked, root, as_of, checker), desk))
        return encode_bundle(assemble(as_of, spec.claims, parts))

    assert asyncio.run(again()) == data


def spoilt(data: bytes, change: dict) -> bytes:
    """The bundle with one thing changed; where the change is inside, the content id is made right again."""
    op = change["op"]
    if op == "byte":
        raw = bytearray(data)
        raw[change["at"]] ^= 1
        return bytes(raw)
    if op == "append":
        return data + b"\x00"
    outer = cbor2.loads(data)
    body = cbor2.loads(outer[3])
    section = body["sections"][0]
    match op:
        case "flip":
            target, key = (body["nodes"], change["index"]) if change["part"] == "nodes" else (section, "anchor")
            raw = bytearray(target[key])
            raw[change["byte"]] ^= 1
            target[key] = bytes(raw)
            body["nodes"].sort()
        case "drop":
            del body["nodes"][change["index"]]
            section["nodes"] = list(range(len(body["nodes"])))
        case "surplus":
            stranger = cbor2.dumps(["stranger"])
            body["nodes"] = sorted([*body["nodes"], stranger])
            place = body["nodes"].index(stranger)
            for other in body["sections"]:
                other["nodes"] = [i + (i >= place) for i in other["nodes"]]
            section["nodes"] = sorted([*section["nodes"], place])
        case "as_of":
            body["as_of"] += change["by"]
        case "slot":
            asset = next(a for a in body["assets"] if "layout" in a)
            asset["layout"]["base"] = change["to"].to_bytes(32, "big")
        case "symbol":
            next(a for a in body["assets"] if "layout" in a)["symbol"] = change["to"]
    raw = cbor2.dumps(body, canonical=True)
    return cbor2.dumps([outer[0], outer[1], content_id(raw), raw], canonical=True)


@pytest.mark.covers("MPT-01", "MPT-13", "PRF-01", "HDR-01", "HDR-02", "HDR-06", "HDR-07", "HDR-12", "STO-08", "CHN-07")
@pytest.mark.parametrize("folder", HOSTILE, ids=name_of)
def test_a_hostile_case_is_refused_with_its_error(folder: Path) -> None:
    """One change to a recorded case, and the exact error that it must raise."""
    case = json.loads((folder / "case.json").read_text())
    spec, data, expected = load(FIXTURES / case["of"])
    change = case["change"]
    checker = checker_of(spec, Timestamp(expected["now"] + change.get("by", 0) * (change["op"] == "now")))
    if change["op"] == "pin":
        checker = replace(checker, roots=(PinnedBlock(spec.roots[0].chain_id, Hash32(parse_hex(change["hash"]))),))
    if change["op"] == "as_of":
        checker = replace(checker, policy=replace(checker.policy, max_age=10**9))
    try:
        verified = verify_bundle(spoilt(data, change), checker)
    except Malformed as error:
        assert type(error).__name__ == case["error"]
        return
    found = {type(o.error).__name__ for o in verified.outcomes if isinstance(o, Refusal)} - {"NotUsable"}
    assert found == {case["error"]}


def test_the_manifest_holds_the_digest_of_every_fixture() -> None:
    """A fixture that was changed, added or lost without its record is noticed."""
    manifest = json.loads((FIXTURES / "MANIFEST.json").read_text())["files"]
    on_disk = {
        path.relative_to(FIXTURES).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in FIXTURES.rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc", ".md"} and path.name != "MANIFEST.json"
    }
    assert on_disk == {name: entry["sha256"] for name, entry in manifest.items()}


def test_absence_is_among_what_was_recorded() -> None:
    """The recordings hold zero, small and huge balances, and holders that are in no trie."""
    spec, data, expected = load(FIXTURES / "recorded" / "geth" / "all-holders")
    verified = verify_bundle(data, checker_of(spec, Timestamp(expected["now"])))
    amounts = [o.amount for o in verified.outcomes if isinstance(o, ProvenAmount)]
    assert 0 in amounts
    assert 1 in amounts
    assert max(amounts) > 2**199
    assert any(
        not list(trail(o))[1].exists
        for o in verified.outcomes
        if isinstance(o, ProvenAmount) and o.claim.asset.contract is None
    )
