"""The served gateway: ethers' CCIP-read through a real contract, and what no client can do to the server."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.test_cli import run
from tests.nodes.install import MODULES, module, node_program
from tests.nodes.process import free_port
from tests.relay import contracts
from tests.relay.conftest import Place
from tests.relay.test_attestations_on_chain import attest, statement_for
from tests.verifier.attest.test_quorum import KEYS, SET
from verifier.app.ledger import Ledger
from verifier.app.store import Store
from verifier.attest.attestation import Attestation, encode_attestation
from verifier.attest.erc3668 import MAX_BODY
from verifier.encoders.abi import encode_call

ROOT = Path(__file__).resolve().parents[2]
CALL = "0x" + encode_call("latest", ("string",), ("test",)).hex()


def consumer_of(place: Place, url: str) -> str:
    """The documentation's contract, which sends its clients to a URL; two of three signers must have signed."""
    types = ("address[]", "uint256", "bytes32", "string[]")
    return contracts.example(
        place.node, "AttestationConsumer", types, ([k.address for k in KEYS[:3]], 2, SET.digest, [url])
    )


def keep(folder: Path, *made: Attestation) -> None:
    """Attestations in a database, as signing leaves them there."""
    with Store(folder / "x.db") as store:
        ledger = Ledger(store, "the test's")
        for one in made:
            ledger.take(one.statement)
            with store.transaction() as sql:
                ledger.keep(sql, one)


@contextmanager
def serving(folder: Path, port: int, *more: object, chain: int = 31400) -> Iterator[subprocess.Popen[str]]:
    """The command, in a process of its own, until the test is done with it."""
    command = [sys.executable, "-m", "verifier.app.main", "gateway", "--chain-id", str(chain)]
    command += ["--listen", f"127.0.0.1:{port}", "--db", str(folder / "x.db"), *map(str, more)]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert json.loads(process.stderr.readline())["event"] == "listening"
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()


def ask(port: int, path: str = "/", body: bytes | None = None, method: str | None = None) -> tuple[int, object, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, body)
        response = connection.getresponse()
        data = response.read()
        is_json = response.getheader("Content-Type", "").startswith("application/json")
        return response.status, json.loads(data) if is_json else data, dict(response.getheaders())
    finally:
        connection.close()


def through_ethers(place: Place, contract: str, account: str = "test") -> dict:
    module("ethers")
    command = [node_program(), ROOT / "tests" / "relay" / "ccip_read.cjs", MODULES, place.node.url, contract, account]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.mark.node("ethers")
@pytest.mark.parametrize("template", ["/{sender}/{data}.json", "/"], ids=["get", "post"])
def test_ethers_reads_through_the_contract(place: Place, tmp_path: Path, template: str) -> None:
    """The newest statement that this machine signed comes back, taken by the contract; one of another account does not."""
    port = free_port()
    contract = consumer_of(place, f"http://127.0.0.1:{port}{template}")
    first, second = statement_for(place, contract, 1), statement_for(place, contract, 2, valid_for=300)
    keep(tmp_path, attest(first, 0, 1), attest(second, 0, 1))
    with serving(tmp_path, port):
        assert through_ethers(place, contract) == {"equity": str(second.equity_low)}
        assert "error" in through_ethers(place, contract, "another")


@pytest.mark.node("ethers")
def test_what_the_contract_does_not_take_is_refused_by_it(place: Place, tmp_path: Path) -> None:
    """One signature where two are due: the gateway serves it, ethers brings it, the contract reverts."""
    port = free_port()
    contract = consumer_of(place, f"http://127.0.0.1:{port}/{{sender}}/{{data}}.json")
    keep(tmp_path, attest(statement_for(place, contract), 0))
    with serving(tmp_path, port):
        assert through_ethers(place, contract)["error"] == "CALL_EXCEPTION"


@pytest.mark.node("ethers")
def test_an_aggregated_file_is_served_beside_the_database(place: Place, tmp_path: Path) -> None:
    """What several machines signed stands in a file: it is read anew for each request."""
    port = free_port()
    contract = consumer_of(place, f"http://127.0.0.1:{port}/{{sender}}/{{data}}.json")
    made, path = statement_for(place, contract), tmp_path / "merged.json"
    path.write_bytes(b"{}")
    with serving(tmp_path, port, "--attestation", path):
        assert "error" in through_ethers(place, contract)
        path.write_bytes(encode_attestation(attest(made, 1, 2)))
        assert through_ethers(place, contract) == {"equity": str(made.equity_low)}


@pytest.fixture(scope="module")
def served(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str, Path]]:
    """A gateway with one attestation: its port, the contract that it is for, and its folder."""
    folder, port = tmp_path_factory.mktemp("gateway"), free_port()
    contract = consumer_of(place, "http://127.0.0.1:1/")
    keep(folder, attest(statement_for(place, contract), 0, 1))
    with serving(folder, port):
        yield port, contract, folder


def test_answers_and_refusals(served: tuple[int, str, Path]) -> None:
    """200 by GET and by POST, alike; 404 for others; 400 and 405 with a message; browsers of any origin may read."""
    port, contract, _ = served
    status, found, headers = ask(port, f"/{contract}/{CALL}.json")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert headers["Content-Type"].startswith("application/json")
    assert ask(port, "/", json.dumps({"sender": contract, "data": CALL}).encode())[:2] == (200, found)
    assert ask(port, f"/0x{'11' * 20}/{CALL}.json")[0] == 404
    for body in (b"", b"[]", b"{}", b"[" * 5_000, json.dumps({"sender": 1, "data": CALL}).encode()):
        status, said, _ = ask(port, "/", body)
        assert status == 400
        assert said["message"]
    assert ask(port, "/x")[0] == 400
    assert ask(port, "/", method="DELETE")[0] == 405
    status, _, headers = ask(port, "/", method="OPTIONS")
    assert (status, headers["Access-Control-Allow-Methods"]) == (204, "GET, POST")


def test_contracts_of_another_chain_get_nothing(place: Place, served: tuple[int, str, Path]) -> None:
    """The same address on another chain is another contract."""
    _, contract, folder = served
    port = free_port()
    with serving(folder, port, chain=1):
        assert ask(port, f"/{contract}/{CALL}.json")[0] == 404


def test_sizes_are_bounded(served: tuple[int, str, Path]) -> None:
    """A body of one byte too many, a body without end, a path and a header too long: refused, and it goes on."""
    port, contract, _ = served
    assert ask(port, "/", b" " * (MAX_BODY + 1))[0] == 413
    with socket.create_connection(("127.0.0.1", port), timeout=60) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(OSError):
            while True:
                raw.sendall(b"1000\r\n" + b" " * 4_096 + b"\r\n")
                time.sleep(0.001)
    assert ask(port, "/" + "a" * 70_000)[0] == 400
    assert ask(port, f"/{contract}/{CALL}.json")[0] == 200


async def test_a_client_that_dawdles_or_comes_in_crowds_keeps_nobody_out(tmp_path: Path) -> None:
    """Half a request is cut off by the clock; beyond the bound connections are closed; then others are answered."""
    import asyncio

    from verifier.app.gateway import Gateway, Source
    from verifier.primitives import ChainId, Timestamp

    source = Source(ChainId(1), None, (), lambda: Timestamp(1))
    stop, opened = asyncio.Event(), asyncio.get_running_loop().create_future()
    gateway = Gateway(source, seconds=3.0, most=2)
    task = asyncio.create_task(gateway.serve("127.0.0.1", 0, opened.set_result, stop))
    port = await opened
    started = time.monotonic()
    slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    for _, writer in slow:
        writer.write(b"GET /half")
    third, closed = await asyncio.open_connection("127.0.0.1", port)
    assert await third.read() == b""
    assert not any(reader.at_eof() for reader, _ in slow)
    for reader, _ in slow:
        assert await asyncio.wait_for(reader.read(), 30) == b""
    assert time.monotonic() - started >= 2.9
    status, said, _ = await asyncio.to_thread(ask, port, f"/0x{'11' * 20}/{CALL}.json")
    assert (status, said["message"]) == (404, "no attestation of this account is bound to this contract")
    for writer in (closed, *(writer for _, writer in slow)):
        writer.close()
    stop.set()
    await asyncio.wait_for(task, 10)


@pytest.mark.parametrize(
    ("listen", "words"),
    [("nowhere", "address and port"), ("127.0.0.1:99999", "address and port"), ("192.0.2.1:8547", "choose another address")],
)  # fmt: skip
def test_where_it_cannot_listen_it_says_so(tmp_path: Path, listen: str, words: str) -> None:
    """Wrong usage, in one sentence."""
    (tmp_path / "a.json").write_text("{}")
    done = run("gateway", "--chain-id", 1, "--listen", listen, "--attestation", "a.json", cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr


def test_with_nothing_to_serve_it_does_not_start(tmp_path: Path) -> None:
    """No database and no file: said at once."""
    done = run("gateway", "--chain-id", 1, "--db", tmp_path / "none.db", cwd=tmp_path)
    assert done.returncode == 2
    assert "no database" in done.stderr
