"""An account file that compiles, against a registry of two networks; tests change one thing of it."""

from __future__ import annotations

from chains.chain import Chain
from chains.families import ETHEREUM
from verifier.app.account_file import parse_account
from verifier.app.compile import AccountSpec, compile_account
from verifier.app.errors import ConfigError, Problem
from verifier.claims import Asset, CodePin, KnownAsset, TokenLayout
from verifier.network import Network, OwnConsensus
from verifier.primitives import Address, ChainId, Hash32, slot_key

USDC = Address(bytes(19) + b"\x01")
PIN = "0x" + "11" * 32
VAULT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TOKEN = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
ENV = {"ETH_RPC_URL": "https://node.example/v3/canary-key-0123456789"}


def _chain(chain: int, name: str, *assets: KnownAsset) -> Chain:
    return Chain(Network(ChainId(chain), name, ETHEREUM, "ETH", OwnConsensus("beacon")), assets)


REGISTRY = {
    "ethereum": _chain(
        1,
        "ethereum",
        KnownAsset(Asset(ChainId(1), "USDC", 6, "USDC", USDC, TokenLayout(slot_key(9))), (CodePin(Hash32(bytes(32))),)),
    ),
    "other": _chain(10, "other"),
}

GOOD = f"""
[account]
name = "desk"
mode = "isolated"
as_of = 2026-11-24T04:00:00Z

[policy]
preset = "strict"
max_head_lag = "30m"
accept_contracts = ["local:{TOKEN}"]

[policy.assets.ETH]
haircut_initial = "20%"
haircut_maintenance = "15%"
volatility = "80%"

[policy.assets.USDC]
haircut_initial = "5%"

[policy.assets.TOK]
haircut_initial = "50%"

[networks.ethereum]
endpoints = ["${{ETH_RPC_URL}}", {{ url = "https://second.example", name = "second", operator = "b" }}]
pin = "{PIN}"

[networks.local]
chain_id = 31337
family = "ethereum"
endpoints = ["http://127.0.0.1:8545"]

[holders]
vault = "{VAULT}"
hot = {{ ethereum = "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB" }}

[[assets]]
network = "ethereum"
holders = ["vault", "hot"]
asset = "ETH"

[[assets]]
network = "ethereum"
holder = "vault"
asset = "USDC"
pocket = "perps"

[[assets]]
network = "local"
holder = "vault"
contract = "{TOKEN}"
slot = "0x3"
decimals = 18
symbol = "TOK"

[[debts]]
network = "local"
holder = "vault"
contract = "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"
slot = 7
order = "vyper"
decimals = 6
symbol = "dUSD"
group = "USDC"

[[debts]]
declared = true
group = "USDC"
amount = "12.5"
at = "2026-11-24T03:00:00Z"

[markets.ETH-PERP]
underlying = "ETH"
tiers = [{{ initial = "5%", maintenance = "2.5%" }}]

[[positions]]
market = "ETH-PERP"
size = "-1.5"
entry = "3000"

[prices.ETH]
usd = "3000.12"
at = "2026-11-24T03:59:00Z"
source = "test"
"""


def compiled(text: str = GOOD, *, environ: dict[str, str] | None = None, online: bool = True) -> AccountSpec:
    """The account that a text means."""
    file, source = parse_account(text)
    return compile_account(file, source, REGISTRY, environ=ENV if environ is None else environ, online=online)


def problems(text: str, **options: object) -> tuple[Problem, ...]:
    """What is said against a text that must not compile."""
    try:
        compiled(text, **options)  # type: ignore[arg-type]
    except ConfigError as error:
        return error.problems
    raise AssertionError("it compiled")
