"""The how-tos run as they stand, against local nodes; so does the relayer's example, and the site builds."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.nodes.artifacts import examples, solidity
from tests.nodes.contracts import ALICE
from tests.relay import contracts
from verifier.app.jobs_file import parse_jobs

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PLACEHOLDER = "0x" + "1" * 64
KEY = "11" * 32


def blocks(page: str, kind: str) -> list[str]:
    """The fenced blocks of a kind, in order, without the indentation of a list."""
    found = re.findall(rf"^( *)```{kind}\n(.*?)^ *```", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(text) for _, text in found]


def environment(folder: Path, chain) -> dict[str, str]:
    """What a reader's shell would have: our program on the path, the node's URL, a key."""
    program = folder / "bin" / "xmargin"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!{sys.executable}\nfrom verifier.app.main import main\nmain()\n")
    program.chmod(0o755)
    (program.parent / "python").unlink(missing_ok=True)
    (program.parent / "python").symlink_to(sys.executable)
    home = {name: str(folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return {
        **home,
        "PATH": path,
        "PYTHONPATH": str(ROOT),
        "RPC_URL": chain.url,
        "SIGNING_KEY": KEY,
        "LC_ALL": "C.UTF-8",
    }


def write_files(folder: Path, page: str, chain) -> None:
    """Each TOML block is a file named in its first line; its block hash and time become the node's and today's."""
    for text in blocks(page, "toml"):
        name = text.splitlines()[0].removeprefix("# ")
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        made = text.replace(PLACEHOLDER, chain.node.block("latest")["hash"]).replace("2026-01-01T00:00:00Z", stamp)
        (folder / name).write_text(made)


def run_console(folder: Path, page: str, chain) -> str:
    """Every command of a page, one after the other; each must succeed."""
    said = ""
    for text in blocks(page, "console"):
        for line in text.splitlines():
            if line.startswith("$ "):
                done = subprocess.run(["sh", "-c", line[2:]], cwd=folder, env=environment(folder, chain), capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
                assert done.returncode == 0, (line, done.stdout, done.stderr)
                said += done.stdout
    return said


def test_the_desk_s_how_to(three_chains, tmp_path: Path) -> None:
    """The account file and every command of the page."""
    write_files(tmp_path, "howto-desk.md", three_chains[0])
    said = run_console(tmp_path, "howto-desk.md", three_chains[0])
    for word in ("proven", "healthy", "pinned by you", "state root", "none"):
        assert word in said
    assert (tmp_path / "desk.bundle").stat().st_size > 500


def test_the_relayer_s_how_to(three_chains, tmp_path: Path) -> None:
    """The page's blocks as one program."""
    program = tmp_path / "page.py"
    program.write_text("\n".join(blocks("howto-relayer.md", "python")))
    env = environment(tmp_path, three_chains[0]) | {"PIN": three_chains[0].node.block("latest")["hash"]}
    done = subprocess.run(
        [sys.executable, str(program)], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == f"{three_chains[0].native(ALICE)} pinned"
    assert "state root" in done.stdout


def test_the_operator_s_how_to(three_chains, tmp_path: Path) -> None:
    """The jobs file, one round, and the receiver's check."""
    write_files(tmp_path, "howto-desk.md", three_chains[0])
    write_files(tmp_path, "howto-attestations.md", three_chains[0])
    said = run_console(tmp_path, "howto-attestations.md", three_chains[0])
    assert "desk." in said
    assert "signers, place and time" in said


def test_the_jobs_file_of_the_reference_is_one() -> None:
    """The page on scheduled jobs shows a whole file, and it parses."""
    (text,) = blocks("schedule.md", "toml")
    (job,) = parse_jobs(text).jobs
    assert (job.name, len(job.sinks), job.alerts.remind) == ("desk-hourly", 2, 6 * 3_600)


def test_the_relayer_between_two_nodes(anvil_factory, tmp_path: Path) -> None:
    """Under a hundred lines; three transfers on one chain are delivered to the contract on the other, once each."""
    program = DOCS / "examples" / "relayer.py"
    assert len(program.read_text().splitlines()) < 100
    source, target = anvil_factory(chain_id=31500), anvil_factory(chain_id=31501)
    source.mine(4)
    types = ("string", "string", "uint8", "address[]", "uint256[]")
    token = contracts.deploy(
        source, solidity()["PlainToken"].bytecode, types, ("T", "T", 6, [source.accounts[0]], [10**6])
    )
    consumer = contracts.deploy(target, examples()["StateProofConsumer"].bytecode)
    source.mine(4)
    args = (source.url, 31500, token, target.url, consumer, 3)
    command = [sys.executable, str(program), *map(str, args)]
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    process = subprocess.Popen(
        command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("watching from block")
        until = time.monotonic() + 60
        amount = 100
        while process.poll() is None and time.monotonic() < until:
            if amount < 103:
                contracts.send(
                    source, token, contracts.encode_call("transfer", ("address", "uint256"), (ALICE, amount))
                )
                amount += 1
            source.mine(2)
            time.sleep(0.3)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, err
    assert len(out.splitlines()) == 3
    assert [line.split()[1] for line in out.splitlines()] == ["100", "101", "102"]
    logs = target.rpc("eth_getLogs", {"address": consumer, "fromBlock": "0x0"})
    assert len(logs) == 3
    assert len({log["topics"][1] for log in logs}) == 3


@pytest.mark.soak
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    """`make docs`: every page is in the site, and every module of the reference has its docstrings."""
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "html",
        str(DOCS),
        str(tmp_path / "site"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    made = (tmp_path / "site" / "api.html").read_text()
    for name in ("verify_events", "verify_attestation", "gather_claims"):
        assert name in made


def test_what_is_quoted_for_a_shell_is_quoted_right() -> None:
    """Commands of the pages split as a shell splits them."""
    for page in DOCS.glob("howto-*.md"):
        for text in blocks(page.name, "console"):
            for line in text.splitlines():
                assert shlex.split(line)
