"""Signed prices from an account file into the margin account, its bundle and its statement; and what is not taken as one."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace

import jsonschema
import pytest
from rich.console import Console

from tests.cli.test_cli import ROOT
from tests.nodes.protocols import wormhole
from tests.simulators.guardians import ETH_USD, Feed, Guardians
from tests.system.test_feeds import feed_lines
from tests.system.test_positions import account, line
from verifier.app.account_file import parse_account
from verifier.app.compile import compile_account
from verifier.app.errors import ConfigError
from verifier.app.findings import of_run
from verifier.app.json_view import findings_json
from verifier.app.report.trees import price_tree
from verifier.app.service import check_account, gather_account, verify_account
from verifier.app.signed_updates import MAX_FILE, load_updates, parse_updates
from verifier.attest.statement import Binding, make_statement
from verifier.errors import MalformedBundle, MissingEvidence, UnreviewedMeaning, UnusedEvidence
from verifier.explain import explain
from verifier.margin.account import quotes_of
from verifier.primitives import ZERO_HASH, Address, ChainId, Timestamp, to_hex
from verifier.proven import SignedPrice
from verifier.verify import PriceRefusal, verify_bundle
from verifier.view import encode_view, parse_view
from verifier.wire import encode_bundle, parse_bundle

E18 = 10**18
SET = Guardians()
BINDING = Binding(ChainId(1), Address(b"\1" * 20))


class Desk:
    """An account with one vault's shares, priced by what guardians sign."""

    def __init__(self, protocols, folder):
        self.node, self.folder = protocols.node, folder
        self.vault, self.user = protocols.vault, protocols.user(8)
        self.vault.deposit(self.user, 10**21)
        self.core = wormhole.deploy(self.node, SET)
        self.accepted = [self.vault.vault.address, self.vault.coin.address, self.core.core.address]

    @property
    def time(self):
        return int(self.node.block()["timestamp"], 16)

    def feed(self, price=2_000 * 10**8, interval=10**8, age=0, **more):
        return Feed(price, interval, time=self.time - age, **more)

    def write(self, *updates, name="eth.json"):
        data = {"binary": {"encoding": "hex", "data": [update.hex() for update in updates]}, "parsed": []}
        (self.folder / name).write_text(json.dumps(data))

    def lines(self, given="", **keys):
        body = {
            "group": "ETH", "network": "local31340", "feed": "pyth", "contract": self.core.core.address, "updates": "eth.json",
        } | keys  # fmt: skip
        spelled = [f"{name} = {json.dumps(value)}" for name, value in body.items()]
        return "\n".join(["[[feeds]]", *spelled, f'with = {{ id = "{to_hex(ETH_USD)}"{given} }}', ""])

    def signers(self, guardians=SET):
        keys = ", ".join(f'"{to_hex(key)}"' for key in guardians.addresses)
        return f"[policy.signers.guardians]\nset = {guardians.number}\nkeys = [{keys}]\n"

    def spec(self, *lines, accepted=None, online=True):
        given = {"asset": self.vault.coin.address, "asset_slot": 0}
        held = line(
            "assets", position="erc4626", contract=self.vault.vault.address, symbol="VS", group="ETH", **{"with": given}
        )
        policy = '[policy.assets.ETH]\nhaircut_initial = "20%"\nhaircut_maintenance = "10%"\n'
        text = account(self.node, self.user, accepted or self.accepted, held, policy, *lines)
        file, source = parse_account(text, str(self.folder / "a.toml"))
        return compile_account(file, source, {}, environ={}, networks={}, preset="strict", online=online)

    def run(self, *lines, **options):
        spec, now = self.spec(*lines, **options), Timestamp(self.time + 5)
        return spec, verify_account(spec, now=now), now


@pytest.fixture
def desk(protocols, tmp_path):
    return Desk(protocols, tmp_path)


def test_a_signed_price_values_an_account_and_says_that_it_is_signed(desk):
    """Its guardians are proven by the core contract; the bundle checks offline without the file, in both of its forms."""
    desk.write(desk.core.guardians.update(desk.feed()))
    spec, found, now = desk.run(desk.lines())
    (price,) = found.verified.prices
    assert isinstance(price, SignedPrice)
    assert (price.price, price.interval, len(price.signed_by), price.size) == (2_000 * E18, E18, 13, 19)
    assert price.trust.word == "signed"
    quote = quotes_of(found.report.account).by_group["ETH"]
    assert (quote.price, quote.interval) == (2_000 * E18, 500)
    assert quote.source == "signed, not proven: pyth by 13 of 19 guardians of set 0"
    (desk.folder / "eth.json").unlink()
    again = check_account(desk.spec(desk.lines(), online=False), found.data, now=now, roots=spec.roots)
    assert [p.price for p in again.verified.prices] == [2_000 * E18]
    assert again.report.figures.total_low == found.report.figures.total_low
    assert parse_view(encode_view(found.data)) == found.data
    assert encode_bundle(parse_bundle(found.data).bundle) == found.data


def test_reports_and_statements_say_that_it_is_signed(desk):
    """The status of its price, who signed it, a note, and the list of numbers that nobody proved."""
    desk.write(desk.core.guardians.update(desk.feed()))
    _, found, now = desk.run(desk.lines())
    findings = of_run("verify", found, {})
    written = findings_json(findings)
    (said,) = written["prices"]
    jsonschema.validate(written, json.loads((ROOT / "docs" / "schema" / "run.json").read_text()))
    assert (said["status"], said["trust"], said["price"], said["interval"]) == ("signed", "signed", "2000", "1")
    assert said["signers"] == {"set": 0, "of": 19, "by": [to_hex(key) for key in SET.addresses[1:14]]}
    assert written_trail(findings)[-1] == "signed-price"
    assert explain(found.verified.prices[0])[-1].endswith("signed by 13 of 19 guardians of set 0, and not proven")
    shown = Console(width=200, file=io.StringIO())
    shown.print(price_tree(found.verified.prices[0], findings))
    assert "signed by 13 of 19 guardians of set 0: not proven" in shown.file.getvalue()
    assert "the price of ETH by pyth is signed by 13 of 19 guardians of set 0, and not proven" in findings.notes
    made = make_statement(
        found.report, binding=BINDING, sequence=1, issued_at=now, valid_for=60, holders={}, quorum=ZERO_HASH, take_doubts=True
    )  # fmt: skip
    assert [(d.kind, d.group, d.amount) for d in made.declared if "signed" in d.kind] == [
        ("signed price", "ETH", 2_000 * E18)
    ]


def written_trail(findings):
    return [
        step["step"]
        for step in findings_json(findings, trails=True)["prices"][0]["trail"]
        if step.get("role") != "code"
    ]


def test_its_own_interval_is_taken_off(desk):
    """What is held counts for the interval less, against a price without one; too wide a one is no price."""
    worth = []
    for interval in (0, 20 * 10**8):
        desk.write(desk.core.guardians.update(desk.feed(interval=interval)))
        _, found, _ = desk.run(desk.lines())
        worth.append(found.report.figures.total_low.weighted)
    assert worth[1] * 100 == worth[0] * 99
    desk.write(desk.core.guardians.update(desk.feed(interval=41 * 10**8)))
    _, found, _ = desk.run(desk.lines())
    quotes = quotes_of(found.report.account)
    assert "ETH" not in quotes.by_group
    assert next(iter(quotes.unusable.values())) == "its signers say it may be 20500 ppm off, beyond 20000"
    _, found, _ = desk.run(desk.lines(max_interval="3%"))
    assert quotes_of(found.report.account).by_group["ETH"].interval == 20_500


def test_a_stale_one_is_not_taken(desk):
    """Signers speak every minute unless told; an older price is one that they have left behind."""
    desk.write(desk.core.guardians.update(desk.feed(age=70)))
    _, found, _ = desk.run(desk.lines())
    quotes = quotes_of(found.report.account)
    assert "ETH" not in quotes.by_group
    assert "s old, and it speaks every 60 s" in next(iter(quotes.unusable.values()))
    _, found, _ = desk.run(desk.lines(heartbeat="10m"))
    assert quotes_of(found.report.account).by_group["ETH"].price == 2_000 * E18


def test_guardians_that_the_policy_names_need_no_contract(desk):
    """A set of the checker's own; another set, or a name that the policy lacks, is refused, also to who checks the bundle."""
    desk.write(SET.update(desk.feed()))
    named = desk.lines(', signers = "guardians"')
    fewer = [a for a in desk.accepted if a != desk.core.core.address]
    spec, found, now = desk.run(desk.signers(), named, accepted=fewer)
    (price,) = found.verified.prices
    assert isinstance(price, SignedPrice)
    assert price.number == 4
    for policy in ("", desk.signers(SET.but(seed="others"))):
        other = desk.spec(policy, named, accepted=fewer)
        (refused,) = check_account(replace(other, roots=spec.roots), found.data, now=now).verified.prices
        assert isinstance(refused, PriceRefusal)
    assert isinstance(refused.error, Exception)
    (refused,) = desk.run(named, accepted=fewer)[1].verified.prices
    assert isinstance(refused.error, UnreviewedMeaning)


def test_a_core_contract_that_the_policy_does_not_name_is_refused(desk):
    """Whoever may choose the contract chooses the guardians."""
    desk.write(desk.core.guardians.update(desk.feed()))
    _, found, _ = desk.run(desk.lines(), accepted=desk.accepted[:2])
    (refused,) = found.verified.prices
    assert isinstance(refused.error, UnreviewedMeaning)


def test_a_proven_price_stands_before_a_signed_one(desk, protocols):
    """In whatever order they are listed; and where the two differ too much, neither is taken."""
    from tests.nodes.protocols import chainlink

    feed = chainlink.deploy_feed(desk.node, "ocr2")
    feed.answer(2_010 * 10**8)
    accepted = [*desk.accepted, feed.proxy.address, feed.aggregator.address]
    for price, taken in ((2_000, True), (1_500, False)):
        desk.write(desk.core.guardians.update(desk.feed(price * 10**8)))
        both = (desk.lines(), feed_lines(feed))
        for lines in (both, both[::-1]):
            _, found, _ = desk.run(*lines, accepted=accepted)
            quotes = quotes_of(found.report.account).by_group
            assert ("ETH" in quotes) is taken
            assert not taken or quotes["ETH"].source.startswith("proven: chainlink")


def test_only_the_update_that_was_used_travels(desk):
    """Of several the newest; one that no price rests on is refused in a bundle, and so is one where no price is asked for."""
    used = desk.core.guardians.update(desk.feed())
    idle = desk.core.guardians.update(desk.feed(age=9))
    desk.write(idle, used)
    spec, found, now = desk.run(desk.lines())
    bundle = parse_bundle(found.data).bundle
    assert [section.updates for section in bundle.sections] == [(used,)]

    def checked(change):
        (section,) = bundle.sections
        data = encode_bundle(
            replace(bundle, **({"sections": (replace(section, **change),)} if "updates" in change else change))
        )
        return check_account(spec, data, now=now).verified

    verified = checked({"updates": tuple(sorted((idle, used)))})
    assert [type(price.error) for price in verified.prices] == [UnusedEvidence]
    assert "signed updates" in str(verified.prices[0].error)
    assert [type(price.error) for price in checked({"updates": ()}).prices] == [MissingEvidence]
    with pytest.raises(MalformedBundle, match="signed updates ascend"):
        checked({"updates": tuple(sorted((idle, used), reverse=True))})
    with pytest.raises(MalformedBundle, match="where no price is asked for"):
        checked({"prices": ()})


def test_a_file_without_updates_leaves_the_price_missing(desk):
    """It stops nothing else: the price has none, and a warning says which file gives nothing."""
    spec, found, _ = desk.run(desk.lines())
    assert spec.warnings == ("eth.json gives no signed updates: No such file or directory",)
    (refused,) = found.verified.prices
    assert isinstance(refused.error, MissingEvidence)
    assert found.verified.outcomes[0].amount > 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it holds no update"),
        (b"504e41", "begins with PNAU; another begins with 0x504e41"),
        (b"0xzz!", "neither hexadecimal nor base64"),
        (b"\xff\xfe", "neither text nor an update"),
        (b"{}", "without binary.data"),
        (b'{"binary": {"data": [1]}}', "without binary.data"),
        (b'{"binary": {"data": []}}', "it holds no update"),
        (b"[" * 10 + b"{", "neither hexadecimal nor base64"),
        (b'{"a": ' * 300, "nested deeper"),
    ],
)
def test_a_file_of_something_else_is_said_to_be_so(content, said):
    """A file is an answer of the price service, or updates as text, or the bytes of one."""
    with pytest.raises(ValueError, match=said):
        parse_updates(content)


def test_updates_are_read_in_each_way_that_they_are_handed_out(tmp_path):
    """As the service answers, in hexadecimal and in base64, one a line, and as bytes."""
    one, two = SET.but(size=1, who=(0,)).update(Feed(5)), SET.but(size=1, who=(0,)).update(Feed(6))
    spelled = base64.b64encode(one).decode()
    assert parse_updates(one) == (one,)
    assert parse_updates(f"0x{one.hex()}\n{two.hex()}\n".encode()) == (one, two)
    assert parse_updates(spelled.encode()) == (one,)
    assert parse_updates(json.dumps({"binary": {"encoding": "base64", "data": [spelled]}}).encode()) == (one,)
    (tmp_path / "large").write_bytes(b"PNAU" + bytes(MAX_FILE))
    with pytest.raises(ValueError, match="larger than 4194304"):
        load_updates(tmp_path / "large")
    (tmp_path / "large").write_bytes(b"PNAU" + bytes(64 * 1_024))
    with pytest.raises(ValueError, match="an update is larger than 65536"):
        load_updates(tmp_path / "large")
    (tmp_path / "many").write_text("\n".join([one.hex()] * 257))
    with pytest.raises(ValueError, match="257 updates; 256 are taken"):
        load_updates(tmp_path / "many")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('updates = "eth.json"\n', ""), "the file with its signed updates"),
        (('feed = "pyth"', 'feed = "chainlink"'), "chainlink position"),
        ((f'id = "{to_hex(ETH_USD)}"', 'other = "0x00"'), "the parameter id"),
    ],
)
def test_a_line_that_says_too_little_is_refused(desk, change, said):
    """A signed feed has its updates and its id, and nothing else has."""
    with pytest.raises(ConfigError, match=said):
        desk.spec(desk.lines().replace(*change))


def test_a_set_of_signers_is_one(desk):
    """The same key twice would sign twice."""
    twice = desk.signers().replace(to_hex(SET.addresses[1]), to_hex(SET.addresses[0]))
    with pytest.raises(ConfigError, match="1 to 255 keys, each once"):
        desk.spec(twice, desk.lines())


def test_a_bundle_is_verified_by_the_library_alone(desk):
    """What the command does, `verify_bundle` does: the same type, with who signed."""
    import asyncio

    from verifier.app.service import checker_of

    desk.write(desk.core.guardians.update(desk.feed()))
    spec, now = desk.spec(desk.lines()), Timestamp(desk.time + 5)
    gathered, _ = asyncio.run(gather_account(spec, now=now))
    (price,) = verify_bundle(gathered.data, checker_of(spec, now)).prices
    assert isinstance(price, SignedPrice)
    assert set(price.signed_by) <= set(SET.addresses)
