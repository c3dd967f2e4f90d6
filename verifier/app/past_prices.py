"""Past prices: those that earlier runs left in the store, or a file of the user's own."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final

from verifier.app.errors import UsageError
from verifier.app.quantities import moment, positive_decimal, scaled
from verifier.app.store import Store
from verifier.codec import bounded_json
from verifier.errors import BadInput
from verifier.margin.fixed import MAX_PRICE, Price
from verifier.margin.models.past import LEAST, Dated, Past, aligned
from verifier.primitives import Timestamp

MOST_BYTES: Final = 16 << 20
MOST_REPORTS: Final = 5_000
PROVEN: Final = "proven:"
"""How the source of a price by proof begins."""
_KEPT: Final = """
SELECT s.as_of AS as_of, json_extract(part.value, '$.group') AS asset, json_extract(part.value, '$.price.usd') AS usd,
       json_extract(part.value, '$.price.age') AS age, json_extract(part.value, '$.price.source') AS source
FROM (SELECT as_of, report FROM margin_snapshots WHERE account = ? ORDER BY as_of DESC, id DESC LIMIT ?) AS s,
     json_each(s.report, '$.margin.pockets') AS pool,
     json_each(json_array(json_extract(pool.value, '$.lines'), json_extract(pool.value, '$.positions'))) AS kind,
     json_each(kind.value) AS part
WHERE json_extract(part.value, '$.price.usd') IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Series:
    """One asset's dated prices, each time once. `proven` says that each was proven when it was kept."""

    group: str
    prices: tuple[Dated, ...]
    proven: bool = False


@dataclass(frozen=True, slots=True)
class PastPrices:
    """
    What there is, and what can be made of it.

    Attributes:
        origin: `store` or `file`.
    """

    origin: str
    series: tuple[Series, ...]
    past: Past

    @property
    def verdict(self) -> str:
        """A sentence: what is used, or why nothing is."""
        taken, scarce = self.past, ", ".join(self.past.scarce)
        few = f"; too few prices of {scarce}" if scarce else ""
        if not self.series:
            return f"no past prices in the {self.origin}"
        if not taken.enough:
            return f"{taken.moves} joint moves in the {self.origin}, {LEAST} are needed: not used{few}"
        return f"{taken.moves} joint moves in the {self.origin} are used{few}"


def from_store(store: Store, account: str, step: int) -> PastPrices:
    """
    The prices of an account's kept reports; of an asset that was ever priced by proof, those by proof alone.

    They are as they were reported then: they serve what-ifs, and no statement takes what rests on them.
    """
    proven: dict[str, dict[Timestamp, Price]] = {}
    typed: dict[str, dict[Timestamp, Price]] = {}
    for row in store.rows(_KEPT, (account, MOST_REPORTS)):
        group, as_of, age = row["asset"], row["as_of"], row["age"]
        if not (isinstance(group, str) and isinstance(as_of, int) and isinstance(age, int)):
            continue
        into = proven if str(row["source"]).startswith(PROVEN) else typed
        with suppress(ValueError):  # a row that somebody spoilt is no price
            into.setdefault(group, {})[Timestamp(as_of - age)] = _price(row["usd"])
    series = [Series(group, _sorted(found), proven=True) for group, found in proven.items()]
    series += [Series(group, _sorted(found)) for group, found in typed.items() if group not in proven]
    return _made("store", series, step)


def from_file(path: Path, step: int) -> PastPrices:
    """
    A file of prices: CSV with a column `time` and one for each asset, or JSON (`{"prices": {"ETH": [{"at", "usd"}]}}`).

    Raises:
        UsageError: It is neither, holds what is no price, or fewer moves than say anything.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"{path} is larger than {MOST_BYTES} bytes", "leave out what is oldest")
        text = path.read_text(encoding="utf-8")
        found = _from_json(text) if path.suffix == ".json" else _from_csv(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UsageError(f"{path} cannot be read: {reason}", "name another file") from None
    except (ValueError, BadInput, csv.Error) as error:
        raise UsageError(f"{path}: {error}", "docs/risk.md shows the form") from None
    made = _made("file", [Series(group, _sorted(prices)) for group, prices in found.items()], step)
    if not made.past.enough:
        raise UsageError(f"{path}: {made.verdict}", "give more prices, or a shorter --step")
    return made


def _made(origin: str, series: Sequence[Series], step: int) -> PastPrices:
    ordered = tuple(sorted(series, key=lambda one: one.group))
    return PastPrices(origin, ordered, aligned({one.group: one.prices for one in ordered}, step))


def _from_csv(text: str) -> Mapping[str, dict[Timestamp, Price]]:
    rows = csv.reader(StringIO(text), strict=True)
    heads = [head.strip() for head in next(rows, [])]
    if not heads or heads[0] != "time" or len(heads) < 2 or len(set(heads)) != len(heads) or not all(heads):
        raise ValueError("the first line is not `time` and the names of assets, each once")
    found: dict[str, dict[Timestamp, Price]] = {head: {} for head in heads[1:]}
    for number, row in enumerate(rows, 2):
        if not row:
            continue
        if len(row) != len(heads):
            raise ValueError(f"line {number} has {len(row)} cells, and the first has {len(heads)}")
        for head, cell in zip(heads[1:], row[1:], strict=True):
            if cell.strip():
                _add(found[head], row[0].strip(), cell.strip(), f"line {number}, {head}")
    return found


def _from_json(text: str) -> Mapping[str, dict[Timestamp, Price]]:
    tree = bounded_json.loads(text)
    prices = tree["prices"] if isinstance(tree, dict) and list(tree) == ["prices"] else None
    if not isinstance(prices, dict):
        raise ValueError('not an object with the one key "prices"')  # noqa: TRY004 - what the caller words
    found: dict[str, dict[Timestamp, Price]] = {}
    for group, dated in prices.items():
        if not isinstance(dated, list):
            raise ValueError(f"prices.{group} is no list")  # noqa: TRY004 - as above
        found[group] = {}
        for n, one in enumerate(dated):
            if not isinstance(one, dict) or set(one) != {"at", "usd"}:
                raise ValueError(f'prices.{group}[{n}] is no object with "at" and "usd"')
            _add(found[group], one["at"], one["usd"], f"prices.{group}[{n}]")
    return found


def _add(into: dict[Timestamp, Price], at: object, usd: object, where: str) -> None:
    try:
        when = moment(int(at) if isinstance(at, str) and at.isdecimal() else at)
        price = _price(usd)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if when in into:
        raise ValueError(f"{where}: a second price of the same time")
    into[when] = price


def _price(usd: object) -> Price:
    found = scaled(positive_decimal(usd), 18, "a price")
    if found > MAX_PRICE:
        raise ValueError("a price beyond 10^12 USD")
    return Price(found)


def _sorted(prices: Mapping[Timestamp, Price]) -> tuple[Dated, ...]:
    return tuple(sorted(prices.items()))
