"""What is missing is skipped with a reason, fails where it was promised, and what was started ends with its starter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT

ASKS_A_NODE = "tests/nodes/test_nodes.py::test_a_node_mines_at_a_given_time"
ASKS_DATA = "tests/nodes/test_requirements.py::test_reference_data_can_be_found"


def run_python(*arguments, **changes):
    """Exit code and output of an interpreter in changed surroundings."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("XMARGIN_")} | changes
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout


def run_pytest(test, **changes):
    """The same of pytest over one test."""
    return run_python("-m", "pytest", "-rs", test, **changes)


def test_reference_data_can_be_found(shared_data):
    """The data folder lists its chains."""
    assert (shared_data / "chains" / "index.json").is_file()


@pytest.mark.parametrize(
    ("test", "missing", "promise", "said"),
    [
        (
            ASKS_A_NODE,
            {"XMARGIN_TEST_CACHE": "absent", "PATH": "/absent"},
            {"XMARGIN_REQUIRE_NODES": "geth,anvil"},
            "make nodes",
        ),
        (ASKS_DATA, {"XMARGIN_SHARED": "absent"}, {"XMARGIN_REQUIRE_SHARED": "1"}, "set XMARGIN_SHARED"),
    ],
    ids=["node", "data"],
)
def test_what_is_missing_is_skipped_unless_promised(test, missing, promise, said, tmp_path):
    """Without the node or the data a test is skipped and says why; where they were promised it has failed."""
    missing = {key: str(tmp_path / value) if value == "absent" else value for key, value in missing.items()}
    code, text = run_pytest(test, **missing)
    assert code == 0
    assert "1 skipped" in text
    assert said in text
    code, text = run_pytest(test, **missing, **promise)
    assert code == 1
    assert "required here" in text
    assert said in text


@pytest.mark.parametrize(
    ("promise", "codes"),
    [({}, (0, 0)), ({"XMARGIN_REQUIRE_NODES": "anvil"}, (1, 0)), ({"XMARGIN_REQUIRE_SHARED": "1"}, (0, 1))],
    ids=["neither", "nodes", "data"],
)
def test_the_two_processes_of_the_suite_share_its_tests_and_either_can_fail(promise, codes, tmp_path):
    """What needs a node runs in the one, the rest in the other; the exit code is not 0 where either failed."""
    missing = {"XMARGIN_TEST_CACHE": str(tmp_path), "PATH": "/absent", "XMARGIN_SHARED": str(tmp_path / "absent")}
    both = "import sys; from tests.__main__ import side_by_side; sys.exit(side_by_side(sys.argv[1:]))"
    code, text = run_python("-c", both, "-rs", ASKS_A_NODE, ASKS_DATA, **missing, **promise)
    assert text.count("1 deselected") == 2
    assert f"tests with nodes: exit {codes[0]}; tests without: exit {codes[1]}" in text
    assert code == max(codes)


def test_a_promise_of_another_node_does_not_count(tmp_path):
    """Promising geth does not make a missing anvil a failure."""
    surroundings = {"XMARGIN_TEST_CACHE": str(tmp_path), "PATH": "/absent", "XMARGIN_REQUIRE_NODES": "geth"}
    assert run_pytest(ASKS_A_NODE, **surroundings)[0] == 0


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda end: end.name)
def test_a_node_ends_with_its_starter(anvil_factory, end):
    """However the process ends that started a node, the node is gone a moment later, and its folder with it."""
    story = """
from tests.nodes.anvil import start_anvil
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
node = start_anvil(31337)
print(node.process.pid, node.folder, flush=True)
time.sleep(60)
"""
    command = [sys.executable, "-c", story]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as starter:
        pid, folder = starter.stdout.readline().split()
        assert is_running(int(pid))
        os.kill(starter.pid, end)
        starter.wait(timeout=60)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (is_running(int(pid)) or Path(folder).exists()):
        time.sleep(0.05)
    assert not is_running(int(pid))
    assert not Path(folder).exists()


def is_running(pid):
    """Whether a process is there and not merely waiting for its parent to take notice of its end."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
