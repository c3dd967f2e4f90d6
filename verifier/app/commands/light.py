"""`xmargin light`: beacon light clients, followed, looked at, and what they begin from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from verifier.app.commands.state import DbOption, NetworksOption, State, clock

if TYPE_CHECKING:
    from chains.behaviour import EndpointReport
    from verifier.app.compile.beacon import BeaconSide
    from verifier.app.light_service import LightScope, LightView

NetworkNames = Annotated[list[str] | None, typer.Argument(help="Network names or chain ids; all that are set up.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; docs/schema/light.json.")]

app = typer.Typer(
    help="Beacon light clients: what makes `finalized` mean it.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
def sync(
    ctx: typer.Context,
    network: NetworkNames = None,
    account: NetworksOption = None,
    db: DbOption = None,
    json: JsonFlag = False,
) -> int:
    """Follow the sync committees from the checkpoint to the present; what is reached is kept after every page."""
    from verifier.app.light_service import follow

    state: State = ctx.obj
    scope = _scope(state, network, account)
    terminal = state.terminal()
    with state.shelf(db, scope.side.configs, create=True) as shelf:
        views, endpoints = follow(scope, shelf, clock(), state.seconds(), terminal.say)
    return _show(state, "sync", views, as_json=json, endpoints=endpoints)


@app.command()
def status(
    ctx: typer.Context,
    network: NetworkNames = None,
    account: NetworksOption = None,
    db: DbOption = None,
    json: JsonFlag = False,
) -> int:
    """Where each light client stands, without asking anyone."""
    from verifier.app.light_service import look

    state: State = ctx.obj
    scope = _scope(state, network, account)
    with state.shelf(db, scope.side.configs, create=False) as shelf:
        views = look(scope, shelf, clock())
    return _show(state, "status", views, as_json=json)


@app.command()
def checkpoint(
    ctx: typer.Context,
    network: Annotated[str, typer.Argument(help="Network name or chain id.")],
    account: NetworksOption = None,
    from_endpoints: Annotated[
        bool, typer.Option("--from-endpoints", help="Ask your own beacon endpoints; what they say is their word.")
    ] = False,
    json: JsonFlag = False,
) -> int:
    """Show the checkpoint in force; with --from-endpoints, the finalized block that your endpoints agree on."""
    from verifier.app.errors import UsageError
    from verifier.app.light_service import ask_checkpoint, configured
    from verifier.primitives import to_hex

    state: State = ctx.obj
    scope = _scope(state, [network], account, needs=not from_endpoints)
    views = [ask_checkpoint(scope, clock(), state.seconds())] if from_endpoints else configured(scope, clock())
    if not views:
        cure = f'add checkpoint = "0x…" under [networks.{network}], or use --from-endpoints'
        raise UsageError(f"{network} has no checkpoint", cure)
    seen = views[0].checkpoint
    if from_endpoints and seen is not None:
        name = scope.networks[views[0].chain_id].name
        said = f"this is what {', '.join(sorted(seen.operators))} said: compare it with sources of your own"
        line = f'checkpoint = "{to_hex(seen.root)}"'
        state.terminal().say(f"{said}; where you trust it, write under [networks.{name}]: {line}")
    return _show(state, "checkpoint", views, as_json=json)


def _scope(state: State, names: list[str] | None, account: Path | None, *, needs: bool = True) -> LightScope:
    """The networks that were named, with what their light clients need; all that are set up where none was."""
    from chains.registry import NETWORKS
    from verifier.app.account_file import read_account
    from verifier.app.compile import compile_light
    from verifier.app.errors import UnknownName, UsageError
    from verifier.app.light_service import LightScope
    from verifier.app.toml_source import TomlSource
    from verifier.policy import PRESETS

    in_force = state.settings()
    machine = in_force.settings.networks
    if account is not None:
        file, source = read_account(account)
        own, preset = file.networks, file.policy.preset or in_force.settings.policy
    else:
        own, preset, source = machine, in_force.settings.policy, TomlSource(str(Path.cwd() / "xmargin.toml"), {}, {})
    networks, side = compile_light(own, machine, source, NETWORKS, os.environ)
    ready = [chain for chain in networks if _is_set_up(chain, side, needs=needs)]
    if names:
        by_name = {network.name: chain for chain, network in networks.items()}
        by_name |= {str(chain): chain for chain in networks}
        unknown = next((name for name in names if name not in by_name), None)
        if unknown is not None:
            raise UnknownName("network", unknown, by_name)
        ready = [by_name[name] for name in names]
    if not ready:
        raise UsageError(
            "no network has a light client",
            'under [networks.<name>], set beacon = ["https://…"] and checkpoint = "0x…" (see xmargin light checkpoint)',
        )
    return LightScope(networks, side, tuple(ready), PRESETS[preset])


def _is_set_up(chain: int, side: BeaconSide, *, needs: bool) -> bool:
    begins = chain in side.asking or any(point.chain_id == chain for point in side.checkpoints)
    return begins if needs else chain in side.endpoints


def _show(
    state: State, command: str, views: list[LightView], *, as_json: bool, endpoints: tuple[EndpointReport, ...] = ()
) -> int:
    from verifier.app.json_view import dumps
    from verifier.app.light_service import light_json, worst_code
    from verifier.app.report.tables import listing

    terminal, code = state.terminal(), worst_code(views)
    if as_json:
        terminal.raw(dumps(light_json(command, views, endpoints, code, clock())))
        return code
    columns = ["network", "status", "finalized slot", "age", "signed by", "period", "execution block"]
    terminal.show(listing(columns, [view.row() for view in views]))
    for view in views:
        if view.error is not None:
            terminal.fail(str(view.error), getattr(view.error, "remedy", ""))
    return code
