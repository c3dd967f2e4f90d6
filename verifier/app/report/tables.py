"""Tables: balances with their proof, trust and age; the margin account; small lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from verifier.app.findings import Findings
from verifier.app.quantities import checksummed, rfc3339
from verifier.app.report.escape import clean
from verifier.errors import VerifierError
from verifier.margin.duplicates import label
from verifier.margin.fixed import credit, show_scaled
from verifier.margin.lines import LineValue
from verifier.margin.report import MarginReport, PocketReport
from verifier.margin.status import FAILING, Status
from verifier.primitives import Address, to_hex
from verifier.proven import Moment, ProvenAmount
from verifier.trust import Checkpoint, Observed, TrustRoot
from verifier.verify import Outcome, PriceRefusal, Refusal

_CENTS = 10**16
_SHOWN_DIGITS = 8


def findings_view(found: Findings) -> RenderableType:
    """The whole answer: balances, account, what was not verified, trust roots."""
    parts: list[RenderableType] = [balances(found)]
    if found.floor:
        parts += [_heading("Fresh figures by proposed roots, and their settled floor"), beside(found, found.floor)]
    if found.fresh:
        parts += [_heading("Settled figures, and what proposed roots give: shown, and counted nowhere")]
        parts += [beside(found, found.fresh, ("settled", "fresh"))]
    if found.report is not None:
        parts += [account_view(found.report)]
    if found.prices:
        parts += [_heading("Prices by proof"), prices(found)]
    refusals = [o for o in (*found.outcomes, *found.strangers) if isinstance(o, Refusal)]
    if refusals:
        parts += [_heading("Not verified"), *_refusals(refusals, found)]
    if found.strangers:
        parts += [Text(f"{len(found.strangers)} claims of the bundle are not the account's; they count nowhere")]
    parts += [*_behaviour(found), _roots(found)]
    return Group(*parts)


def balances(found: Findings) -> Table:
    """One line for each claim."""
    values = {} if found.report is None else {v.line.id: v for v in found.report.figures.lines}
    table = plain("chain", "account", "asset", "amount", "price", "value", "haircut", "status", "block age")
    for column in (3, 4, 5, 6, 8):
        table.columns[column].justify = "right"
    for outcome in found.outcomes:
        table.add_row(*_balance_row(outcome, values.get(label(outcome.claim)), found))
    for value in values.values():
        if value.line.declared:
            table.add_row(*_declared_row(value))
    return table


def _balance_row(outcome: Outcome, value: LineValue | None, found: Findings) -> list[Text]:
    claim = outcome.claim
    network = found.networks.get(claim.chain_id)
    debt = " (debt)" if claim.kind.value == "debt" else ""
    cells = [
        cell(f"chain {claim.chain_id}" if network is None else network.name),
        cell(_holder(claim.holder, found.holders)),
        cell(claim.asset.symbol + debt),
    ]
    if isinstance(outcome, Refusal):
        word = "missing" if outcome.missing else "refused"
        return [*cells, cell("-"), _price(value), cell("-"), cell("-"), cell(word, "bold red"), cell("-")]
    trust = outcome.trust.word
    style = "green" if trust in {"finalized", "pinned"} else "yellow"
    amount = cell(_short(show_scaled(outcome.amount, claim.asset.decimals)))
    status = cell(f"proven · {trust}", style)
    return [*cells, amount, _price(value), _value(value), _haircut(value), status, cell(_age(outcome))]


def beside(found: Findings, others: Mapping[int, Outcome], names: tuple[str, str] = ("fresh", "settled")) -> Table:
    """Side by side: the figure that was taken, and the one by the other choice of roots."""
    table = plain("chain", "account", "asset", names[0], "block age", names[1], "block age")
    for column in (3, 4, 5, 6):
        table.columns[column].justify = "right"
    for index, other in others.items():
        taken = found.outcomes[index]
        table.add_row(*_balance_row(taken, None, found)[:3], *_figure(taken), *_figure(other))
    return table


def _figure(outcome: Outcome) -> tuple[Text, Text]:
    if isinstance(outcome, Refusal):
        return cell("missing" if outcome.missing else "refused", "bold red"), cell("-")
    return cell(_short(show_scaled(outcome.amount, outcome.claim.asset.decimals))), cell(_age(outcome))


def _declared_row(value: LineValue) -> list[Text]:
    line = value.line
    amount = "-" if line.amount is None else _short(show_scaled(line.amount, line.decimals))
    first = [cell("-"), cell(line.id.partition(":")[2]), cell(f"{line.symbol} (debt)"), cell(amount)]
    return [*first, _price(value), _value(value), _haircut(value), cell("declared", "yellow"), cell("-")]


def _holder(holder: Address, names: Mapping[Address, str] | None) -> str:
    shown = checksummed(holder)
    name = (names or {}).get(holder)
    brief = f"{shown[:8]}…{shown[-6:]}"
    return f"{name} {brief}" if name else brief


def _price(value: LineValue | None) -> Text:
    return cell("-" if value is None or value.price.price is None else _short(show_scaled(value.price.price)))


def _value(value: LineValue | None) -> Text:
    return cell("-" if value is None or value.low is None else cents(value.low))


def _haircut(value: LineValue | None) -> Text:
    """What data haircuts took of the gross value, at maintenance level."""
    if value is None or value.gross is None or value.low is None or value.gross <= 0:
        return cell("-")
    lost = (value.gross - value.low) * 10_000 // value.gross
    return cell(f"{lost // 100}.{lost % 100:02d}%")


def _age(amount: ProvenAmount) -> str:
    age = max(0, amount.as_of - amount.header.timestamp)
    return f"{span(age)} exact" if amount.moment is Moment.EXACT else span(age)


def account_view(report: MarginReport) -> RenderableType:
    """Equity, requirements, ratio and status of each pocket."""
    table = plain("pocket", "equity low", "equity high", "initial", "maintenance", "ratio", "free", "status")
    for column in range(1, 7):
        table.columns[column].justify = "right"
    for pocket in report.figures.pockets:
        table.add_row(*_pocket_row(pocket))
    figures = report.figures
    head = _heading(f"Margin account {clean(report.account.name)} ({figures.mode.value})")
    parts: list[RenderableType] = [head, table, positions(report)] if figures.positions else [head, table]
    status = Text("status ").append(report.status.value, style=status_style(report.status))
    reasons = dict.fromkeys(f"  {reason.doubt.value}: {clean(reason.text)}" for reason in figures.reasons)
    return Group(*parts, status, *map(Text, reasons))


def _pocket_row(pocket: PocketReport) -> list[Text]:
    low, high = pocket.low, pocket.high
    figures = ["-"] * 3 if low is None else [cents(low.equity), cents_up(low.initial), cents_up(low.maintenance)]
    equity, initial, maintenance = figures
    ratio = None if low is None else pocket.shown(low.ratio)
    return [
        cell(pocket.name or "cross"),
        cell(equity),
        cell("-" if high is None else cents(high.equity)),
        cell(initial),
        cell(maintenance),
        cell(ratio or "-"),
        cell(cents(pocket.free)),
        cell(pocket.status.value, status_style(pocket.status)),
    ]


def positions(report: MarginReport) -> Table:
    """Declared positions and what they need."""
    table = plain("position", "size", "entry", "price", "profit", "maintenance")
    for value in report.figures.positions:
        position = value.position
        price = value.price.price
        table.add_row(
            cell(position.id.partition(":")[2] or position.id),
            cell(_short(show_scaled(position.size, position.decimals))),
            cell(_short(show_scaled(position.entry))),
            cell("-" if price is None else _short(show_scaled(price))),
            cell("-" if value.profit is None else cents(value.profit)),
            cell(cents_up(value.low.maintenance) if value.low_known else "-"),
        )
    return table


def status_style(status: Status) -> str:
    """The colour of a status; the word always says it too."""
    if status in FAILING or status in {Status.INDETERMINATE, Status.DATA_CALL}:
        return "bold red"
    return "green" if status is Status.HEALTHY else "yellow"


def _refusals(refusals: Iterable[Refusal], found: Findings) -> list[Text]:
    shown = []
    for refusal in refusals:
        claim, error = refusal.claim, refusal.error
        kind = error.refusal_class if isinstance(error, VerifierError) else "TRANSPORT"
        who = _holder(claim.holder, found.holders)
        text = Text(f"  {clean(claim.asset.symbol)} of {who} [{kind}] {type(error).__name__}: {clean(str(error))}")
        remedy = error.remedy if isinstance(error, VerifierError) else ""
        shown.append(text.append(f"\n    → {remedy}") if remedy else text)
    return shown


def _behaviour(found: Findings) -> list[Text]:
    """Endpoints that lied or failed, by name, with the first lie; nothing where all served."""
    lines: list[Text] = []
    for report in found.endpoints:
        if report.lied:
            said = f"  {report.name} ({report.operator}) lied {report.lied} times, first: {report.first_lie}"
            lines.append(cell(said, "bold red"))
        elif report.failed and report.last_failure is not None:
            lines.append(
                cell(f"  {report.name} ({report.operator}) failed {report.failed} times: {report.last_failure}")
            )
    return [_heading("Endpoints"), *lines] if lines else []


def _roots(found: Findings) -> RenderableType:
    used = [root for root in found.roots if any(root.chain_id == o.claim.chain_id for o in found.outcomes)]
    lines = [Text(f"  {root_words(root, found)}") for root in used] or [Text("  none: nothing is believed beforehand")]
    meta = f"as of {rfc3339(found.as_of)} · policy {clean(found.policy.name)} · bundle {to_hex(found.bundle_id)}"
    return Group(_heading("Trust roots"), *lines, Text(meta))


def root_words(root: TrustRoot, found: Findings) -> str:
    """A trust root in words."""
    network = found.networks.get(root.chain_id)
    name = f"chain {root.chain_id}" if network is None else network.name
    if isinstance(root, Observed):
        return f"{name}: {to_hex(root.hash)} said by {', '.join(sorted(map(clean, root.operators)))} ({root.anchor})"
    if isinstance(root, Checkpoint):
        by = (
            f"said by {', '.join(sorted(map(clean, root.operators)))} ({root.anchor})"
            if root.operators
            else "given by you"
        )
        return f"{name}: beacon checkpoint {to_hex(root.root)} {by}"
    return f"{name}: {to_hex(root.hash)} pinned by you"


def prices(found: Findings) -> Table:
    """One line for each price: what it is and of when, or why there is none."""
    table = plain("group", "price", "quote", "source", "status", "age")
    table.columns[1].justify = table.columns[5].justify = "right"
    for outcome in found.prices:
        claim = outcome.claim
        rest = (cell(claim.quote), cell(f"{claim.how.kind.value} {to_hex(claim.contract)}"))
        if isinstance(outcome, PriceRefusal):
            said = cell(f"refused: {type(outcome.error).__name__}: {outcome.error}", "bold red")
            table.add_row(cell(claim.group), cell("-"), *rest, said, cell("-"))
            continue
        known = cell(f"proven · {outcome.trust.word}", "green")
        age = cell(span(max(0, found.as_of - outcome.at)))
        table.add_row(cell(claim.group), cell(_short(show_scaled(outcome.price))), *rest, known, age)
    return table


# --- small pieces ----------------------------------------------------------------------------------------


def plain(*columns: str) -> Table:
    """A table without ornament, whose cells are never read as markup."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def listing(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain list of anything."""
    table = plain(*columns)
    for row in rows:
        table.add_row(*(cell("-" if value is None else str(value)) for value in row))
    return table


def cell(text: str, style: str = "") -> Text:
    """A cell, escaped."""
    return Text(clean(text, 200), style=style)


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def cents(value: int) -> str:
    """Money the account has, in dollars and cents, rounded down."""
    return _grouped(credit(value, _CENTS))


def cents_up(value: int) -> str:
    """Money that is required, rounded up."""
    return _grouped(-credit(-value, _CENTS))


def _grouped(value: int) -> str:
    whole, part = divmod(abs(value), 100)
    return f"{'-' if value < 0 else ''}{whole:,}.{part:02d}"


def _short(text: str) -> str:
    """Decimal text cut (never rounded up) after a few digits; `…` says that more follow."""
    whole, point, part = text.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    grouped = f"{sign}{int(digits):,}"
    if len(part) <= _SHOWN_DIGITS:
        return grouped + point + part
    return f"{grouped}.{part[:_SHOWN_DIGITS]}…"


def span(seconds: int) -> str:
    """Seconds in words."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
