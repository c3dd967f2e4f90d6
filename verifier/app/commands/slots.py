"""`xmargin slots`: a contract's storage by its compiler's layout, and where a token keeps its balances."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from verifier.app.commands.call import network_spec
from verifier.app.commands.state import DbOption, State, clock

app = typer.Typer(help="Read a contract's storage by its layout; find a token's balance slot.", no_args_is_help=True)

NetworkArgument = Annotated[str, typer.Argument(help="Network, by name or chain id.")]
AccountFile_ = Annotated[
    Path | None,
    typer.Option("--account", help="Account file whose networks, pins and policy apply.", exists=True, dir_okay=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; docs/schema/slots.json.")]


@app.command("read")
def read(
    ctx: typer.Context,
    network: NetworkArgument,
    contract: Annotated[str, typer.Argument(help="The contract's address.")],
    paths: Annotated[list[str], typer.Argument(help="Paths as the source writes them, such as 'positions[0x…].size'.")],
    layout: Annotated[Path, typer.Option("--layout", help="solc's storageLayout, or vyper -f layout, as JSON.")],
    at: Annotated[str | None, typer.Option("--at", help="A block hash that you believe, or a time.")] = None,
    account: AccountFile_ = None,
    json: JsonOption = False,
) -> int:
    """Read typed values out of a contract's storage, every word proven."""
    from verifier.app.errors import UsageError
    from verifier.app.exit_codes import Exit
    from verifier.app.json_view import dumps
    from verifier.app.quantities import given_address
    from verifier.app.slots import read_layout, read_slots, slots_json, slots_tree

    state: State = ctx.obj
    spec = network_spec(state, network, account)
    try:
        place = given_address(contract)
    except ValueError as error:
        raise UsageError(str(error), "give the contract's address") from None
    described = read_layout(layout)
    with state.asking(spec) as shelf:
        found = read_slots(spec, place, described, paths, at=at, now=clock(), seconds=state.seconds(), shelf=shelf)
    terminal = state.terminal()
    if json:
        terminal.raw(dumps(slots_json(found)))
    else:
        terminal.show(slots_tree(found))
    return int(Exit.OK if found.header is not None and all(v.value is not None for v in found.values) else Exit.REFUSED)


@app.command("find")
def find(
    ctx: typer.Context,
    network: NetworkArgument,
    token: Annotated[str, typer.Argument(help="The token's address.")],
    holders: Annotated[list[str], typer.Argument(help="Two or more holders with different balances above zero.")],
    at: Annotated[str | None, typer.Option("--at", help="A block hash that you believe, or a time.")] = None,
    account: AccountFile_ = None,
    save: Annotated[
        Path | None, typer.Option("--save", help="Write the bundle of the calls here, as evidence.")
    ] = None,
    db: DbOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object; docs/schema/slot-finding.json.")] = False,
) -> int:
    """Find where a token keeps its balances, judged by its own balanceOf, proven for each holder; and keep it."""
    from verifier.app.commands.state import write_bundle
    from verifier.app.errors import UsageError
    from verifier.app.exit_codes import Exit
    from verifier.app.json_view import dumps
    from verifier.app.quantities import given_address
    from verifier.app.slots_find import find_slot, finding_json, finding_tree

    state: State = ctx.obj
    spec = network_spec(state, network, account)
    try:
        contract, *owners = (given_address(text) for text in (token, *holders))
    except ValueError as error:
        raise UsageError(str(error), "give addresses as 0x and forty hex digits") from None
    with state.asking(spec, db) as shelf:
        made = find_slot(spec, contract, owners, at=at, now=clock(), seconds=state.seconds(), shelf=shelf)
    state.keep_finding(made, db)
    if save is not None:
        write_bundle(save, made.data)
    terminal = state.terminal()
    if json:
        terminal.raw(dumps(finding_json(made)))
    else:
        terminal.show(finding_tree(made))
    return int(Exit.OK if made.found is not None else Exit.REFUSED)


@app.command("list")
def listed(
    ctx: typer.Context,
    account: AccountFile_ = None,
    db: DbOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object; docs/schema/slot-findings.json.")] = False,
) -> int:
    """What slots find found and kept, each found again from its evidence."""
    from verifier.app.exit_codes import Exit
    from verifier.app.json_view import dumps
    from verifier.app.kept_findings import findings_json, findings_rows, kept_findings
    from verifier.app.report.tables import listing
    from verifier.app.store import Store

    state: State = ctx.obj
    with Store(state.database(db), create=False) as store:
        kept = kept_findings(store, state.known_networks(account))
    terminal = state.terminal()
    if json:
        terminal.raw(dumps(findings_json(kept)))
    elif kept:
        terminal.show(listing(("network", "token", "balances", "code", "found", "evidence"), findings_rows(kept)))
    else:
        terminal.say("nothing was found yet")
    return int(Exit.OK if all(one.found is not None for one in kept) else Exit.REFUSED)
