"""`xmargin call`: what a contract's own view function returns, proven."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from verifier.app.commands.state import State, clock, read_bundle, write_bundle

if TYPE_CHECKING:
    from verifier.app.calls import ProvenAnswer, TypedCall
    from verifier.app.compile import NetworkSpec

_OPTION = re.compile(r"-[A-Za-z]|--[A-Za-z].*", re.DOTALL)
Arguments = Annotated[list[str] | None, typer.Argument(help="Its arguments, in order; lists and tuples as JSON.")]


def call(
    ctx: typer.Context,
    network: Annotated[str, typer.Argument(help="Network, by name or chain id.")],
    contract: Annotated[str, typer.Argument(help="The contract's address.")],
    function: Annotated[str, typer.Argument(help="'name(types)(types)', such as 'balanceOf(address)(uint256)'.")],
    arguments: Arguments = None,
    at: Annotated[str | None, typer.Option("--at", help="A block hash that you believe, or a time.")] = None,
    account: Annotated[
        Path | None,
        typer.Option(
            "--account", help="Account file whose networks, pins and policy apply.", exists=True, dir_okay=False
        ),
    ] = None,
    sender: Annotated[str | None, typer.Option("--from", help="What CALLER says; zero unless given.")] = None,
    gas: Annotated[int | None, typer.Option(help="Gas that the call is given.", min=21_000)] = None,
    hints: Annotated[bool, typer.Option(help="Ask endpoints what the call touches; fewer rounds.")] = True,
    save: Annotated[Path | None, typer.Option("--save", help="Write the bundle here (.json for its view).")] = None,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", help="Check the call out of this file, offline.", exists=True, dir_okay=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout; docs/schema/call.json.")] = False,
) -> int:
    """Run a contract's view function over proven state, and show what it returns with its trail."""
    from verifier.app.calls import TypedCall, check_call
    from verifier.app.errors import UsageError

    _no_options(network, contract, function, *(arguments or ()))
    if bundle is not None and save is not None:
        raise UsageError("--save writes what was asked for; --bundle asks for nothing", "leave one of them out")
    state: State = ctx.obj
    spec = network_spec(state, network, account, online=bundle is None)
    typed = TypedCall(contract, function, arguments or (), at, sender, gas)
    if bundle is not None:
        return _show(state, check_call(spec, typed, read_bundle(bundle), now=clock()), as_json=json)
    answer = _asked(state, spec, typed, hints=hints)
    if save is not None:
        write_bundle(save, answer.data)
    return _show(state, answer, as_json=json)


def _asked(state: State, spec: NetworkSpec, typed: TypedCall, *, hints: bool) -> ProvenAnswer:
    from verifier.app.calls import ask_contract

    with state.asking(spec) as shelf:
        return ask_contract(spec, typed, hints=hints, now=clock(), seconds=state.seconds(), shelf=shelf)


def _show(state: State, answer: ProvenAnswer, *, as_json: bool) -> int:
    from verifier.app.calls import answer_json, answer_tree
    from verifier.app.json_view import dumps

    terminal = state.terminal()
    if as_json:
        terminal.raw(dumps(answer_json(answer)))
    else:
        terminal.show(answer_tree(answer))
    return _exit_code(answer)


def _no_options(*words: str) -> None:
    """Negative numbers may stand among the words; whatever else begins like an option is a mistyped one."""
    from verifier.app.errors import UsageError

    for word in words:
        if _OPTION.fullmatch(word) is not None:
            raise UsageError(f"no such option: {word}", "xmargin call --help lists them")


def _exit_code(answer: ProvenAnswer) -> int:
    from verifier.app.exit_codes import Exit
    from verifier.verify import Refusal

    if isinstance(answer.outcome, Refusal):
        return int(Exit.INCOMPLETE if answer.outcome.missing else Exit.REFUSED)
    return int(Exit.REFUSED if answer.values is None else Exit.OK)


def network_spec(state: State, network: str, account: Path | None, *, online: bool = True) -> NetworkSpec:
    """One network as an account file, or this machine's settings, know it; offline it needs no endpoint."""
    from chains.registry import NETWORKS
    from verifier.app.account_file import AccountFile, AccountPart, read_account
    from verifier.app.compile import compile_network
    from verifier.app.toml_source import parse_toml

    settings = state.settings().settings
    if account is None:
        file, source = AccountFile(account=AccountPart(name="call")), parse_toml("", "settings")
        file = file.model_copy(update={"networks": {k: v for k, v in settings.networks.items() if v.chain_id}})
    else:
        file, source = read_account(account)
    return compile_network(
        network,
        file,
        source,
        NETWORKS,
        environ=os.environ if online else None,
        networks=settings.networks,
        preset=settings.policy,
    )
