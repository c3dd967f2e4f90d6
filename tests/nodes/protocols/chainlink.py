"""
Chainlink: the proxy and the aggregator that its package ships compiled (`EACAggregatorProxy`, `FluxAggregator`), and the two
off-chain-reporting aggregators as libocr's authors compiled them, whose oracles are keys of the tests (`ocr.py`).

Where no Go is to fetch libocr with, `Ocr1Aggregator` and `Ocr2Aggregator` are stand-ins of ours with the published storage layouts, which
take an answer from anyone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.nodes.anvil import Anvil
from tests.nodes.packages import package
from tests.nodes.protocols import ocr
from tests.nodes.protocols.build import Code, compiled, own, published
from tests.nodes.protocols.contract import Contract, create

NAME, NEWER = "@chainlink/contracts@0.0.12", "@chainlink/contracts@1.5.0"
NOBODY = "0x" + "00" * 20
ALIAS = 0x1111000000000000000000000000000000001111
Kind = Literal["flux", "ocr1", "ocr2"]


@dataclass(frozen=True)
class Feed:
    """A proxy before an aggregator; `answer` makes a new round."""

    kind: Kind
    proxy: Contract
    aggregator: Contract

    def answer(self, value: int) -> None:
        """A new round with one answer, at the time of the block that takes it."""
        if self.kind == "flux":
            following = self.aggregator.view("latestRound()(uint256)") + 1
            self.aggregator.send("submit(uint256,int256)", following, value)
        else:
            ocr.report(self.kind, self.aggregator, value)

    def latest(self, block: str = "latest") -> tuple[int, int, int, int, int]:
        """Round, answer, start, update, answered-in round, as the proxy says them."""
        said: tuple[int, int, int, int, int] = self.proxy.view(
            "latestRoundData()(uint80,int256,uint256,uint256,uint80)", block=block
        )
        return said

    def replace(self, kind: Kind) -> Feed:
        """The same proxy pointed at a new aggregator: the next phase."""
        aggregator = _aggregator(self.proxy.node, kind)
        if kind != "flux":
            ocr.let_in(aggregator, self.proxy)
        self.proxy.send("proposeAggregator(address)", aggregator.address)
        self.proxy.send("confirmAggregator(address)", aggregator.address)
        return Feed(kind, self.proxy, aggregator)


def deploy_feed(node: Anvil, kind: Kind = "flux") -> Feed:
    """A feed of 8 decimals without an answer yet."""
    aggregator = _aggregator(node, kind)
    code = published(NAME, "abi", "v0.6", "EACAggregatorProxy.json")
    proxy = create(node, code.bytecode, "(address,address)", aggregator.address, NOBODY)
    if kind != "flux":
        ocr.let_in(aggregator, proxy)
    return Feed(kind, proxy, aggregator)


@dataclass(frozen=True)
class Uptime:
    """A proxy before a feed of whether the sequencer is up."""

    layout: str
    proxy: Contract
    feed: Contract

    def say(self, *, down: bool, at: int) -> None:
        """A new status since a time."""
        self.feed.send("updateStatus(bool,uint64)", down, at)


def deploy_uptime(node: Anvil, layout: str) -> Uptime:
    """A feed that says the sequencer is up since now."""
    owner = node.accounts[0]
    if layout == "arbitrum":
        flags = create(node, _uptime()["Flags"].bytecode)
        sender = f"0x{(int(owner, 16) - ALIAS) % 2**160:040x}"
        feed = create(
            node, _uptime()["ArbitrumSequencerUptimeFeed"].bytecode, "(address,address)", flags.address, sender
        )
        feed.send("initialize()")
    else:
        feed = create(node, _uptime()["AnyUptime"].bytecode, "(address)", owner)
    code = published(NAME, "abi", "v0.6", "EACAggregatorProxy.json")
    proxy = create(node, code.bytecode, "(address,address)", feed.address, NOBODY)
    feed.send("addAccess(address)", proxy.address)
    return Uptime(layout, proxy, feed)


_UPTIME = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
import {BaseSequencerUptimeFeed} from "chainlink/l2ep/base/BaseSequencerUptimeFeed.sol";
import "chainlink/l2ep/arbitrum/ArbitrumSequencerUptimeFeed.sol";

contract AnyUptime is BaseSequencerUptimeFeed {
    string public constant override typeAndVersion = "AnyUptime 1.0.0";

    constructor(address sender) BaseSequencerUptimeFeed(sender, false) {}

    function _validateSender(address sender) internal view override {
        require(msg.sender == sender);
    }
}

contract Flags {
    function getFlag(address) external pure returns (bool) {
        return false;
    }

    function raiseFlag(address) external {}

    function lowerFlag(address) external {}
}
"""


def _uptime() -> dict[str, Code]:
    folders = [("chainlink/", package(NEWER, "src", "v0.8"))]
    return compiled("uptime", {"Uptime.sol": _UPTIME}, folders=folders)


def _aggregator(node: Anvil, kind: Kind) -> Contract:
    if kind != "flux":
        return ocr.deploy(node, kind)
    link = create(node, own("Coin")["Coin"].bytecode, "(string,uint8)", "LINK", 18)
    code = published(NAME, "abi", "v0.6", "FluxAggregator.json")
    types = "(address,uint128,uint32,address,int256,int256,uint8,string)"
    made = create(node, code.bytecode, types, link.address, 0, 600, NOBODY, -(10**20), 10**20, 8, "A / USD")
    owner = node.accounts[0]
    made.send("changeOracles(address[],address[],address[],uint32,uint32,uint32)", [], [owner], [owner], 1, 1, 0)
    return made
