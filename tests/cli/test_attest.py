"""`xmargin attest` as its users run it: sign over a bundle, co-sign, aggregate, verify offline, show."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import pickle
import shutil
import stat
import subprocess
from pathlib import Path

import jsonschema
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data

from tests.cli.test_cli import DEMO, ROOT, write
from tests.cli.test_cli import run as run_process
from verifier.app.errors import UsageError
from verifier.app.signer import open_signer
from verifier.crypto.bls import default_scheme

CONTRACT = "0x" + "c0" * 20
PLACE = ("--chain-id", 31401, "--contract", CONTRACT)
KEYS = [Account.from_key(bytes([i + 1]) * 32) for i in range(3)]
ENV = {f"KEY{i}": key.key.hex() for i, key in enumerate(KEYS)} | {f"BLS{i}": f"{1000 + i:064x}" for i in range(3)}


def run(*args: object, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The program in this process, as `run_process` runs it in one of its own: a second of start-up is saved each time."""
    from verifier.app.cli import run as program

    clean = {name: str(cwd) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")} | {"PATH": os.environ["PATH"]}
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            patch.delenv(name)
        for name, value in (clean | (env or {})).items():
            patch.setenv(name, value)
        patch.chdir(cwd)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = program(list(map(str, args)))
    return subprocess.CompletedProcess(list(map(str, args)), code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def made(three_chains, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an account of a real node, and a bundle of it."""
    folder = tmp_path_factory.mktemp("attest")
    account = write(folder, three_chains[:1], tokens=("OZD", "WETH"), policy='preset = "strict"\nmax_age = "7d"')
    done = run("gather", account, "-o", folder / "a.bundle", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def sign(folder: Path, output: str, *more: object, key: str = "env:KEY0", account: str = "account.toml"):
    args = ("attest", "sign", folder / account, "--bundle", folder / "a.bundle", "-o", folder / output, "--key", key)
    return run(*args, *more, "--json", cwd=folder, env=ENV)


def test_sign_verify_and_show(made: Path) -> None:
    """One file; its schema, its signer, its figures; and the evidence again where bundle and account are given."""
    done = sign(made, "one.json", *PLACE)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    schema = json.loads((ROOT / "docs" / "schema" / "attest.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(shown, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(shown | {"digest": "x"}, schema)
    done = run("attest", "verify", made / "one.json", *PLACE, "--signer", KEYS[0].address, "--json", cwd=made)
    assert done.returncode == 0, done.stderr
    checked = json.loads(done.stdout)
    jsonschema.validate(checked, schema)
    assert (checked["verified"], checked["evidence_verified"]) == (True, False)
    assert checked["signers"] == [KEYS[0].address.lower()]
    more = ("--bundle", made / "a.bundle", "--account", made / "account.toml")
    done = run("attest", "verify", made / "one.json", *PLACE, "--signer", KEYS[0].address, *more, "--json", cwd=made)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["evidence_verified"]
    assert (
        run(
            "attest", "verify", made / "one.json", *PLACE, "--signer", KEYS[0].address, "--name", "test", cwd=made
        ).returncode
        == 0
    )
    table = run_process("attest", "show", made / "one.json", cwd=made).stdout
    assert KEYS[0].address.lower() in table
    assert "not-shown" in table


@pytest.mark.covers("ATT-01", "ATT-02", "ATT-09")
@pytest.mark.parametrize(
    "args",
    [
        ("--chain-id", 1, "--contract", CONTRACT, "--signer", KEYS[0].address),
        ("--chain-id", 31401, "--contract", "0x" + "c1" * 20, "--signer", KEYS[0].address),
        (*PLACE, "--signer", KEYS[1].address),
        (*PLACE,),
        (*PLACE, "--signer", KEYS[0].address, "--after", 10**18),
        (*PLACE, "--signer", KEYS[0].address, "--signer", KEYS[1].address, "--threshold", 2),
        (*PLACE, "--signer", KEYS[0].address, "--name", "other"),
    ],
    ids=["chain", "contract", "signer", "nobody", "number", "threshold", "account"],
)
def test_what_verify_refuses(made: Path, args) -> None:
    """Exit 3 and BadAttestation."""
    done = run("attest", "verify", made / "one.json", *args, "--json", cwd=made)
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"] == "BadAttestation"


def test_numbers_rise_and_are_kept(made: Path) -> None:
    """Three statements in a row; the database has each, with its file."""
    numbers = [int(json.loads(sign(made, "n.json", *PLACE).stdout)["sequence"]) for _ in range(3)]
    assert all(a < b for a, b in itertools.pairwise(numbers))
    done = run("db", "export", "attestations", cwd=made)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["sequence"] for row in rows if row["signer"] == KEYS[0].address.lower()][-3:] == numbers
    assert {row["state"] for row in rows} == {"signed"}


@pytest.mark.covers("ATT-02")
def test_an_older_database_put_back_gives_no_number_again(made: Path, tmp_path: Path) -> None:
    """A copy from before the last statement signs the next one: its number is higher, and receivers take it after."""
    db = tmp_path / "x.db"

    def signed() -> int:
        done = sign(made, "again.json", *PLACE, "--db", db)
        assert done.returncode == 0, done.stderr
        return int(json.loads(done.stdout)["sequence"])

    first = signed()
    shutil.copyfile(db, tmp_path / "copy.db")
    lost = [signed(), signed()]
    shutil.copyfile(tmp_path / "copy.db", db)
    again = signed()
    assert again > lost[-1] > lost[0] > first
    check = ("attest", "verify", made / "again.json", *PLACE, "--signer", KEYS[0].address)
    assert run(*check, "--after", lost[-1], cwd=made).returncode == 0
    assert run(*check, "--after", again, cwd=made).returncode == 3


def test_a_quorum_by_proposal(made: Path) -> None:
    """A proposer fixes the bytes; a co-signer verifies the bundle by its own file and signs the same; both count."""
    quorum = [arg for key in KEYS for arg in ("--signer", key.address)] + ["--threshold", 2]
    assert sign(made, "p0.json", *PLACE, *quorum).returncode == 0
    done = sign(made, "p1.json", "--proposal", made / "p0.json", key="env:KEY1")
    assert done.returncode == 0, done.stderr
    args = ("attest", "aggregate", made / "p0.json", made / "p1.json", "-o", made / "both.json", "--json")
    assert json.loads(run(*args, cwd=made).stdout)["signatures"] == 2
    done = run("attest", "verify", made / "both.json", *PLACE, *quorum, "--json", cwd=made)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["signers"]) == 2
    assert run("attest", "verify", made / "p0.json", *PLACE, *quorum, cwd=made).returncode == 3


@pytest.mark.covers("ATT-07", "ATT-11")
def test_a_cosigner_does_not_sign_what_it_does_not_find(made: Path) -> None:
    """A proposal with another figure, over another policy, or that is over: nothing is signed."""
    assert sign(made, "q.json", *PLACE).returncode == 0
    document = json.loads((made / "q.json").read_text())
    text = (made / "account.toml").read_text()
    (made / "other.toml").write_text(text.replace('haircut_maintenance = "10%"', 'haircut_maintenance = "11%"'))
    done = sign(made, "r.json", "--proposal", made / "q.json", key="env:KEY1", account="other.toml")
    assert done.returncode == 2
    assert "policy_digest" in json.loads(done.stdout)["message"]
    from tests.verifier.attest.build import changed
    from verifier.attest.attestation import Attestation, encode_attestation, parse_attestation

    original = parse_attestation((made / "q.json").read_bytes())
    richer = Attestation(changed(original.statement, equity_low=original.statement.equity_low + 1))
    (made / "rich.json").write_bytes(encode_attestation(richer))
    done = sign(made, "r.json", "--proposal", made / "rich.json", key="env:KEY1")
    assert done.returncode == 2
    assert "equity_low" in json.loads(done.stdout)["message"]
    assert not (made / "r.json").exists()
    assert document["digest"]


def test_bls_members_make_one_signature(made: Path) -> None:
    """Two members sign by proposal, their parts become one aggregate, which the set's file verifies."""
    scheme = default_scheme()
    members = [{"key": "0x" + scheme.public_key(1000 + i).raw.hex(), "possession": "0x" + scheme.pop_prove(1000 + i).hex()} for i in range(3)]  # fmt: skip
    (made / "set.json").write_text(json.dumps({"threshold": 2, "members": members}))
    given = ("--bls-set", made / "set.json")
    assert sign(made, "b0.json", *PLACE, *given, key="bls-env:BLS0").returncode == 0
    done = sign(made, "b2.json", "--proposal", made / "b0.json", *given, key="bls-env:BLS2")
    assert done.returncode == 0, done.stderr
    args = ("attest", "aggregate", made / "b0.json", made / "b2.json", "-o", made / "agg.json", *given, "--json")
    assert json.loads(run(*args, cwd=made).stdout)["bls_members"] == [0, 2]
    assert run("attest", "verify", made / "agg.json", *PLACE, *given, cwd=made).returncode == 0
    assert run("attest", "verify", made / "b0.json", *PLACE, *given, cwd=made).returncode == 3
    bad = [members[0], members[1] | {"possession": members[2]["possession"]}]
    (made / "bad.json").write_text(json.dumps({"threshold": 1, "members": bad}))
    assert run("attest", "verify", made / "agg.json", *PLACE, "--bls-set", made / "bad.json", cwd=made).returncode == 2


@pytest.mark.covers("MRG-05")
def test_control_is_shown_by_a_challenge(made: Path) -> None:
    """The holder signs; the statement says so. Changed by one letter it shows nothing."""
    text = (made / "account.toml").read_text()
    who = KEYS[2].address
    import re

    (made / "own.toml").write_text(re.sub(r'main = "0x[0-9a-fA-F]+"', f'main = "{who}"', text))
    asked = json.loads(run("attest", "challenge", "test", who, 31337, *PLACE, cwd=made).stdout)
    signature = KEYS[2].sign_message(encode_defunct(text=asked["text"])).signature.hex()
    (made / "c.json").write_text(json.dumps(asked | {"signature": "0x" + signature.removeprefix("0x")}))
    assert run("gather", made / "own.toml", "-o", made / "own.bundle", cwd=made).returncode == 0
    base = (
        "attest",
        "sign",
        made / "own.toml",
        "--bundle",
        made / "own.bundle",
        "-o",
        made / "own.json",
        "--key",
        "env:KEY0",
        *PLACE,
        "--json",
    )
    done = run(*base, "--control", made / "c.json", cwd=made, env=ENV)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["statement"]["holders"] == {who.lower(): "eip191"}
    typed = KEYS[2].sign_message(encode_typed_data(full_message=asked["typed_data"])).signature.hex()
    (made / "t.json").write_text(json.dumps(asked | {"kind": "eip712", "signature": "0x" + typed.removeprefix("0x")}))
    done = run(*base, "--control", made / "t.json", cwd=made, env=ENV)
    assert json.loads(done.stdout)["statement"]["holders"] == {who.lower(): "eip712"}
    join = (
        "attest",
        "sign",
        made / "own.toml",
        "--bundle",
        made / "own.bundle",
        "-o",
        made / "j.json",
        "--key",
        "env:KEY1",
    )
    join = (*join, "--proposal", made / "own.json", "--json")
    refused = run(*join, cwd=made, env=ENV)
    assert refused.returncode == 2
    assert "holders" in json.loads(refused.stdout)["message"]
    assert run(*join, "--control", made / "t.json", cwd=made, env=ENV).returncode == 0
    wrong = KEYS[1].sign_message(encode_defunct(text=asked["text"])).signature.hex()
    (made / "w.json").write_text(json.dumps(asked | {"signature": "0x" + wrong.removeprefix("0x")}))
    assert run(*base, "--control", made / "w.json", cwd=made, env=ENV).returncode == 2


@pytest.mark.covers("SEC-03")
def test_keys_stay_secret(made: Path, tmp_path: Path) -> None:
    """Keystores with a password, files of mode 0600, and no key in any output, message or database."""
    key = KEYS[1]
    store = tmp_path / "key.json"
    store.write_text(json.dumps(Account.encrypt(key.key, "correct", iterations=2)))
    store.chmod(0o600)
    env = {"XMARGIN_KEYSTORE_PASSWORD": "correct"}
    base = (
        "attest",
        "sign",
        made / "account.toml",
        "--bundle",
        made / "a.bundle",
        "-o",
        made / "ks.json",
        *PLACE,
        "--json",
    )
    done = run(*base, "--key", f"keystore:{store}", cwd=made, env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads((made / "ks.json").read_text())["signatures"]
    shown = [done.stdout + done.stderr]
    url = f"http://127.0.0.1:1/{key.key.hex()}"
    for wrong, environ in (
        (f"keystore:{store}", {"XMARGIN_KEYSTORE_PASSWORD": "wrong"}), (f"keystore:{store}", {}), ("env:NONE", {}),
        ("env:KEY", {"KEY": key.key.hex()[:-1]}), ("env:KEY", {"KEY": "0" * 64}), (key.key.hex(), {}),
        ("bls-env:KEY", {"KEY": "f" * 64}), ("remote:0x12=URL", {"URL": url}), (f"remote:{key.address}=URL", {}),
    ):  # fmt: skip
        with pytest.raises(UsageError) as caught:
            open_signer(wrong, environ)
        shown.append(f"{caught.value} {caught.value.remedy} {caught.value.args}")
    local, far = open_signer("env:KEY", {"KEY": key.key.hex()}), open_signer(f"remote:{key.address}=URL", {"URL": url})
    shown += [repr(local), str(vars(local)), repr(far), str(vars(far))]
    for held in (local, far):
        with pytest.raises(TypeError):
            pickle.dumps(held)
    store.chmod(0o644)
    done = run(*base, "--key", f"keystore:{store}", cwd=made, env=env)
    assert done.returncode == 2
    assert "chmod 600" in done.stderr
    secret = key.key.hex().removeprefix("0x")[:60]
    everything = "".join(shown) + "".join(
        path.read_bytes().decode("latin1") for path in made.rglob("*") if path.is_file()
    )
    assert secret not in everything.replace(secret.upper(), secret)
    assert stat.S_IMODE(next(made.rglob("xmargin.db")).stat().st_mode) == 0o600
    assert DEMO.is_dir()


def test_a_remote_signer(made: Path) -> None:
    """Asked for typed data over HTTP; its signature is taken if it is the key's, and nothing else of it."""
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    mode = {"now": "honest"}

    class Remote(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            who = KEYS[1] if mode["now"] == "other" else KEYS[0]
            assert asked["method"] == "eth_signTypedData_v4"
            signature = who.sign_message(encode_typed_data(full_message=asked["params"][1])).signature.hex()
            said = {"result": "0x" + signature.removeprefix("0x")}
            if mode["now"] == "refuse":
                said = {"error": {"code": -32000, "message": "no"}}
            body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], **said}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            return

    server = HTTPServer(("127.0.0.1", 0), Remote)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/secret-path-key"
        args = (
            "attest",
            "sign",
            made / "account.toml",
            "--bundle",
            made / "a.bundle",
            "-o",
            made / "rem.json",
            *PLACE,
            "--key",
        )
        args = (*args, f"remote:{KEYS[0].address}=SIGNER_URL", "--json")
        done = run(*args, cwd=made, env={"SIGNER_URL": url})
        assert done.returncode == 0, done.stderr
        assert "secret-path-key" not in done.stdout + done.stderr
        for bad in ("other", "refuse"):
            mode["now"] = bad
            done = run(*args, cwd=made, env={"SIGNER_URL": url})
            assert done.returncode == 1, done.stderr
            assert json.loads(done.stdout)["error"] == "SignerFailed"
            assert "secret-path-key" not in done.stdout + done.stderr
    finally:
        server.shutdown()
        server.server_close()
