"""`xmargin networks` and `xmargin assets`: what is known, from where, and how far it is bound to code."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from verifier.app.commands.state import DbOption, NetworksOption, State, clock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.table import Table

    from chains.chain import Chain
    from chains.endpoint import Endpoint
    from chains.probe import Capability
    from verifier.network import Network, SettledOn

NetworksJson = Annotated[
    bool,
    typer.Option("--json", help="One JSON object on stdout; docs/schema/networks.json, with --probe probe.json."),
]
AssetsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; docs/schema/assets.json.")]
NetworkName = Annotated[str | None, typer.Argument(help="Network name or chain id.")]


def networks(
    ctx: typer.Context,
    name: NetworkName = None,
    probe: Annotated[
        bool,
        typer.Option("--probe", help="Ask its endpoints what they can do, and a rollup's parent for its newest root."),
    ] = False,
    account: NetworksOption = None,
    db: DbOption = None,
    json: NetworksJson = False,
) -> int:
    """
    List known networks, or show one.

    With --probe: what its endpoints serve (kept for a day), and how old the newest root of a rollup is, proven.
    """
    from chains.registry import NETWORKS
    from verifier.app.errors import UsageError
    from verifier.app.json_view import dumps, head
    from verifier.app.report.tables import listing

    state: State = ctx.obj
    if probe:
        if name is None:
            raise UsageError("--probe needs a network", "xmargin networks NAME --probe --account FILE")
        return _probe(state, name, account, db, as_json=json)
    chosen = NETWORKS if name is None else {k: v for k, v in NETWORKS.items() if k == _find(name, NETWORKS)}
    rows = [_row(key, chain) for key, chain in chosen.items()]
    if json:
        state.terminal().raw(dumps({**head("networks"), "networks": rows}))
        return 0
    terminal = state.terminal()
    columns = ["name", "chain_id", "coin", "family", "rooted_by", "tokens", "state"]
    table = listing(columns, [[row[column] for column in columns] for row in rows])
    terminal.show(table if name is None else _facts(rows[0]))
    return 0


def assets(ctx: typer.Context, name: NetworkName = None, json: AssetsJson = False) -> int:
    """List known tokens with the slot of their balances, and whether their code was reviewed."""
    from chains.registry import NETWORKS
    from verifier.app.json_view import dumps, head
    from verifier.app.quantities import checksummed
    from verifier.app.report.tables import listing
    from verifier.primitives import Address, parse_hex, to_hex

    state: State = ctx.obj
    chosen = [NETWORKS[_find(name, NETWORKS)]] if name is not None else list(NETWORKS.values())
    rows: list[dict[str, object]] = []
    for chain in chosen:
        for known in chain.assets:
            asset, layout = known.asset, known.asset.layout
            if asset.contract is None or layout is None:
                continue
            rows.append(
                {
                    "network": chain.network.name,
                    "symbol": asset.symbol,
                    "chain_id": chain.network.chain_id,
                    "contract": to_hex(asset.contract),
                    "decimals": asset.decimals,
                    "group": asset.group,
                    "slot": hex(int.from_bytes(layout.base, "big")),
                    "order": layout.order.value,
                    "code": "reviewed" if known.pins else "not reviewed: a hint, refused until the policy names it",
                    "evidence": known.evidence,
                }
            )
    if json:
        state.terminal().raw(dumps({**head("assets"), "assets": rows}))
    else:
        columns = ["network", "symbol", "contract", "decimals", "slot", "order", "code"]
        spelled = [row | {"contract": checksummed(Address(parse_hex(row["contract"])))} for row in rows]
        state.terminal().show(listing(columns, [[row[c] for c in columns] for row in spelled]))
    return 0


def _find(name: str, known: Mapping[str, Chain]) -> str:
    from verifier.app.errors import UnknownName

    for key, chain in known.items():
        if name in {key, chain.network.name, str(chain.network.chain_id)}:
            return key
    raise UnknownName("network", name, known)


def _row(key: str, chain: Chain) -> dict[str, object]:
    from verifier.network import SettledOn

    network = chain.network
    rooted = network.rooted_by
    settlement = _settlement(key, rooted) if isinstance(rooted, SettledOn) else {}
    return {
        "name": key,
        "chain_id": network.chain_id,
        "coin": network.native_symbol,
        "family": network.family.name,
        "rooted_by": f"{rooted.scheme} on chain {rooted.parent}" if isinstance(rooted, SettledOn) else rooted.kind,
        "state": "proven by its trie" if network.family.unsupported is None else network.family.unsupported,
        "tokens": len(chain.assets),
        "finality_tags": chain.finality_tags,
        "proofs": chain.proofs,
        "unconfirmed": list(chain.unconfirmed),
        "sources": list(chain.sources),
        **settlement,
    }


def _settlement(name: str, rooted: SettledOn) -> dict[str, object]:
    """How a rollup's root is settled, as far as this program can judge it, and who could lie about it."""
    from verifier.primitives import to_hex
    from verifier.settlement import SCHEMES

    scheme = SCHEMES.get(rooted.scheme)
    state = "not judged here: pin a block, or take a quorum" if scheme is None else "judged and gathered"
    return {
        "settlement": state,
        "settlement_delay": rooted.delay,
        "settlement_contracts": [f"{role} {to_hex(contract)}" for role, contract in rooted.contracts],
        "settlement_reviewed": sorted({role for role, _ in rooted.codes}),
        "who_could_lie": "unknown here" if scheme is None else scheme.trusts,
        "newest_root": f"not asked: xmargin networks {name} --probe asks endpoints of {name} and of its parent, "
        "which stand in the settings or in an account file (--account FILE)",
    }


def _facts(row: Mapping[str, object]) -> Table:
    from verifier.app.report.tables import listing

    def shown(value: object) -> str:
        return "; ".join(map(str, value)) if isinstance(value, list) else str(value)

    return listing(["what", "value"], [[key, shown(value)] for key, value in row.items()])


def _probe(state: State, name: str, account: Path | None, db: Path | None, *, as_json: bool) -> int:
    from chains.probe import shown
    from verifier.app.commands.call import network_spec
    from verifier.app.exit_codes import Exit, worst
    from verifier.app.findings import record_of_probe
    from verifier.app.json_view import capability_json, dumps, head
    from verifier.app.newest_roots import exit_of, newest_roots, roots_json, roots_table
    from verifier.app.report.tables import listing

    spec, now = network_spec(state, name, account), clock()
    network, endpoints = spec.network, spec.endpoints[spec.network.chain_id]
    state.capacities(db, now)  # a store that cannot be used is told of before anything is asked
    create = bool(spec.beacon.asking or spec.beacon.checkpoints)
    with state.terminal().busy(f"probing {len(endpoints)} endpoints"):
        found = asyncio.run(_capabilities(network, endpoints, state.seconds()))
    with state.shelf(db, spec.beacon.configs, create=create) as shelf, state.terminal().busy("looking for roots"):
        roots = newest_roots(spec, now=now, seconds=state.seconds(), shelf=shelf)
    serves = Exit.OK if all(capability.proofs for capability in found) else Exit.INCOMPLETE
    code = int(worst([serves, Exit.OK if roots is None else exit_of(roots)]))
    facts: dict[str, object] = {"endpoints": [capability_json(capability) for capability in found]}
    facts |= {} if roots is None else {"roots": roots_json(roots)}
    text = dumps({**head("probe"), "exit_code": code, "network": network.name, **facts})
    hosts = {endpoint.name: endpoint.host for endpoint in endpoints}
    state.keep(record_of_probe(text, code, network, found, hosts, now), db)
    if as_json:
        state.terminal().raw(text)
        return code
    for capability in found:
        state.terminal().show(
            listing(["endpoint " + capability.endpoint, ""], [list(pair) for pair in shown(capability)])
        )
    if roots is not None:
        state.terminal().show(roots_table(roots))
    return code


async def _capabilities(network: Network, endpoints: tuple[Endpoint, ...], seconds: float) -> list[Capability]:
    from chains.driver import Desk
    from chains.probe import probe

    async with Desk.to([(network, endpoints)], seconds=seconds) as desk:
        lines = desk.lines[network.chain_id]
        return list(await asyncio.gather(*(probe(line, seconds=seconds) for line in lines)))
