"""The program as a user runs it: exit codes, streams, and what is on the screen, in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.simulators import lies
from tests.system.accounts import account_toml

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "fixtures" / "demo"


def run(
    *args: object, cwd: Path, env: dict[str, str] | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """One run of the program in a folder of its own, with a home of its own."""
    clean = {
        "PATH": os.environ["PATH"],
        "HOME": str(cwd),
        "XDG_DATA_HOME": str(cwd),
        "XDG_CONFIG_HOME": str(cwd),
        "LC_ALL": "C.UTF-8",
    }
    return subprocess.run(
        [sys.executable, "-m", "verifier.app.main", *map(str, args)],
        capture_output=True, text=True, cwd=cwd, env=clean | {"PYTHONPATH": str(ROOT)} | (env or {}), timeout=timeout, check=False,
    )  # fmt: skip


def write(folder: Path, chains, endpoints=None, **options: object) -> Path:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    path = folder / "account.toml"
    path.write_text(account_toml(chains, endpoints, at=stamp, **options))
    return path


def test_the_version_loads_nothing(tmp_path: Path) -> None:
    """`--version` answers before any library of ours or others is imported."""
    code = "import sys\nsys.argv = ['xmargin', '--version']\nfrom verifier.app.main import main\ntry:\n main()\nexcept SystemExit: pass\nprint(sorted(set(sys.modules) & {'typer', 'rich', 'pydantic', 'web3', 'aiohttp', 'cbor2', 'sqlite_utils', 'verifier.verify'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines() == [f"xmargin {__import__('verifier').__version__}", "[]"]


def test_help_loads_no_network_nor_database(tmp_path: Path) -> None:
    """`--help` imports what draws it, and nothing that asks or keeps."""
    code = "import sys\nfrom verifier.app.cli import run\nrun(['--help'])\nprint(sorted(set(sys.modules) & {'pydantic', 'web3', 'aiohttp', 'cbor2', 'sqlite_utils'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_asks_over_http_loads_no_web3(three_chains, tmp_path: Path) -> None:
    """It would take longer to load than the rest of the command takes to run."""
    account = write(tmp_path, three_chains[:1], tokens=("OZD",))
    code = f"import sys\nfrom verifier.app.cli import run\ncode = run(['verify', {str(account)!r}, '--db', 'x.db'])\nprint(code, sorted(set(sys.modules) & {{'web3', 'eth_account', 'aiohttp'}}))"
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=env, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 ['aiohttp']"


def test_the_demo_runs_offline_and_refuses_the_forgery(tmp_path: Path) -> None:
    """Three networks, the account, a trail down to the pin, and a forged node refused by name."""
    done = run("demo", cwd=tmp_path, env={"http_proxy": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"})
    assert done.returncode == 0, done.stderr
    for words in (
        "alpha",
        "beta",
        "gamma",
        "status healthy",
        "the same figures",
        "pinned by you",
        "MissingNode",
        "8 of 9 claims",
        "oracle fixture",
        "beacon checkpoint 0x",
        "op settled by op_portal: dispute game 0x",
    ):
        assert words in done.stdout


def test_the_demo_as_json_is_one_object(tmp_path: Path) -> None:
    """Machine output alone on stdout, with schema and version."""
    done = run("demo", "--json", cwd=tmp_path)
    shown = json.loads(done.stdout)
    assert (shown["schema"], shown["exit_code"]) == ("xmargin/run", 0)
    assert all(
        isinstance(claim["amount"]["units"] if isinstance(claim["amount"], dict) else claim["amount"], str)
        for claim in shown["claims"]
    )


def test_verify_exits_0_with_the_contracts_balances(three_chains, tmp_path: Path) -> None:
    """Three live nodes, pinned: every balance is what the contract reports, and what is shown was kept."""
    account = write(tmp_path, three_chains)
    done = run("verify", account, "--json", "--save", "kept.bundle", cwd=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    text = done.stdout
    for chain in three_chains:
        assert f'"{chain.tokens["OZD"].balance_of(chain.holders["alice"])}"' in text
    (database,) = tmp_path.rglob("xmargin.db")
    kept = sqlite3.connect(database)
    assert kept.execute("SELECT count(*) FROM amounts WHERE verdict = 'proven'").fetchone() == (18,)
    assert kept.execute("SELECT shown FROM runs").fetchone()[0].strip() == text.strip()
    kept.close()
    checked = run("check", "kept.bundle", "--account", account, "--json", cwd=tmp_path)
    assert checked.returncode == 0
    assert [c["status"] for c in json.loads(checked.stdout)["claims"]] == [
        c["status"] for c in json.loads(text)["claims"]
    ]
    trail = run("explain", "kept.bundle", "1", "--account", account, cwd=tmp_path)
    assert trail.returncode == 0
    assert "trust root local31337" in trail.stdout


def test_a_node_that_is_gone_exits_4_and_shows_the_others(three_chains, fresh_chain, tmp_path: Path) -> None:
    """The stopped network's claims are missing; the others' figures are on the screen."""
    gone = fresh_chain(chain_id=31340)
    account = write(tmp_path, [*three_chains[:2], gone])
    gone.node.stop()
    done = run("--timeout", "20", "verify", account, cwd=tmp_path)
    assert done.returncode == 4, done.stdout + done.stderr
    assert done.stdout.count("proven") >= 12


def test_a_lone_liar_exits_3_and_names_the_slot(three_chains, lying_proxy, tmp_path: Path) -> None:
    """Refused, with network, address, slot and node; no figure of that claim is shown."""
    proxy = lying_proxy(three_chains[0].url)
    proxy.tell(lies.flipped_node("storage", 0), method="eth_getProof")
    account = write(tmp_path, three_chains[:1], {31337: [proxy.url]}, tokens=("OZD",))
    done = run("verify", account, cwd=tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "slot 0x" in done.stdout
    assert "local31337" in done.stdout


def test_an_honest_second_endpoint_exits_0_and_marks_the_liar(three_chains, lying_proxy, tmp_path: Path) -> None:
    """The same liar beside an honest endpoint: exit 0, and the store names the one that lied."""
    chain = three_chains[0]
    proxy = lying_proxy(chain.url)
    proxy.tell(lies.flipped_node("storage", 0), method="eth_getProof")
    account = write(tmp_path, [chain], {31337: [proxy.url, chain.url]})
    done = run("verify", account, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    table = run("verify", account, cwd=tmp_path)
    assert table.returncode == 0
    assert "node-31337-0 (127.0.0.1) lied" in table.stdout
    lied = {e["name"]: e["lied"] for e in json.loads(done.stdout)["endpoints"]}
    assert lied["node-31337-0"] > 0
    assert lied["node-31337-1"] == 0


def test_a_debt_out_of_reach_exits_7(three_chains, fresh_chain, tmp_path: Path) -> None:
    """A debt on a network that does not answer makes the account indeterminate, which outranks incomplete."""
    from tests.system.accounts import token_lines

    gone = fresh_chain(chain_id=31340)
    debt = "\n".join(token_lines(gone, "VYC", "debts"))
    account = write(tmp_path, [three_chains[0], gone], tokens=("OZD", "VYC"), extra=debt)
    text = account.read_text()
    first = text.index('[[assets]]\nnetwork = "local31340"\nholder = "main"\ncontract')
    last = text.index("[prices.ETH]")
    account.write_text(text[:first] + text[last:])
    gone.node.stop()
    done = run("--timeout", "20", "verify", account, cwd=tmp_path)
    assert done.returncode == 7, done.stdout + done.stderr


def test_init_writes_what_works_and_never_overwrites(tmp_path: Path) -> None:
    """The example parses and compiles as it stands; without its variable it says which one is missing."""
    assert run("init", cwd=tmp_path).returncode == 0
    again = run("init", cwd=tmp_path)
    assert again.returncode == 2
    assert "exists already" in again.stderr
    nowhere = run("init", "none/account.toml", cwd=tmp_path)
    assert nowhere.returncode == 2
    assert "cannot be written" in nowhere.stderr
    unset = run("verify", "account.toml", cwd=tmp_path)
    assert unset.returncode == 2
    assert "ETH_RPC_URL" in unset.stderr
    canary = "c4nary-" + "k" * 20
    for policy, code in (("strict", 3), ("practical", 4)):
        path = f"{policy}.toml"
        assert run("init", path, "--policy", policy, cwd=tmp_path).returncode == 0
        done = run("--timeout", "5", "verify", path, cwd=tmp_path, env={"ETH_RPC_URL": f"http://127.0.0.1:9/{canary}"})
        assert done.returncode == code, done.stdout + done.stderr
        assert canary not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("verify", "nothing.toml"), 2, "does not exist"),
        (("chekc",), 2, "Did you mean"),
        (("networks", "ethreum"), 2, "ethereum"),
        (("explain", DEMO / "account.bundle", "99", "--account", DEMO / "account.toml"), 2, "claims 0 to 8"),
        (("check", DEMO / "account.toml"), 3, "not a bundle"),
        (("check", DEMO / "account.bundle", "--pin", "ethereum=0x00"), 2, "64 hex digits"),
        (("check", DEMO / "account.bundle", "--ask"), 2, "--account"),
        (("db", "history", "--db", "none.db"), 1, "no such file"),
    ],
)  # fmt: skip
def test_misuse_ends_in_a_sentence_not_a_traceback(tmp_path: Path, args, code: int, words: str) -> None:
    """Each mistake has its exit code and says what to do; there is no traceback without --debug."""
    done = run(*args, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_config_shows_where_values_come_from_and_hides_keys(tmp_path: Path) -> None:
    """Each setting with its place; of an endpoint's URL only the host."""
    (tmp_path / "xmargin.toml").write_text(
        'policy = "practical"\n[networks.ethereum]\nendpoints = ["https://rpc.example/v2/s3cret"]\n'
    )
    done = run("config", "show", cwd=tmp_path, env={"XMARGIN_TIMEOUTS__TOTAL": "30"})
    assert done.returncode == 0
    assert "s3cret" not in done.stdout + done.stderr
    assert "rpc.example" in done.stdout
    assert "environment" in done.stdout
    assert "xmargin.toml" in done.stdout


def test_listings_and_database_commands(tmp_path: Path) -> None:
    """networks, assets and db say what is known and kept, as tables and as JSON."""
    listed = json.loads(run("networks", "--json", cwd=tmp_path).stdout)["networks"]
    assert len(listed) >= 20
    assert any(
        "reviewed" in row["code"]
        for row in json.loads(run("assets", "ethereum", "--json", cwd=tmp_path).stdout)["assets"]
    )
    assert run("demo", cwd=tmp_path).returncode == 0
    run("check", DEMO / "account.bundle", "--account", DEMO / "account.toml", cwd=tmp_path)
    for args in (
        ("db", "info"),
        ("db", "history"),
        ("db", "integrity"),
        ("db", "metadata"),
        ("db", "export", "amounts"),
        ("db", "prune"),
    ):
        assert run(*args, cwd=tmp_path).returncode == 0, args


INTERRUPTIBLE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from verifier.app.main import main
main()
"""
"""The program at a terminal: where the suite runs behind a shell, children are born deaf to SIGINT."""


def test_ctrl_c_in_the_middle_exits_130(three_chains, lying_proxy, tmp_path: Path) -> None:
    """Interrupted while an endpoint hangs: no traceback, nothing half kept."""
    proxy = lying_proxy(three_chains[0].url)
    proxy.tell(lies.silent(), method="eth_getProof")
    account = write(tmp_path, three_chains[:1], {31337: [proxy.url]})
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, "verify", str(account)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd=tmp_path,
    )  # fmt: skip
    deadline = time.monotonic() + 90
    while proxy.count("eth_getProof") == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert err.endswith("interrupted\n")
    assert "Traceback" not in err
    assert out == ""


def test_nobody_is_coloured_who_is_no_terminal(tmp_path: Path) -> None:
    """No escape codes in a pipe."""
    assert "\x1b" not in run("demo", cwd=tmp_path).stdout


def test_what_is_printed_fits_the_published_schema(three_chains, lying_proxy, tmp_path: Path) -> None:
    """The demo, a run with a refused claim, and a check without an account are all objects of the schema."""
    import jsonschema

    schema = json.loads((ROOT / "docs" / "schema" / "run.json").read_text())
    proxy = lying_proxy(three_chains[0].url)
    proxy.tell(lies.flipped_node("storage", 0), method="eth_getProof")
    account = write(tmp_path, three_chains[:1], {31337: [proxy.url]}, tokens=("OZD",))
    for args in (("demo", "--json"), ("verify", account, "--json"), ("check", DEMO / "account.bundle", "--json")):
        shown = json.loads(run(*args, cwd=tmp_path).stdout)
        jsonschema.validate(shown, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(shown | {"status": "fine"}, schema)
