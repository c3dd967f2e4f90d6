"""
A node as a child process: a port from the operating system, a home of its own, an end that is certain.

Every node is known by its process id to a watcher, one small process that outlives pytest by a moment: when pytest goes,
however it goes (return, Ctrl-C, SIGTERM, SIGKILL), the watcher reads the end of its input and ends what is still running.
"""

from __future__ import annotations

import atexit
import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_WATCHER = """
import os, shutil, signal, sys
alive = {}
for line in sys.stdin:
    word, pid, folder = line.rstrip("\\n").split(" ", 2)
    if word == "add":
        alive[int(pid)] = folder
    else:
        alive.pop(int(pid), None)
for pid, folder in alive.items():
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    shutil.rmtree(folder, ignore_errors=True)
"""


class NodeFailedError(Exception):
    """A node did not come up, or died; carries the end of what it wrote."""


class RpcError(Exception):
    """The node answered a call with a JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


def free_port() -> int:
    """A port that was free a moment ago; whoever uses it must be ready to lose the race and try again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def post(url: str, body: object, *, timeout: float = 60.0, headers: Mapping[str, str] | None = None) -> Any:
    """One JSON document sent to a node on this machine, one JSON document back."""
    host, _, port = url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
    try:
        connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json", **(headers or {})})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


class Node:
    """
    One running node.

    `url` and `chain_id` say where and what it is; `rpc` asks it; `stop` ends it by its process id and removes its folder.
    """

    name = "node"

    def __init__(self, process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
        self.process, self.port, self.folder = process, port, folder
        self.url = f"http://127.0.0.1:{port}"
        self.chain_id = 0
        self._ids = 0

    def rpc(self, method: str, *params: object) -> Any:
        """The result of one JSON-RPC call; raises RpcError for an error answer."""
        self._ids += 1
        answer = post(self.url, {"jsonrpc": "2.0", "id": self._ids, "method": method, "params": list(params)})
        if "error" in answer:
            raise RpcError(answer["error"].get("code", 0), answer["error"].get("message", ""))
        return answer["result"]

    def call(self, to: str, data: str, block: str = "latest") -> str:
        """What a contract returns to a read-only call, as hex."""
        return str(self.rpc("eth_call", {"to": to, "data": data}, block))

    def block(self, which: str | int = "latest") -> dict[str, Any]:
        """A block by tag, height or hash, without its transactions' bodies."""
        if isinstance(which, int):
            which = hex(which)
        by_hash = len(which) == 66
        found: dict[str, Any] = self.rpc(f"eth_getBlockBy{'Hash' if by_hash else 'Number'}", which, False)
        return found

    @property
    def height(self) -> int:
        """The number of the newest block."""
        return int(self.rpc("eth_blockNumber"), 16)

    def receipt(self, transaction: str, *, seconds: float = 60.0) -> dict[str, Any]:
        """The receipt of a transaction that succeeded, waited for."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self._receipt(transaction)
            if found is not None:
                if int(found["status"], 16) != 1:
                    raise NodeFailedError(f"transaction {transaction} reverted")
                return found
            time.sleep(0.02)
        raise NodeFailedError(f"no receipt for {transaction} within {seconds} s")

    def _receipt(self, transaction: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] | None = self.rpc("eth_getTransactionReceipt", transaction)
        except RpcError as error:
            # Geth says this for a moment after its start.
            if "indexing is in progress" not in error.message:
                raise
            return None
        return found

    def log(self) -> str:
        """What the node wrote so far."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self) -> None:
        """End the process by its id, wait for it, and remove its folder. Safe to call twice."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=60)
        shutil.rmtree(self.folder, ignore_errors=True)
        _watch.remove(self)


def start(
    kind: Callable[[subprocess.Popen[bytes], int, Path], Node],
    command: Callable[[int, Path], Sequence[str]],
    *,
    seconds: float,
    tries: int = 4,
    answers: Callable[[Node], bool] | None = None,
) -> Node:
    """
    Start a node and wait for its first answer.

    Args:
        kind: Makes the node object.
        command: The program and its arguments for a port and a folder.
        seconds: How long one start may take until the node answers.
        tries: How many ports are tried; another process may take one between our asking and the node's binding.
        answers: Whether the node is up; unless told, whether it tells its chain id over JSON-RPC.
    """
    said = ""
    for _ in range(tries):
        node = _spawn(kind, command)
        try:
            if _answers(node, seconds, answers or _tells_chain):
                return node
            said = node.log()[-1500:]
        except BaseException:
            node.stop()
            raise
        node.stop()
    raise NodeFailedError(f"{kind.__name__} did not come up: {said}")


def _spawn(
    kind: Callable[[subprocess.Popen[bytes], int, Path], Node], command: Callable[[int, Path], Sequence[str]]
) -> Node:
    port, folder = free_port(), Path(tempfile.mkdtemp(prefix="xmargin-node-"))
    # A home of its own: anvil spills old states into the user's home, geth keeps keys and sockets there.
    environment = dict(
        os.environ,
        HOME=str(folder),
        TMPDIR=str(folder),
        XDG_CONFIG_HOME=str(folder),
        XDG_CACHE_HOME=str(folder),
        XDG_DATA_HOME=str(folder),
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            list(command(port, folder)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
        )
    node = kind(process, port, folder)
    _watch.add(node)
    return node


def _answers(node: Node, seconds: float, ready: Callable[[Node], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if node.process.poll() is not None:
            return False
        if ready(node):
            # The one that answered must be ours: if it lost the port to another program it has ended by now.
            time.sleep(0.02)
            return node.process.poll() is None
        time.sleep(0.02)
    return False


def _tells_chain(node: Node) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        node.chain_id = int(node.rpc("eth_chainId"), 16)
        return True
    return False


class _Watch:
    """Which nodes run, and the watcher that is told of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nodes: dict[int, Node] = {}
        self._process: subprocess.Popen[str] | None = None

    def add(self, node: Node) -> None:
        with self._lock:
            self._nodes[node.process.pid] = node
            if self._process is None:
                command = [sys.executable, "-I", "-S", "-c", _WATCHER]
                self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)
            self._tell("add", node)

    def remove(self, node: Node) -> None:
        with self._lock:
            if self._nodes.pop(node.process.pid, None) is not None:
                self._tell("del", node)

    def running(self) -> list[Node]:
        with self._lock:
            return list(self._nodes.values())

    def close(self) -> None:
        for node in self.running():
            node.stop()
        with self._lock:
            process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
            process.wait(timeout=60)

    def _tell(self, word: str, node: Node) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                self._process.stdin.write(f"{word} {node.process.pid} {node.folder}\n")
                self._process.stdin.flush()


_watch = _Watch()
atexit.register(_watch.close)


def running() -> list[Node]:
    """The nodes that were started and not stopped yet."""
    return _watch.running()
