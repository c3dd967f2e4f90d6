"""`xmargin call` and accounts read by calls, by the program itself against a real node."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.test_cli import run
from tests.cli.test_schemas import checked
from tests.nodes.contracts import ALICE, BOB
from tests.nodes.protocols.build import published
from verifier.view import parse_view


@pytest.fixture
def desk(three_chains, tmp_path: Path):
    """A folder with an account over one chain: a proxy's token by call, a plain one by slot."""
    chain = three_chains[2]
    upgradeable, plain = chain.tokens["UPG"], next(t for t in chain.tokens.values() if t.kind == "openzeppelin")
    pin = chain.node.block("latest")["hash"]
    (tmp_path / "account.toml").write_text(f"""
[account]
name = "desk"
[policy]
max_head_lag = "30d"
max_age = "30d"
accept_contracts = ["local:{upgradeable.address}", "local:{plain.address}"]
[networks.local]
chain_id = {chain.chain_id}
family = "ethereum"
fork = "osaka"
endpoints = ["{chain.url}"]
pin = "{pin}"
[holders]
alice = "{ALICE}"
[[assets]]
network = "local"
holder = "alice"
contract = "{upgradeable.address}"
symbol = "UPG"
decimals = 18
call = "balanceOf(address)(uint256)"
[[assets]]
network = "local"
holder = "alice"
contract = "{plain.address}"
symbol = "{plain.symbol}"
decimals = 18
slot = {plain.slot}
""")
    return tmp_path, upgradeable, plain, pin


def test_a_call_is_answered_with_its_trail(desk):
    """The decoded value, exit 0; the same as JSON by its schema, and a bundle that holds the call."""
    folder, token, _, pin = desk
    args = ("call", "local", token.address, "balanceOf(address)(uint256)", ALICE, "--account", "account.toml")
    done = run(*args, "--json", "--save", "call.json", cwd=folder)
    shown = checked("call", done.stdout)
    assert (done.returncode, shown["values"]) == (0, [str(token.balance_of(ALICE))])
    assert [step["step"] for step in shown["trail"]] == ["trust-root", "header", "call"]
    assert parse_view((folder / "call.json").read_bytes())
    offline = {"http_proxy": "http://127.0.0.1:1"}
    again = run(*args, "--json", "--bundle", "call.json", cwd=folder, env=offline)
    kept = checked("call", again.stdout)
    assert (again.returncode, kept["values"], kept["trail"]) == (0, shown["values"], shown["trail"])
    people = run(*args, "--at", pin, "--no-hints", cwd=folder)
    assert people.returncode == 0 and str(token.balance_of(ALICE)) in people.stdout


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({4: BOB}, 3, "this call is not in the evidence"),
        ({3: "totalSupply()(uint256)", 4: None}, 3, "this call is not in the evidence"),
        ({6: "other.toml"}, 3, "none of the checker's 1 trust roots"),
        ({7: "--at", 8: "2026-01-01T00:00:00Z"}, 2, "a bundle has its own time"),
        ({7: "--save", 8: "again.bundle"}, 2, "leave one of them out"),
        ({7: "--at", 8: "0x" + "11" * 32}, 3, "none of the checker's 1 trust roots"),
    ],
)
def test_another_call_or_another_root_is_not_answered_out_of_the_bundle(desk, changes, code, words):
    """One thing differs from the call that was saved: its argument, its function, the pin, the time."""
    folder, token, _, pin = desk
    args = ["call", "local", token.address, "balanceOf(address)(uint256)", ALICE, "--account", "account.toml"]
    assert run(*args, "--save", "call.bundle", cwd=folder).returncode == 0
    (folder / "other.toml").write_text((folder / "account.toml").read_text().replace(pin, "0x" + "22" * 32))
    places = dict(enumerate(args)) | changes
    done = run(*(one for _, one in sorted(places.items()) if one is not None), "--bundle", "call.bundle", cwd=folder)
    assert done.returncode == code, done.stdout + done.stderr
    assert words in " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(
    ("function", "arguments", "code", "word"),
    [
        ("transfer(address,uint256)(bool)", (ALICE, "5"), 3, "reverted"),
        ("totalSupply()(uint8)", (), 3, "no (uint8)"),
        ("totalSupply()(bool)", (), 3, "no (bool)"),
        ("balanceOf(address)(uint256)", (), 2, "arguments of balanceOf"),
        ("balanceOf(address)(uint256)", ("0x12",), 2, "argument of type address: expected 0x and 40 hex digits"),
        ("balanceOf", (), 2, "name(types)(types)"),
        ("totalSupply()()", (), 2, "returns nothing"),
        ("f(uint8)(uint256)", ("-1",), 2, "argument of type uint8: expected 0 to 255, got -1"),
        ("f(int8)(uint256)", ("-128",), 3, "reverted without a reason"),
        ("balanceOf(address)(uint256)", (ALICE, "--jsn"), 2, "no such option: --jsn"),
        ("balanceOf(address)(uint256)", (ALICE, "--from", "alice"), 2, "--from: expected an address"),
        ("balanceOf(address)(uint256)", (ALICE, "--gas", "21500"), 3, "OutOfGasError (21,500 were given; --gas"),
    ],
)
def test_what_is_typed_or_returned_wrongly_is_said(desk, function, arguments, code, word):
    """A revert and bytes of another type end with 3, misuse with 2; never with a traceback."""
    folder, token, _, _ = desk
    done = run("call", "local", token.address, function, *arguments, "--account", "account.toml", cwd=folder)
    assert done.returncode == code, done.stderr
    assert word in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_where_no_contract_is_it_is_said(desk):
    """An address without code answers with nothing, which is no figure; a contract's name is no address."""
    folder = desk[0]
    for address, code, word in ((ALICE, 3, "there is no contract"), ("UPG", 2, "contract: expected an address")):
        done = run("call", "local", address, "totalSupply()(uint256)", "--account", "account.toml", cwd=folder)
        assert done.returncode == code and word in done.stdout + done.stderr


def test_tuples_are_taken_and_shown_as_json(three_chains, desk):
    """What an aggregator returns: a list of tuples, in the same form for people and programs."""
    folder, token, plain, _ = desk
    node = three_chains[2].node
    code = published(
        "@uniswap/v3-periphery", "artifacts", "contracts", "lens", "UniswapInterfaceMulticall.sol",
        "UniswapInterfaceMulticall.json",
    )  # fmt: skip
    place = node.deploy(code.bytecode)
    node.mine(2)
    asked = [[token.address, 100_000, "0x18160ddd"], [plain.address, "100000", "0xdeadbeef"]]
    function = "multicall((address,uint256,bytes)[])(uint256,(bool,uint256,bytes)[])"
    args = ("call", "local", place, function, json.dumps(asked), "--account", "account.toml")
    args += ("--at", node.block("latest")["hash"])
    shown = checked("call", run(*args, "--json", cwd=folder).stdout)
    answers = shown["values"][1]
    assert shown["contract"] == place
    assert [(done, data == "0x") for done, _, data in answers] == [(True, False), (False, True)]
    assert f"(bool,uint256,bytes)[]: {json.dumps(answers)}" in run(*args, cwd=folder).stdout


def test_no_endpoint_is_no_answer(desk):
    """Nobody there: incomplete, with what would help; as JSON by its schema."""
    folder, token, _, _ = desk
    path = folder / "account.toml"
    path.write_text(re.sub(r"endpoints = .*", 'endpoints = ["http://127.0.0.1:9"]', path.read_text()))
    args = ("call", "local", token.address, "totalSupply()(uint256)", "--account", "account.toml")
    done = run(*args, cwd=folder)
    assert done.returncode == 4 and "127.0.0.1: no connection" in done.stdout
    shown = checked("call", run(*args, "--json", cwd=folder).stdout)
    assert (shown["status"], shown["refusal"]["error"], shown["contract"]) == ("refused", "Unanswered", token.address)


def test_a_network_without_a_fork_is_not_guessed(desk):
    """A network of one's own says whose rules it runs, or calls on it are refused."""
    folder, token, _, _ = desk
    path = folder / "account.toml"
    path.write_text(path.read_text().replace('fork = "osaka"\n', ""))
    done = run("call", "local", token.address, "totalSupply()(uint256)", "--account", "account.toml", cwd=folder)
    assert done.returncode == 3 and 'such as fork = "osaka"' in done.stdout


def test_an_account_by_call_and_by_cross_check(desk):
    """Both assets count; with --cross-check the slot is held against the token's own call, and a wrong slot is refused."""
    folder, token, plain, _ = desk
    done = run("verify", "account.toml", "--json", "--save", "a.bundle", "--cross-check", cwd=folder)
    shown = json.loads(done.stdout)
    assert [claim["amount"] for claim in shown["claims"]] == [
        str(token.balance_of(ALICE)),
        str(plain.balance_of(ALICE)),
    ]
    assert all(claim["trust"]["bases"] == ["unreviewed-code"] for claim in shown["claims"])
    again = run("check", "a.bundle", "--account", "account.toml", "--cross-check", "--json", cwd=folder)
    assert [c["amount"] for c in json.loads(again.stdout)["claims"]] == [c["amount"] for c in shown["claims"]]
    trail = run("explain", "a.bundle", "0", "--account", "account.toml", "--cross-check", cwd=folder)
    assert "call 0x70a08231" in trail.stdout
    path = folder / "account.toml"
    path.write_text(path.read_text().replace(f"slot = {plain.slot}\n", f"slot = {plain.slot + 1}\n"))
    wrong = json.loads(run("verify", "account.toml", "--json", "--cross-check", cwd=folder).stdout)
    assert wrong["claims"][1]["refusal"]["error"] == "CrossCheckFailed"


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ('call = "balanceOf(address)(uint256)"', 'call = "balanceOf(address)"', "function"),
        ('call = "balanceOf(address)(uint256)"', 'call = "owner()(address)"', "no integer"),
        ('call = "balanceOf(address)(uint256)"', 'call = "f(uint256)(uint256)"', "arguments of f"),
        ('call = "balanceOf(address)(uint256)"', "index = 1\nslot = 3", "something of a call"),
        ('call = "balanceOf(address)(uint256)"', 'call = "f()(uint256)"\norder = "vyper"', "describes a slot"),
    ],
)  # fmt: skip
def test_a_call_that_cannot_be_meant_is_a_problem_of_the_file(desk, old, new, word):
    """Named by its key and line, before anything is asked."""
    folder = desk[0]
    path = folder / "account.toml"
    path.write_text(path.read_text().replace(old, new))
    done = run("verify", "account.toml", cwd=folder)
    assert done.returncode == 2 and word in done.stderr, done.stderr
