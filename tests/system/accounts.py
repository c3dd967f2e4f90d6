"""Account files over local nodes: written as a person would write them, pinned to the nodes' current blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

GROUPS = {"OZD": "USD", "WETH": "ETH", "VYC": "VYC", "UPG": "UPG", "PKD": "USD", "MAX": "MAX"}


def account_toml(chains: Sequence, endpoints: Mapping[int, Sequence[str]] | None = None, **options: object) -> str:
    """
    An account over some chains: alice's coin, and each token that she has.

    Args:
        endpoints: URLs by chain id, where they are not the nodes' own.
        options: `pin` (False leaves the pins out), `policy` (further lines), `holder`, `tokens`, `extra` (more TOML).
    """
    holder = str(options.get("holder", "alice"))
    tokens = tuple(options.get("tokens", ("OZD", "WETH", "VYC", "UPG", "PKD")))
    lines = ["[account]", 'name = "test"', "", "[policy]", str(options.get("policy", 'preset = "strict"'))]
    named = [f'"{c.chain_id}:{c.tokens[t].address}"' for c in chains for t in tokens]
    lines += [f"accept_contracts = [{', '.join(named)}]", ""]
    for group in ("ETH", "USD", "VYC", "UPG", "MAX"):
        lines += [f"[policy.assets.{group}]", 'haircut_initial = "20%"', 'haircut_maintenance = "10%"', ""]
    lines += ["[holders]", f'main = "{chains[0].holders[holder]}"', ""]
    for chain in chains:
        urls = (endpoints or {}).get(chain.chain_id, (chain.url,))
        listed = ", ".join(f'{{ name = "node-{chain.chain_id}-{i}", url = "{u}" }}' for i, u in enumerate(urls))
        lines += [
            f"[networks.local{chain.chain_id}]",
            f"chain_id = {chain.chain_id}",
            'family = "ethereum"',
            f"endpoints = [{listed}]",
        ]
        if options.get("pin", True):
            lines.append(f'pin = "{chain.node.block("latest")["hash"]}"')
        lines += ["", "[[assets]]", f'network = "local{chain.chain_id}"', 'holder = "main"', 'asset = "ETH"', ""]
        for name in tokens:
            lines += token_lines(chain, name)
    for group, usd in (("ETH", "3000"), ("USD", "1"), ("VYC", "2.5"), ("UPG", "0.1"), ("MAX", "0.000001")):
        lines += [
            f"[prices.{group}]",
            f'usd = "{usd}"',
            f'at = "{options.get("at", "2100-01-01T00:00:00Z")}"',
            'source = "test"',
            "",
        ]
    return "\n".join([*lines, str(options.get("extra", ""))])


def token_lines(chain, name: str, table: str = "assets") -> list[str]:
    """One token claim with its slot spelled out."""
    token = chain.tokens[name]
    lines = [f"[[{table}]]", f'network = "local{chain.chain_id}"', 'holder = "main"', f'contract = "{token.address}"',
             f'symbol = "{name}"', f"decimals = {token.decimals}", f'group = "{GROUPS[name]}"', f'slot = "{hex(token.slot)}"',
             f'order = "{token.order}"']  # fmt: skip
    if name == "PKD":
        lines += ["width_bits = 255", "blocked_bit = 255"]
    return [*lines, ""]
