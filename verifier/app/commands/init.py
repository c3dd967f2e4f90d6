"""`xmargin init`: a commented account file to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from verifier.app.commands.state import State

_EXAMPLE = """# An account of xmargin. Every key is checked; unknown ones are refused with the nearest known name.

[account]
name = "my-account"
mode = "cross"                      # or "isolated": collateral and positions in pockets of their own
# as_of = "2026-01-31T12:00:00Z"    # one moment for all networks; left out: now

[policy]
# strict:    only finalized, settled or pinned roots count. You pin a block hash yourself, below.
# practical: also a recent block that at least two operators of your endpoints agree on, at its haircut.
preset = "{policy}"
# A token whose code nobody reviewed is refused until you name it: "<network or chain id>:<contract>".
accept_contracts = []

# How each group counts as collateral; a group that is not listed counts zero.
[policy.assets.ETH]
haircut_initial = "20%"
haircut_maintenance = "15%"

[policy.assets.USDC]
haircut_initial = "5%"
haircut_maintenance = "3%"

[networks.ethereum]
# Endpoints come from the environment, and are never printed. Two of different operators make a quorum.
endpoints = [
  {{ name = "first", url = "${{ETH_RPC_URL}}" }},
  # {{ name = "second", url = "${{ETH_RPC_URL_2}}" }},
]
# beacon = ["${{BEACON_URL}}"]        # beacon nodes: with a checkpoint, what is proven is `finalized`
# checkpoint = "0x…"                # the root of a finalized beacon block that you believe
# pin = "0x…"                       # the hash of a block that you believe

[holders]
treasury = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"

[[assets]]
network = "ethereum"
holder = "treasury"
asset = "ETH"

[[assets]]
network = "ethereum"
holder = "treasury"
asset = "USDC"                      # known, with its slot and reviewed code: xmargin assets ethereum

# A token that is not known: say where its balances lie, and name its contract in accept_contracts.
# [[assets]]
# network = "ethereum"
# holder = "treasury"
# contract = "0x…"
# symbol = "TOK"
# decimals = 18
# group = "TOK"
# slot = 0
# order = "solidity"

# What a protocol holds for you, by its own rules, to the last unit: docs/assets.md lists the kinds. All contracts that
# it reads must be in accept_contracts.
# [[assets]]
# network = "ethereum"
# holder = "treasury"
# position = "aave-v3"              # under [[debts]] what is owed, with the variable debt token as contract
# contract = "0x…"                  # the aToken
# symbol = "aUSDC"
# decimals = 6
# group = "USDC"
# with = {{ pool = "0x…", underlying = "0x…", release = "3.6" }}

# A price by proof, before any that is typed in.
# [[feeds]]
# group = "ETH"
# network = "ethereum"
# feed = "chainlink"
# contract = "0x…"                  # the proxy
# quote = "USD"
# heartbeat = "1h"
# with = {{ layout = "ocr2", decimals = 8 }}

# A position burdens the account and never supports it, since nobody proves it.
# [markets.ETH-PERP]
# underlying = "ETH"
# tiers = [{{ initial = "5%", maintenance = "2.5%" }}]
# [[positions]]
# market = "ETH-PERP"
# size = "-1.5"
# entry = "3000"

# Prices that you type in, with their time and source. An old price counts as missing.
[prices.ETH]
usd = "3000"
at = "{now}"
source = "typed in by hand"

[prices.USDC]
usd = "1"
at = "{now}"
source = "typed in by hand"
"""


def init(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="Where the file goes.")] = Path("account.toml"),
    policy: Annotated[
        str, typer.Option(help="strict: finalized or pinned roots; practical: also a quorum.")
    ] = "strict",
) -> None:
    """Write a commented account file to begin with; it never overwrites one."""
    from verifier.app.commands.state import clock
    from verifier.app.errors import UnknownName, UsageError
    from verifier.app.quantities import rfc3339
    from verifier.policy import PRESETS

    state: State = ctx.obj
    if policy not in PRESETS:
        raise UnknownName("policy", policy, PRESETS)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_EXAMPLE.format(policy=policy, now=rfc3339(clock())))
    except FileExistsError:
        raise UsageError(f"{path} exists already", "choose another name; nothing was written") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path has such a name"
        raise UsageError(f"{path} cannot be written: {reason}", "choose another place") from None
    state.terminal().say(
        f"wrote {path}; next: set ETH_RPC_URL, give a checkpoint or pin a block if the policy is strict, "
        f"xmargin verify {path}"
    )
