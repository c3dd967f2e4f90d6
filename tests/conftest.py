"""Loaders for reference data, real nodes, and the markers that tie tests to what they need and to what they cover."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.early import Early
from tests.nodes.install import NodeUnavailableError

if TYPE_CHECKING:
    from tests.nodes.anvil import Anvil
    from tests.nodes.contracts import DeployedChain
    from tests.nodes.ethereumjs import EthereumJS
    from tests.nodes.geth import Geth
    from tests.nodes.lodestar import BeaconDevnet
    from tests.nodes.protocols.chain import Protocols
    from tests.simulators.rpc import LyingProxy
    from tests.system.settled_accounts import Account

ROOT = Path(__file__).resolve().parent.parent

NODE_FIXTURES = {
    "anvil_factory": "anvil",
    "anvil": "anvil",
    "three_chains": "anvil",
    "fresh_chain": "anvil",
    "protocols": "anvil",
    "geth_dev": "geth",
    "ethereumjs": "ethereumjs",
    "beacon_devnet": "lodestar",
    "beacon_rollups": "anvil",
}
"""Which node program a fixture starts; a test that asks for one is marked so without saying it."""


EARLY = pytest.StashKey[Early]()


def shared_folder() -> Path:
    """Where the reference data lies: XMARGIN_SHARED, or ../shared beside the project."""
    return Path(os.environ.get("XMARGIN_SHARED", str(ROOT.parent / "shared"))).resolve()


def pytest_configure(config: pytest.Config) -> None:
    # A loaded machine is no fault of what is tested: speed is shown in the benches. Nor is a rare example: every run
    # draws the same ones, but for the soak, which asks for the other profile by --hypothesis-profile.
    calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("seeded", calm, derandomize=True)
    settings.register_profile("explored", calm, derandomize=False)
    settings.load_profile("seeded")
    config.addinivalue_line("markers", "covers(*ids): entries of the adversarial catalogue that the test covers")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs a node, and leave out benches, and long and live tests unless a marker expression was given."""
    left_out = {item for item in items if _left_out(config, item)}
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        for program in sorted({NODE_FIXTURES[name] for name in asked & NODE_FIXTURES.keys()}):
            item.add_marker(pytest.mark.node(program))
        if "shared_data" in asked:
            item.add_marker(pytest.mark.shared)
    # Stable: a beacon network takes a minute and a half to get where its tests want it, so they come last, and the
    # network is started before the first test of all.
    items.sort(key=lambda item: "beacon_devnet" in getattr(item, "fixturenames", ()))


def _left_out(config: pytest.Config, item: pytest.Item) -> bool:
    """Whether a run does without a test; a skip always means that something is missing."""
    if config.getoption("--benchmark-skip") and "benchmark" in getattr(item, "fixturenames", ()):
        return True
    long = item.get_closest_marker("soak") or item.get_closest_marker("live")
    return bool(long) and not config.option.markexpr


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin in the background what takes long, where some test asks for it."""
    asked = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if not session.config.option.collectonly:
        session.config.stash[EARLY] = Early(asked)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End it, however the session went."""
    early = config.stash.get(EARLY, None)
    if early is not None:
        early.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """
    A test without the node that it needs is skipped; where the surroundings promise nodes or data, it has failed.

    Whatever finds a node missing raises the one error of `tests.nodes.install`, in a fixture or in a test.
    """
    report = yield
    if call.excinfo is not None and call.excinfo.errisinstance(NodeUnavailableError):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 0, f"Skipped: {call.excinfo.value}")
    wanted = _required(item)
    if report.skipped and wanted and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{wanted} required here, yet the test was skipped: {reason}"
    return report


def _required(item: pytest.Item) -> str:
    nodes = os.environ.get("XMARGIN_REQUIRE_NODES", "")
    for mark in item.iter_markers("node"):
        if nodes == "1" or (mark.args and mark.args[0] in nodes.split(",")):
            return f"node {mark.args[0] if mark.args else ''} is"
    if os.environ.get("XMARGIN_REQUIRE_SHARED") == "1" and item.get_closest_marker("shared"):
        return "reference data are"
    return ""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The data folder of the reference material, or a skip that says what is missing."""
    folder = shared_folder() / "data"
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder}: set XMARGIN_SHARED")
    return folder


@pytest.fixture(scope="session")
def anvil_factory() -> Iterator[Callable[..., Anvil]]:
    """Starts anvils: `anvil_factory(chain_id=31337, hardfork="osaka", extra=[])`; all end with the session."""
    from tests.nodes.anvil import start_anvil
    from tests.nodes.install import anvil_program

    anvil_program()
    started: list[Anvil] = []

    def make(chain_id: int = 31337, hardfork: str = "osaka", extra: Sequence[str] = ()) -> Anvil:
        started.append(start_anvil(chain_id, hardfork=hardfork, extra=extra))
        return started[-1]

    yield make
    for node in started:
        node.stop()


@pytest.fixture
def anvil(anvil_factory: Callable[..., Anvil]) -> Iterator[Anvil]:
    """An empty anvil of its own for one test, with eight blocks mined, so that every tag has proofs."""
    node = anvil_factory(chain_id=31337)
    node.mine(8)
    yield node
    node.stop()


@pytest.fixture(scope="session")
def three_chains(anvil_factory: Callable[..., Anvil]) -> tuple[DeployedChain[Anvil], ...]:
    """Three anvils (31337, 31338, 31339) with all tokens. Shared by the session: mine freely, move no named balance."""
    made = [_deployed(anvil_factory(chain_id=chain_id)) for chain_id in (31337, 31338, 31339)]
    return made[0], made[1], made[2]


@pytest.fixture
def fresh_chain(anvil_factory: Callable[..., Anvil]) -> Iterator[Callable[..., DeployedChain[Anvil]]]:
    """Makes chains with all tokens for one test alone, to stop, cheat or reorganise: `fresh_chain(chain_id=10)`."""
    made: list[DeployedChain[Anvil]] = []

    def make(chain_id: int = 31337, hardfork: str = "osaka", extra: Sequence[str] = ()) -> DeployedChain[Anvil]:
        made.append(_deployed(anvil_factory(chain_id=chain_id, hardfork=hardfork, extra=extra)))
        return made[-1]

    yield make
    for chain in made:
        chain.node.stop()


@pytest.fixture(scope="session")
def protocols(anvil_factory: Callable[..., Anvil]) -> Protocols:
    """An anvil with lending markets, pools, vaults and price feeds, each deployed when first asked for."""
    from tests.nodes.protocols.chain import Protocols

    return Protocols(anvil_factory(chain_id=31340))


@pytest.fixture(scope="session")
def geth_dev() -> Iterator[Geth]:
    """Geth's own development chain (id 1337): one block per transaction, one unlocked account."""
    from tests.nodes.geth import start_geth

    node = start_geth()
    yield node
    node.stop()


@pytest.fixture(scope="session")
def ethereumjs() -> Iterator[EthereumJS]:
    """An EthereumJS execution client under Prague rules, driven block by block over its Engine API."""
    from tests.nodes.ethereumjs import start_ethereumjs

    node = start_ethereumjs()
    yield node
    node.stop()


@pytest.fixture(scope="session")
def beacon_devnet(pytestconfig: pytest.Config) -> BeaconDevnet:
    """A proof-of-stake network with light-client data, its first epoch final; started when the session began."""
    return pytestconfig.stash[EARLY].devnet()


@pytest.fixture(scope="session")
def beacon_rollups(pytestconfig: pytest.Config) -> Account:
    """Two rollups whose roots stand on that network; posted when it came up, so that they are final when asked for."""
    return pytestconfig.stash[EARLY].rollups()


@pytest.fixture
def lying_proxy() -> Iterator[Callable[..., LyingProxy]]:
    """Puts a proxy before a node that lies on request: `lying_proxy(node.url)`; all end with the test."""
    from tests.simulators.rpc import LyingProxy

    made: list[LyingProxy] = []

    def make(upstream: str) -> LyingProxy:
        made.append(LyingProxy(upstream).start())
        return made[-1]

    yield make
    for proxy in made:
        proxy.stop()


def _deployed(node: Anvil) -> DeployedChain[Anvil]:
    from tests.nodes.contracts import deploy_tokens

    return deploy_tokens(node)


@pytest.fixture
def second_host(monkeypatch: pytest.MonkeyPatch) -> str:
    """A host name that leads to this machine, for a second operator; third-host.test and so on for further ones.

    A fake: two machines cannot be had here, and all names of the loopback count as one host. Only the name's address
    is made up; the connection and the node behind it are real.
    """
    name, system = "second-host.test", socket.getaddrinfo

    def resolve(host: object, *args: Any, **kwargs: Any) -> Any:
        return system("127.0.0.1" if str(host).endswith("-host.test") else host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return name
