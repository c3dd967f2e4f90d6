"""`xmargin margin`: an account from the store or a bundle, as it is or under what-ifs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from verifier.app.commands.state import AccountPath, DbOption, Pins, State, clock, parse_pins, read_bundle

if TYPE_CHECKING:
    from verifier.app.compile import AccountSpec
    from verifier.app.past_prices import PastPrices
    from verifier.app.risk_sections import RiskOptions
    from verifier.app.store import Store
    from verifier.app.what_if import Section, WhatIf
    from verifier.margin.peers import Owed, Peer


class ModeName(StrEnum):
    """How positions are margined."""

    ISOLATED = "isolated"
    CROSS = "cross"
    PORTFOLIO = "portfolio"
    MIXED = "mixed"


BundleOption = Annotated[
    Path | None,
    typer.Option(
        "--bundle", help="Evidence; default is the account's latest in the store.", exists=True, dir_okay=False
    ),
]
ModeOption = Annotated[ModeName | None, typer.Option("--mode", help="Another mode than the file's.")]
Shocks = Annotated[list[str] | None, typer.Option("--shock", help="ETH=-30%, ALL=-20% or vol:ETH=+50%; repeatable.")]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="A venue's rules: a bundled name, or a file.")]
AccountsOption = Annotated[
    Path | None,
    typer.Option(
        "--accounts", help="With --contagion: other accounts, and who owes whom.", exists=True, dir_okay=False
    ),
]
PastOption = Annotated[
    Path | None,
    typer.Option("--past", help="Past prices, CSV or JSON; instead of the store's.", exists=True, dir_okay=False),
]
Scenarios = Annotated[bool, typer.Option("--scenarios", help="Every scenario and contingency.")]
Liquidate = Annotated[bool, typer.Option("--liquidate", help="Prices, distances, plan, forced sales.")]
Contagion = Annotated[bool, typer.Option("--contagion", help="Fail each thing; who falls.")]
Allocate = Annotated[bool, typer.Option("--allocate", help="Shares of risk, tail risk, efficiency.")]
Optimise = Annotated[bool, typer.Option("--optimise", help="Limits, cheapest way down, hedges.")]
History = Annotated[bool, typer.Option("--history", help="Reports, margin calls and past prices, from the store.")]
Fee = Annotated[str, typer.Option("--fee", help="What closing a position costs, of its notional.")]
Bonus = Annotated[str, typer.Option("--bonus", help="What selling collateral costs, of its value.")]
Seed = Annotated[int, typer.Option("--seed", help="Of drawn moves; stands in the report.", min=0)]
Horizon = Annotated[
    list[str] | None, typer.Option("--horizon", help="Of the tail risk: time to notice and close; 4h or ETH=1h.")
]
Over = Annotated[str | None, typer.Option("--over", help="With --liquidate: spread the trades over 4h.")]
Aversion = Annotated[str | None, typer.Option("--aversion", help="With --over: to risk, a dollar.")]
Turnover = Annotated[str | None, typer.Option("--turnover", help="With --optimise: most to move.")]
Step = Annotated[str | None, typer.Option("--step", help="With --history or --past: between prices.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; docs/schema/margin.json.")]


@dataclass(frozen=True, slots=True)
class _Changes:
    """What is tried on the account, as it was typed; and past prices, where reports of them are asked for."""

    mode: ModeName | None
    shocks: list[str]
    profile: str | None
    prices: PastPrices | None


def margin(
    ctx: typer.Context,
    account: AccountPath,
    bundle: BundleOption = None,
    mode: ModeOption = None,
    shock: Shocks = None,
    profile: ProfileOption = None,
    scenarios: Scenarios = False,
    liquidate: Liquidate = False,
    contagion: Contagion = False,
    allocate: Allocate = False,
    optimise: Optimise = False,
    fee: Fee = "0%",
    bonus: Bonus = "0%",
    seed: Seed = 1,
    horizon: Horizon = None,
    over: Over = None,
    aversion: Aversion = None,
    accounts: AccountsOption = None,
    turnover: Turnover = None,
    history: History = False,
    past: PastOption = None,
    step: Step = None,
    pin: Pins = None,
    db: DbOption = None,
    json: JsonFlag = False,
) -> int:
    """Weigh an account under what-ifs: modes, shocks, scenarios, cures; offline."""
    from verifier.app.risk_sections import (
        RiskOptions,
        check_horizons,
        needs_report,
        parse_aversion,
        parse_horizons,
        parse_rate,
        parse_span,
    )

    state: State = ctx.obj
    spec = state.account(account, online=False, db=db)
    options = RiskOptions(
        parse_rate(fee, "--fee"),
        parse_rate(bonus, "--bonus"),
        seed,
        parse_span(over, "--over"),
        parse_aversion(aversion or "0.000001", "--aversion"),
        parse_rate(turnover or "100%", "--turnover", least=1),
        _peers(accounts),
        *parse_horizons(horizon or ()),
    )
    backwards = history or past is not None
    needs_report("--over", "--liquidate", given=over is not None, asked=liquidate)
    needs_report("--horizon", "--allocate", given=bool(horizon), asked=allocate or backwards)
    needs_report("--aversion", "--over", given=aversion is not None, asked=over is not None)
    needs_report("--accounts", "--contagion", given=accounts is not None, asked=contagion)
    needs_report("--turnover", "--optimise", given=turnover is not None, asked=optimise)
    needs_report("--step", "--history", given=step is not None, asked=backwards)
    prices = _past(state, spec, db, past, parse_span(step or "1d", "--step") or 1) if backwards else None
    made = _tried(
        state, spec, _evidence(state, spec, bundle, db), _Changes(mode, shock or [], profile, prices), pin, db
    )
    check_horizons(options, made.snapshot)
    sections = _analyses(made, scenarios=scenarios)
    risks = {"liquidate": liquidate, "contagion": contagion, "allocate": allocate, "optimise": optimise}
    sections += _risks(made, [name for name, wanted in risks.items() if wanted], options)
    if history:
        sections.append(_history(state, spec, db))
    if prices is not None:
        sections.append(_prices(made, prices, options))
    return _keep_and_show(state, made, sections, as_json=json, db=db)


def _tried(
    state: State, spec: AccountSpec, data: bytes, changes: _Changes, pin: list[str] | None, db: Path | None
) -> WhatIf:
    """The account over its evidence, with what is changed."""
    from verifier.app.profiles import load_profile
    from verifier.app.service import anchors_of
    from verifier.app.what_if import parse_shock, what_if
    from verifier.margin.modes import Mode

    prices = changes.prices
    shocks = tuple(parse_shock(text) for text in changes.shocks)
    with state.shelf(db, spec.beacon.configs, create=False) as shelf:
        lights = () if shelf is None else shelf.recorded(anchors_of(data))
    return what_if(
        spec,
        data,
        now=clock(),
        roots=parse_pins(pin, spec),
        mode=None if changes.mode is None else Mode(changes.mode.value),
        shocks=shocks,
        profile=None if changes.profile is None else load_profile(changes.profile),
        lights=lights,
        past=None if prices is None or not prices.past.enough else prices.past,
    )


def _analyses(made: WhatIf, *, scenarios: bool) -> list[Section]:
    """What is always shown beside the figures, and the scenarios if they are asked for."""
    from verifier.app.margin_sections import ALWAYS, ANALYSES

    asked = {"scenarios": scenarios}
    return [
        *(analysis(made) for analysis in ALWAYS),
        *(analysis(made) for name, analysis in ANALYSES.items() if asked.get(name)),
    ]


def _peers(path: Path | None) -> tuple[tuple[Peer, ...], tuple[Owed, ...]] | None:
    from verifier.app.peers_file import read_peers

    return None if path is None else read_peers(path)


def _risks(made: WhatIf, names: list[str], options: RiskOptions) -> list[Section]:
    """What was asked for of the risk reports."""
    if not names:
        return []
    from verifier.app.commands.margin_reports import RISK_ANALYSES

    return [RISK_ANALYSES[name](made, options) for name in names]


def _evidence(state: State, spec: AccountSpec, bundle: Path | None, db: Path | None) -> bytes:
    """A bundle's bytes: the file that is named, or the latest that the store keeps of this account."""
    from verifier.app.errors import UsageError
    from verifier.app.store import Store

    if bundle is not None:
        return read_bundle(bundle)
    path = state.database(db)
    remedy = "run xmargin verify first, or name evidence with --bundle"
    if not path.is_file():
        raise UsageError(f"no evidence of {spec.name} is kept", remedy)
    with Store(path, create=False) as store:
        found = store.last_bundle(spec.name)
        if found is None:
            raise UsageError(f"no evidence of {spec.name} is kept", remedy)
        return store.load_bundle(found)


def _past(state: State, spec: AccountSpec, db: Path | None, file: Path | None, step: int) -> PastPrices:
    """A file's prices, else those of the account's reports in the store."""
    from verifier.app.past_prices import from_file, from_store

    if file is not None:
        return from_file(file, step)
    with _opened(state, db) as store:
        return from_store(store, spec.name, step)


def _prices(made: WhatIf, prices: PastPrices, options: RiskOptions) -> Section:
    from verifier.app.commands.margin_past import past_section

    return past_section(made, prices, options)


def _history(state: State, spec: AccountSpec, db: Path | None) -> Section:
    from verifier.app.margin_sections import history

    with _opened(state, db) as store:
        return history(store, spec.name)


def _opened(state: State, db: Path | None) -> Store:
    from verifier.app.errors import UsageError
    from verifier.app.store import Store

    path = state.database(db)
    if not path.is_file():
        raise UsageError("nothing is kept yet", "run xmargin verify first")
    return Store(path, create=False)


def _keep_and_show(state: State, made: WhatIf, sections: list[Section], *, as_json: bool, db: Path | None) -> int:
    """Kept first, then shown; a what-if is kept as a run, and never as the account's snapshot."""
    from verifier.app.exit_codes import codes_of, worst
    from verifier.app.json_view import dumps
    from verifier.app.kept import Record
    from verifier.app.margin_view import margin_json, margin_view

    codes = codes_of(made.run.verified.outcomes, made.figures.status, made.run.verified.prices)
    code = worst(codes)
    text = dumps(margin_json(made, sections, code, codes))
    kept = Record(
        at=made.now,
        command="margin",
        exit_code=int(code),
        shown=text,
        account=made.run.spec.name,
        codes=tuple(int(c) for c in codes),
    )
    state.keep(kept, db)
    terminal = state.terminal()
    if as_json:
        terminal.raw(text)
    else:
        terminal.show(margin_view(made, sections))
        for section in sections:
            for note in section.notes:
                terminal.say(note)
    return int(code)
