"""What takes long before a test can use it: begun in one thread when the session begins, one thing after the other."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.nodes.lodestar import BeaconDevnet
    from tests.system.settled_accounts import Account

SECONDS = 1_500
"""More than the slowest of the network's starts takes, all before it having failed."""


class Early:
    """
    Contracts that take long to compile, then the beacon network, then two rollups' roots on it; each where it is asked for.

    Args:
        asked: The names of the fixtures that tests of this session ask for.
    """

    def __init__(self, asked: AbstractSet[str]) -> None:
        self._pool, self._running, self._ended = ThreadPoolExecutor(1, "early"), ExitStack(), Event()
        self._devnet: Future[BeaconDevnet] | None = None
        self._rollups: Future[Account] | None = None
        if "protocols" in asked:
            self._pool.submit(_compile)
        if "beacon_devnet" in asked:
            self._devnet = self._pool.submit(self._start)
        if "beacon_rollups" in asked:
            self._rollups = self._pool.submit(self._post)

    def devnet(self) -> BeaconDevnet:
        """The network, waited for; raises what its start raised."""
        assert self._devnet is not None
        return self._devnet.result(SECONDS)

    def rollups(self) -> Account:
        """The account over both rollups, whose roots may not be final yet; raises what posting them raised."""
        assert self._rollups is not None
        return self._rollups.result(SECONDS)

    def stop(self) -> None:
        """End what was started, also what is still on its way; what was not begun yet never is."""
        self._ended.set()
        self._pool.shutdown(cancel_futures=True)
        self._running.close()

    def _start(self) -> BeaconDevnet:
        from tests.nodes.lodestar import start_devnet

        made = start_devnet(self._ended)
        self._running.callback(made.stop)
        return made

    def _post(self) -> Account:
        from tests.system.settled_accounts import settled_on_beacon

        return self._running.enter_context(settled_on_beacon(self.devnet()))


def _compile() -> None:
    """The slowest; whoever needs them finds them in the cache, or hears there what is wrong."""
    from tests.nodes.protocols import aave, morpho

    with suppress(Exception):
        aave.newest_code()
        morpho.published_code()
        morpho.curve_code()
