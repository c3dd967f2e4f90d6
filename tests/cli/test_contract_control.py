"""A contract wallet shows control: challenged, proven by its own code, signed and verified offline; and what shows none."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from tests.cli.test_attest import ENV, KEYS, PLACE, run
from tests.cli.test_cli import write
from tests.nodes.artifacts import solidity
from tests.relay import contracts
from tests.system.jobs.build import jobs_toml
from verifier.app.control_file import MAX_BYTES, parse_control
from verifier.app.errors import UsageError
from verifier.errors import LimitExceeded

OWNER, STRANGER = KEYS[2], KEYS[1]
CHAIN = 31337
SAYS = {
    "true": "600160005260206000f3",
    "magic-at-the-wrong-end": "631626ba7e60005260206000f3",
    "magic-and-more": "631626ba7e60e01b60005260406000f3",
    "revert": "60006000fd",
    "halt": "fe",
}
"""Code that answers every call alike, and what it answers."""


def with_code(node, runtime: str) -> str:
    """A contract of that very code."""
    size = len(runtime) // 2
    return node.deploy(f"0x60{size:02x}600c60003960{size:02x}6000f3{runtime}")


@pytest.fixture(scope="module")
def wallet(three_chains) -> str:
    return contracts.deploy(three_chains[0].node, solidity()["Wallet"].bytecode, ("address",), (OWNER.address,))


def asked(folder: Path, holder: str, *more: object, name: str = "test", chain: int = CHAIN) -> dict:
    done = run("attest", "challenge", name, holder, chain, *PLACE, "--kind", "erc1271", *more, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def signed(document: dict, key=OWNER) -> dict:
    signature = key.sign_message(encode_typed_data(full_message=document["typed_data"])).signature.hex()
    return document | {"signature": "0x" + signature.removeprefix("0x")}


def save(folder: Path, document: dict, name: str = "c.json") -> Path:
    (folder / name).write_text(json.dumps(document))
    return folder / name


def account_of(folder: Path, chains, holder: str, *, control: tuple[str, ...] = ()) -> Path:
    """An account of one holder, pinned at the head, in which the challenge's block then lies."""
    chains[0].node.mine()
    path = write(folder, chains[:1], tokens=("OZD",), policy='preset = "strict"\nmax_age = "7d"\nmax_head_lag = "7d"')
    text = re.sub(r'main = "0x[0-9a-fA-F]+"', f'main = "{holder}"', path.read_text())
    text = text.replace('family = "ethereum"', 'family = "ethereum"\nfork = "osaka"')
    path.write_text(text.replace("[account]\n", f"[account]\ncontrol = {json.dumps(control)}\n", 1))
    return path


def sign(folder: Path, *more: object):
    args = ("attest", "sign", folder / "account.toml", "-o", folder / "a.json", "--key", "env:KEY0")
    return run(*args, *more, "--json", cwd=folder, env=ENV)


@pytest.fixture
def proven(three_chains, wallet: str, tmp_path: Path) -> Path:
    """A folder with an account that a wallet holds, a bundle of it, and the wallet's proven control file."""
    save(tmp_path, signed(asked(tmp_path, wallet)))
    account = account_of(tmp_path, three_chains, wallet)
    done = run("attest", "prove", tmp_path / "c.json", account, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert run("gather", account, "-o", tmp_path / "a.bundle", cwd=tmp_path).returncode == 0
    return tmp_path


@pytest.mark.covers("MRG-05")
def test_a_wallets_control_is_proven_signed_and_verified_offline(proven: Path, wallet: str) -> None:
    """The statement says erc1271 for the wallet, and a checker with the files finds the same; without it says not-shown."""
    offline = ("--bundle", proven / "a.bundle")
    done = sign(proven, *PLACE, *offline, "--control", proven / "c.json")
    assert done.returncode == 0, done.stderr + done.stdout
    assert json.loads(done.stdout)["statement"]["holders"] == {wallet.lower(): "erc1271"}
    check = ("attest", "verify", proven / "a.json", *PLACE, "--signer", KEYS[0].address, "--json")
    check = (*check, *offline, "--account", proven / "account.toml")
    done = run(*check, "--control", proven / "c.json", cwd=proven)
    assert (done.returncode, json.loads(done.stdout)["control_verified"]) == (0, True)
    assert json.loads(run(*check, cwd=proven).stdout)["control_verified"] is False
    done = sign(proven, *PLACE, *offline)
    assert json.loads(done.stdout)["statement"]["holders"] == {wallet.lower(): "not-shown"}


def test_a_statement_that_says_more_than_the_files_show_is_refused(proven: Path, wallet: str, tmp_path: Path) -> None:
    """The signer saw the wallet's control; a checker whose file shows another holder's does not, and says so."""
    offline = ("--bundle", proven / "a.bundle")
    assert sign(proven, *PLACE, *offline, "--control", proven / "c.json").returncode == 0
    other = asked(proven, KEYS[0].address) | {"kind": "eip712"}
    save(proven, signed(other, KEYS[0]), "other.json")
    check = ("attest", "verify", proven / "a.json", *PLACE, "--signer", KEYS[0].address, "--json", *offline)
    done = run(*check, "--account", proven / "account.toml", "--control", proven / "other.json", cwd=proven)
    assert done.returncode == 3
    assert "the statement's holders" in json.loads(done.stdout)["message"]


def test_online_a_file_without_evidence_is_proven_on_the_way(three_chains, wallet: str, tmp_path: Path) -> None:
    """By `attest sign` over the networks, and by a scheduled job whose account file lists it; offline it is refused."""
    save(tmp_path, signed(asked(tmp_path, wallet)))
    account = account_of(tmp_path, three_chains, wallet, control=("c.json",))
    done = sign(tmp_path, *PLACE)
    assert done.returncode == 0, done.stderr + done.stdout
    assert json.loads(done.stdout)["statement"]["holders"] == {wallet.lower(): "erc1271"}
    assert run("gather", account, "-o", tmp_path / "a.bundle", cwd=tmp_path).returncode == 0
    done = sign(tmp_path, *PLACE, "--bundle", tmp_path / "a.bundle")
    assert done.returncode == 2
    assert "no evidence" in json.loads(done.stdout)["message"]
    (tmp_path / "jobs.toml").write_text(jobs_toml(out=tmp_path / "out").replace("env:JOB_KEY", "env:KEY0"))
    done = run("schedule", tmp_path / "jobs.toml", "--once", cwd=tmp_path, env=ENV)
    assert done.returncode == 0, done.stderr
    (statement,) = (tmp_path / "out").glob("*.json")
    said = json.loads(statement.read_text())["attestation"]["statement"]["holders"]
    assert said == {wallet.lower(): "erc1271"}


def test_a_job_with_an_expired_challenge_attests_nothing(three_chains, wallet: str, tmp_path: Path) -> None:
    """It says why, and does not go on without what the account file asks for."""
    save(tmp_path, signed(asked(tmp_path, wallet, "--valid-for", 1)))
    account_of(tmp_path, three_chains, wallet, control=("c.json",))
    time.sleep(2)
    (tmp_path / "jobs.toml").write_text(jobs_toml(out=tmp_path / "out").replace("env:JOB_KEY", "env:KEY0"))
    run("schedule", tmp_path / "jobs.toml", "--once", cwd=tmp_path, env=ENV)
    (told,) = (json.loads(path.read_text()) for path in (tmp_path / "out").glob("*.json"))
    assert told["attestation"] is None
    assert "the time of a challenge" in told["outcome"]


@pytest.mark.covers("MRG-05")
@pytest.mark.parametrize("says", sorted(SAYS))
def test_a_contract_that_does_not_say_the_magic_value_shows_nothing(three_chains, tmp_path: Path, says: str) -> None:
    """Another value, more than the value, a revert, a halt: refused by the name of what was said."""
    holder = with_code(three_chains[0].node, SAYS[says])
    control = save(tmp_path, signed(asked(tmp_path, holder)))
    account = account_of(tmp_path, three_chains, holder)
    done = run("attest", "prove", control, account, cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "what the contract says" in done.stderr
    assert "evidence" not in json.loads(control.read_text())


def changed(document: dict, **to: object) -> dict:
    return document | {"challenge": document["challenge"] | to}


@pytest.mark.covers("MRG-05")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: signed(d, STRANGER), "what the contract says"),
        (lambda d: changed(signed(d), nonce="0x" + "77" * 32), "what the contract says"),
        (lambda d: changed(signed(d), holder=Account.create().address.lower()), "what the contract says"),
        (lambda d: changed(signed(d), valid_until=d["challenge"]["issued_at"] + 400 * 86_400), "a challenge"),
        (lambda d: changed(signed(d), issued_at=d["challenge"]["issued_at"] - 99, valid_until=d["challenge"]["issued_at"] - 9), "the time of a challenge"),
        (lambda d: changed(signed(d), holder_chain=1), "no claim of the account is on chain 1"),
    ],
    ids=["stranger", "replayed-for-another-challenge", "no-contract", "too-long", "expired", "chain"],
)  # fmt: skip
def test_what_prove_refuses(three_chains, wallet: str, tmp_path: Path, change, words: str) -> None:
    """A signature of another, or for another challenge, holder or time."""
    control = save(tmp_path, change(asked(tmp_path, wallet)))
    account = account_of(tmp_path, three_chains, wallet)
    done = run("attest", "prove", control, account, cwd=tmp_path)
    assert done.returncode in (2, 3)
    assert words in done.stderr


@pytest.mark.covers("MRG-05")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: changed(d, account="x"), "another account or contract"),
        (lambda d: changed(d, contract="0x" + "c1" * 20), "another account or contract"),
        (lambda d: changed(d, nonce="0x" + "77" * 32), "the call"),
        (lambda d: changed(d, holder="0x" + "77" * 20), "the call"),
        (lambda d: d | {"signature": "0x" + "11" * 65}, "the call"),
        (lambda d: d | {"evidence": d["evidence"][:-2] + "00"}, "its content id"),
        (lambda d: {k: v for k, v in d.items() if k != "evidence"}, "no evidence"),
        (lambda d: d | {"kind": "eip712"}, "signer"),
    ],
    ids=["account", "contract", "nonce", "holder", "signature", "evidence", "none", "kind"],
)
def test_what_signing_refuses_of_a_proven_file(proven: Path, change, words: str) -> None:
    """Evidence for one challenge shows nothing for another; and a contract's signature is no key's."""
    save(proven, change(json.loads((proven / "c.json").read_text())), "changed.json")
    done = sign(proven, *PLACE, "--bundle", proven / "a.bundle", "--control", proven / "changed.json")
    assert done.returncode == 2
    assert words in json.loads(done.stdout)["message"].casefold()


def test_evidence_under_no_root_of_the_checker_is_refused(proven: Path, three_chains, wallet: str) -> None:
    """The account file pins a later block, and a bundle is under it: the control file's block is none that it names."""
    account = account_of(proven, three_chains, wallet)
    assert run("gather", account, "-o", proven / "a.bundle", cwd=proven).returncode == 0
    done = sign(proven, *PLACE, "--bundle", proven / "a.bundle", "--control", proven / "c.json")
    assert done.returncode == 2
    assert "none of the checker's 1 trust roots" in json.loads(done.stdout)["message"]


def test_a_contract_answers_on_each_chain_for_itself(three_chains, wallet: str, tmp_path: Path) -> None:
    """The account has the same address on a second chain: shown on one of them is not shown."""
    save(tmp_path, signed(asked(tmp_path, wallet)))
    for chain in three_chains[:2]:
        chain.node.mine()
    path = write(tmp_path, three_chains[:2], tokens=("OZD",), policy='max_age = "7d"\nmax_head_lag = "7d"')
    text = re.sub(r'main = "0x[0-9a-fA-F]+"', f'main = "{wallet}"', path.read_text())
    path.write_text(text.replace('family = "ethereum"', 'family = "ethereum"\nfork = "osaka"'))
    done = sign(tmp_path, *PLACE, "--control", tmp_path / "c.json")
    assert done.returncode == 2
    assert "is not shown on chain 31338" in json.loads(done.stdout)["message"]


def test_a_file_is_bounded_and_has_one_form(tmp_path: Path) -> None:
    """Too large, unknown keys, unsigned: each by name."""
    document = signed(asked(tmp_path, "0x" + "77" * 20))
    assert parse_control(json.dumps(document).encode()).evidence is None
    with pytest.raises(LimitExceeded):
        parse_control(b" " * (MAX_BYTES + 1))
    for wrong, words in ((document | {"more": 1}, "no control file"), (document | {"signature": None}, "not signed")):
        with pytest.raises(UsageError, match=words):
            parse_control(json.dumps(wrong).encode())
