"""Prices by proof from an account file into the margin account, and what is not taken as one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chains.registry import NETWORKS
from tests.nodes.protocols import chainlink, ocr
from tests.system.test_positions import account, line
from verifier.app.account_file import parse_account
from verifier.app.compile import compile_account
from verifier.app.errors import ConfigError
from verifier.app.service import check_account, verify_account
from verifier.errors import BadPrice, UnreviewedMeaning
from verifier.margin.account import quotes_of
from verifier.primitives import Timestamp, to_hex
from verifier.proven import ProvenPrice
from verifier.view import encode_view, parse_view
from verifier.wire import encode_bundle, parse_bundle

E18 = 10**18


def feed_lines(of, group="ETH", quote="USD", **keys):
    body = {
        "group": group,
        "network": "local31340",
        "feed": "chainlink",
        "contract": of.proxy.address,
        "quote": quote,
    } | keys
    spelled = [f"{name} = {json.dumps(value)}" for name, value in body.items()]
    return "\n".join(["[[feeds]]", *spelled, f'with = {{ layout = "{of.kind}", decimals = 8 }}', ""])


class Desk:
    """An account with one vault's shares, and feeds."""

    def __init__(self, protocols):
        self.protocols, self.node = protocols, protocols.node
        self.vault, self.user = protocols.vault, protocols.user(7)
        self.vault.deposit(self.user, 10**21)
        self.eth, self.ratio = chainlink.deploy_feed(self.node, "ocr2"), chainlink.deploy_feed(self.node, "ocr1")
        self.accepted = [self.vault.vault.address, self.vault.coin.address]
        for feed in (self.eth, self.ratio):
            self.accepted += [feed.proxy.address, feed.aggregator.address]

    def spec(self, *lines, accepted=None, group="ETH", declared="", forked=False):
        given = {"asset": self.vault.coin.address, "asset_slot": 0}
        held = line(
            "assets", position="erc4626", contract=self.vault.vault.address, symbol="VS", group=group, **{"with": given}
        )
        policy = f'[policy.assets.{group}]\nhaircut_initial = "20%"\nhaircut_maintenance = "10%"\n'
        text = account(self.node, self.user, accepted or self.accepted, held, policy, declared, *lines)
        if forked:
            text = text.replace('family = "ethereum"', 'family = "ethereum"\nfork = "osaka"')
        file, source = parse_account(text, "a.toml")
        return compile_account(file, source, {}, environ={}, networks={}, preset="strict")

    def run(self, *lines, **options):
        spec = self.spec(*lines, **options)
        now = Timestamp(int(self.node.block()["timestamp"], 16) + 5)
        return spec, verify_account(spec, now=now), now


@pytest.fixture(scope="module")
def desk(protocols):
    return Desk(protocols)


def test_a_proven_price_values_what_was_proven(desk):
    """Shares are worth their assets times the feed's answer; the bundle checks offline to the same, in both of its forms."""
    desk.eth.answer(2_000 * 10**8)
    spec, found, now = desk.run(feed_lines(desk.eth))
    (price,) = found.verified.prices
    assert isinstance(price, ProvenPrice)
    assert (price.price, price.at) == (2_000 * E18, desk.eth.latest()[3])
    again = check_account(spec, found.data, now=now)
    assert [p.price for p in again.verified.prices] == [2_000 * E18]
    assert again.report.status == found.report.status
    assert parse_view(encode_view(found.data)) == found.data
    assert encode_bundle(parse_bundle(found.data).bundle) == found.data


@pytest.mark.covers("ORC-04")
def test_a_ratio_is_no_price(desk):
    """A feed in ETH prices nothing without a price of ETH; with one, both legs are multiplied."""
    from verifier.margin.quotes import resolve

    desk.eth.answer(2_000 * 10**8)
    desk.ratio.answer(112_000_000)
    spec, found, _ = desk.run(feed_lines(desk.ratio, "CBETH", "ETH"), group="CBETH")
    lone = resolve(spec.feeds, found.verified.prices, (), found.verified.as_of)
    assert "CBETH" not in lone.by_group
    assert "no price in USD" in next(iter(lone.unusable.values()))
    spec, found, _ = desk.run(feed_lines(desk.ratio, "CBETH", "ETH"), feed_lines(desk.eth), group="CBETH")
    both = resolve(spec.feeds, found.verified.prices, (), found.verified.as_of)
    assert both.by_group["CBETH"].price == 2_240 * E18


@pytest.mark.covers("ORC-01")
def test_an_answer_older_than_the_feed_speaks_is_not_taken(desk):
    """A missed heartbeat is no price, though everything about it is proven."""
    from verifier.margin.quotes import resolve

    desk.eth.answer(2_000 * 10**8)
    desk.protocols.wait(4_000)
    spec, found, _ = desk.run(feed_lines(desk.eth, heartbeat="1h"))
    missed = resolve(spec.feeds, found.verified.prices, (), found.verified.as_of)
    assert not missed.by_group
    assert "s old" in next(iter(missed.unusable.values()))
    slower = [replace(feed, heartbeat=86_400) for feed in spec.feeds]
    assert resolve(slower, found.verified.prices, (), found.verified.as_of).by_group["ETH"].price == 2_000 * E18


@pytest.mark.covers("ORC-05")
def test_sources_that_differ_give_no_price(desk):
    """Par typed in beside a feed that trades below it: neither is taken, and a small difference is none."""
    from verifier.margin.quotes import resolve

    for answer, taken in ((96 * 10**6, True), (60 * 10**6, False)):
        desk.eth.answer(answer)
        stamp = int(desk.node.block()["timestamp"], 16)
        from datetime import UTC, datetime

        at = datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        spec, found, _ = desk.run(
            feed_lines(desk.eth), declared=f'[prices.ETH]\nusd = "1"\nat = "{at}"\nsource = "par"\n'
        )
        held = resolve(spec.feeds, found.verified.prices, spec.prices, found.verified.as_of)
        assert ("ETH" in held.by_group) is taken


def test_a_band_is_kept(desk):
    """An answer outside of what any true answer can be is not taken."""
    from verifier.margin.quotes import resolve

    desk.eth.answer(112_000_000)
    spec, found, _ = desk.run(feed_lines(desk.eth, least="100", most="100000"))
    assert not resolve(spec.feeds, found.verified.prices, (), found.verified.as_of).by_group


@pytest.mark.covers("ORC-03")
def test_a_refused_price_leaves_the_balance_without_one(desk):
    """A negative answer is refused with its reason; what it would have valued counts nothing in the low figure."""
    desk.eth.answer(-1)
    _, found, _ = desk.run(feed_lines(desk.eth))
    (refused,) = found.verified.prices
    assert isinstance(refused.error, BadPrice)
    assert "ETH" not in quotes_of(found.report.account).by_group


def test_an_aggregator_that_the_policy_does_not_name_is_refused(desk):
    """Where the proxy points is the proxy owner's word: a new aggregator counts once the checker has looked at it."""
    desk.eth.answer(2_000 * 10**8)
    accepted = [a for a in desk.accepted if a != desk.eth.aggregator.address]
    _, found, now = desk.run(feed_lines(desk.eth), accepted=accepted)
    assert [type(price.error) for price in found.verified.prices] == [UnreviewedMeaning]
    spec, whole, now = desk.run(feed_lines(desk.eth))
    fewer = desk.spec(feed_lines(desk.eth), accepted=accepted)
    (refused,) = check_account(replace(fewer, roots=spec.roots), whole.data, now=now).verified.prices
    assert isinstance(refused.error, UnreviewedMeaning)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"feed": "pyth"}, "the parameter id"),
        ({"feed": "gossip"}, "expected 'call', 'chainlink', 'pyth'"),
        ({"quote": "ETH"}, "another group, or USD"),
        ({"network": "mars"}, "no such network"),
    ],
)
def test_a_feed_that_says_too_little_is_refused_with_its_cure(desk, keys, said):
    """What is wrong with a feed's line is said."""
    with pytest.raises(ConfigError, match=said):
        desk.spec(feed_lines(desk.eth, **keys))


L2 = """
[account]
name = "l2"
[holders]
main = "0x00000000000000000000000000000000000000aa"
[networks.NETWORK]
endpoints = ["http://localhost:1"]
[[assets]]
network = "NETWORK"
holder = "main"
asset = "native"
"""


def feed_on(network, *policy, **more):
    """What a file makes of a Chainlink feed on a known network."""
    given = ", ".join(
        [f"{name} = {json.dumps(value)}" for name, value in ({"layout": "ocr2", "decimals": 8} | more).items()]
    )
    lines = f'[[feeds]]\ngroup = "ETH"\nnetwork = "{network}"\nfeed = "chainlink"\ncontract = "0x{"11" * 20}"\nwith = {{ {given} }}\n'
    text = L2.replace("NETWORK", network) + f"[policy]\naccept_contracts = {json.dumps(policy)}\n" + lines
    file, source = parse_account(text, "a.toml")
    spec = compile_account(file, source, NETWORKS, environ={}, networks={}, preset="strict")
    (feed,) = spec.feeds
    return dict(feed.claim.how.given).get("sequencer"), [w for w in spec.warnings if "sequencer" in w]


@pytest.mark.covers("ORC-07")
@pytest.mark.parametrize("network", ["arbitrum-one", "base", "optimism", "scroll", "zksync-era"])
def test_a_rollups_sequencer_is_asked_for_unless_the_file_says_otherwise(network):
    """Its uptime feed is Chainlink's own; a warning names it until the policy does; without, in so many words."""
    proxy = NETWORKS[network].uptime.proxy
    asked, (warning,) = feed_on(network)
    assert asked == proxy
    assert f"{network}:0x" in warning
    assert 'sequencer = "none"' in warning
    assert feed_on(network, f"{network}:{to_hex(proxy)}") == (proxy, [])
    assert feed_on(network, sequencer="none") == (None, [])
    own, (warning,) = feed_on(network, sequencer="0x" + "22" * 20)
    assert (own, "0x2222" in warning) == (b"\x22" * 20, True)


def test_networks_without_a_sequencers_feed_ask_for_none():
    """Ethereum has no sequencer, and other rollups no feed that we know."""
    for network in ("ethereum", "linea"):
        assert feed_on(network) == (None, [])
        assert feed_on(network, sequencer="none") == (None, [])


@pytest.mark.covers("ORC-02", "TOK-06")
@pytest.mark.parametrize("kind", ["flux", "ocr1", "ocr2"])
def test_a_feeds_own_functions_judge_it(desk, kind):
    """Under --cross-check digits, answer, time and bounds are the feed's own: with a digit less there is no price."""
    from verifier.app.call_readings import cross_checked_feeds
    from verifier.errors import CrossCheckFailed

    if not ocr.have_libocr():
        pytest.skip("no Go here to fetch libocr with")
    feed = chainlink.deploy_feed(desk.node, kind)
    # A proxy that lets in whom an aggregator lets in: anvil proves no zero that was ever written, such as no controller.
    feed.proxy.send("setController(address)", ocr.deploy(desk.node, "ocr2").address)
    feed.answer(2_000 * 10**8)
    accepted = [*desk.accepted, feed.proxy.address, feed.aggregator.address]
    for decimals in (8, 7):
        lines = feed_lines(feed).replace("decimals = 8", f"decimals = {decimals}")
        plain = desk.spec(lines, accepted=accepted, forked=True)
        spec = replace(plain, feeds=cross_checked_feeds(plain.feeds))
        now = Timestamp(int(desk.node.block()["timestamp"], 16) + 5)
        found = verify_account(spec, now=now)
        if decimals == 8:
            (price,) = found.verified.prices
            assert isinstance(price, ProvenPrice), price
            assert price.price == 2_000 * E18
            assert check_account(spec, found.data, now=now).verified.prices[0].price == 2_000 * E18
        else:
            (refused,) = found.verified.prices
            assert isinstance(refused.error, CrossCheckFailed)
            assert verify_account(plain, now=now).verified.prices[0].price == 20_000 * E18
