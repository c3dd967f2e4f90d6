"""The account file: what a person writes, checked for shape.

This module decides shape only: known keys, right types, exact numbers. What the words mean (which network, which
token) is decided in `compile`, with the registry at hand. Values are held as parsed integers, decimals and bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from verifier.app.errors import ConfigError, Problem, did_you_mean
from verifier.app.quantities import (
    exact_decimal,
    given_address,
    given_denied,
    given_hash,
    moment,
    positive_decimal,
    rate_ppm,
    share_ppm,
    span_seconds,
    weight_ppm,
)
from verifier.app.toml_source import TomlSource, dotted, parse_toml, read_toml
from verifier.calls import MAX_GAS
from verifier.primitives import MAX_CHAIN_ID, MAX_UINT256, Address, Hash32, Timestamp

_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:+-]{0,63}$"


def _words(value: object) -> object:
    """One word stands for a list of one."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


def _holder_places(value: object) -> object:
    """`"0x…"` everywhere, or a table of network names."""
    if isinstance(value, Mapping):
        return {"by_network": {k: _words(v) for k, v in value.items()}}
    return {"everywhere": _words(value)}


def _endpoint(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


def _slot_number(value: object) -> int:
    if isinstance(value, str) and value.startswith("0x"):
        try:
            value = int(value, 16)
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_UINT256:
        raise ValueError('expected a slot: an integer, or hex as a string such as "0x33"')
    return value


def _sender(value: object) -> object:
    return value if value == "$holder" else given_address(value)


def _arguments(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Name = Annotated[str, StringConstraints(pattern=_NAME_PATTERN)]
AddressText = Annotated[Address, BeforeValidator(given_address)]
HashText = Annotated[Hash32, BeforeValidator(given_hash)]
DeniedText = Annotated[bytes, BeforeValidator(given_denied)]
When = Annotated[Timestamp, BeforeValidator(moment)]
Span = Annotated[int, BeforeValidator(span_seconds)]
Share = Annotated[int, BeforeValidator(share_ppm)]
Rate = Annotated[int, BeforeValidator(rate_ppm)]
Weight = Annotated[int, BeforeValidator(weight_ppm)]
Number = Annotated[Decimal, BeforeValidator(exact_decimal)]
Positive = Annotated[Decimal, BeforeValidator(positive_decimal)]
SlotNumber = Annotated[int, BeforeValidator(_slot_number)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Arguments = Annotated[tuple[object, ...], BeforeValidator(_arguments), Field(max_length=64)]
Bit = Annotated[int, Field(ge=0, le=255)]
Decimals = Annotated[int, Field(ge=0, le=77)]
ChainIdNumber = Annotated[int, Field(ge=1, le=MAX_CHAIN_ID)]
Preset = Literal["strict", "practical"]
PositionWord = Literal[
    "steth", "wsteth", "reth", "erc4626", "aave-v3", "aave-v3-debts", "compound-v3", "morpho-blue", "uniswap-v2",
    "uniswap-v3",
]  # fmt: skip
"""The kinds of `verifier.positions` that a person writes; `storage` is written as a layout and a path."""


FeedWord = Literal["call", "chainlink", "uniswap-v3-average", "steth", "wsteth", "reth", "erc4626"]
"""The sources of `verifier.prices.source` that a person writes."""


class Part(BaseModel):
    """Strict: no coercion, no unknown key, no change afterwards."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class AccountPart(Part):
    """[account]"""

    name: Name
    mode: Literal["cross", "isolated", "portfolio", "mixed"] = "cross"
    as_of: When | None = None
    control: Words = ()


class HaircutPart(Part):
    """[policy.anchor_haircuts.<anchor>]"""

    initial: Share
    maintenance: Share


class ProposedPart(HaircutPart):
    """[policy.proposed]: what must be shown of roots that are posted and not settled, and their discount."""

    min_age: Span | None = None
    quorum: Annotated[int, Field(ge=2, le=64)] | None = None


class FactorsPart(Part):
    """[policy.assets.<GROUP>]: how an asset group counts."""

    haircut_initial: Share | None = None
    haircut_maintenance: Share | None = None
    debt_weight_initial: Weight | None = None
    debt_weight_maintenance: Weight | None = None
    volatility: Rate | None = None
    interest: Rate | None = None


class PolicyPart(Part):
    """[policy]: a preset, and what differs from it."""

    preset: Preset | None = None
    anchors: Annotated[tuple[str, ...], BeforeValidator(_words)] | None = None
    settlements: Annotated[tuple[str, ...], BeforeValidator(_words)] | None = None
    quorum: Annotated[int, Field(ge=2, le=64)] | None = None
    max_head_lag: Span | None = None
    max_skew: Span | None = None
    max_age: Span | None = None
    max_clock_error: Span | None = None
    age_hard: Span | None = None
    min_participation: Share | None = None
    accept_contracts: Words = ()
    denied: Annotated[tuple[DeniedText, ...], BeforeValidator(_words)] = ()
    anchor_haircuts: dict[str, HaircutPart] = Field(default={})
    proposed: ProposedPart | None = None
    assets: dict[Name, FactorsPart] = Field(default={})


class EndpointPart(Part):
    """One endpoint; the URL may hold ${VARIABLES} and is never shown."""

    url: Annotated[str, Field(min_length=1, max_length=2_048, repr=False)]
    name: Name | None = None
    operator: Name | None = None
    headers: dict[str, Annotated[str, Field(max_length=4_096)]] = Field(default={}, repr=False)
    rate: Annotated[float, Field(gt=0, le=10_000, strict=False)] | None = None
    batch: Annotated[int, Field(ge=1, le=1_000)] = 50
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4


Endpoints = Annotated[tuple[Annotated[EndpointPart, BeforeValidator(_endpoint)], ...], BeforeValidator(_words)]
Pins = Annotated[tuple[HashText, ...], BeforeValidator(_words)]
ASK_ENDPOINTS: Literal["ask-endpoints"] = "ask-endpoints"
"""The words by which a file lets its own beacon endpoints name the checkpoint."""
CheckpointText = Annotated[
    Hash32 | Literal["ask-endpoints"], BeforeValidator(lambda v: v if v == ASK_ENDPOINTS else given_hash(v))
]


class CodePart(Part):
    """One [[networks.<name>.codes]]: the code that a contract of the parent was reviewed with."""

    role: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,32}(:[0-9]{1,10})?$")]
    code_hash: HashText
    implementation: AddressText | None = None
    implementation_code_hash: HashText | None = None


class NetworkPart(Part):
    """[networks.<name>]: where to ask, which blocks the checker believes, and for a rollup what it settles on."""

    endpoints: Endpoints = ()
    pin: Pins = ()
    beacon: Endpoints = ()
    checkpoint: CheckpointText | None = None
    consensus: Annotated[str, Field(min_length=1, max_length=1_024)] | None = None
    chain_id: ChainIdNumber | None = None
    family: Name | None = None
    native_symbol: Name | None = None
    native_decimals: Decimals | None = None
    parent: Name | None = None
    scheme: Name | None = None
    delay: Span | None = None
    contracts: dict[Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,32}$")], AddressText] = Field(default={})
    codes: Annotated[tuple[CodePart, ...], Field(strict=False)] = ()
    fork: Literal["london", "paris", "shanghai", "cancun", "prague", "osaka", "bpo1", "bpo2"] | None = None


class HolderPart(Part):
    """One name in [holders]: addresses on every network, or by network."""

    everywhere: Annotated[tuple[AddressText, ...], Field(strict=False)] = ()
    by_network: dict[str, tuple[AddressText, ...]] = Field(default={})


Holder = Annotated[HolderPart, BeforeValidator(_holder_places)]


class AssetPart(Part):
    """[[assets]] or [[debts]]: what is held or owed, by whom, where."""

    network: Name
    holder: Words = ()
    holders: Words = ()
    asset: Name | None = None
    contract: AddressText | None = None
    slot: SlotNumber | None = None
    order: Literal["solidity", "vyper", "solady"] | None = None
    decimals: Decimals | None = None
    symbol: Name | None = None
    group: Name | None = None
    offset_bits: Bit | None = None
    width_bits: Annotated[int, Field(ge=1, le=256)] | None = None
    blocked_bit: Bit | None = None
    other_bits: SlotNumber | None = None
    proxy: Literal["eip1967", "zeppelinos"] | None = None
    call: Annotated[str, Field(min_length=4, max_length=1_200)] | None = None
    args: Arguments | None = None
    index: Annotated[int, Field(ge=0, le=255)] | None = None
    gas: Annotated[int, Field(ge=21_000, le=MAX_GAS)] | None = None
    sender: Annotated[Address | str, BeforeValidator(_sender)] | None = None
    position: PositionWord | None = None
    given: dict[Name, int | Annotated[str, Field(min_length=1, max_length=256)]] = Field(default={}, alias="with")
    layout: Annotated[str, Field(min_length=1, max_length=1_024)] | None = None
    path: Annotated[str, Field(min_length=1, max_length=2_048)] | None = None
    pocket: Name | None = None


class DeclaredDebtPart(Part):
    """[[debts]] with declared = true: a debt that is typed in. It only lowers the account."""

    declared: Literal[True]
    group: Name
    amount: Positive
    at: When
    name: Name | None = None
    note: Annotated[str, Field(max_length=200)] = ""
    pocket: Name | None = None


class PositionPart(Part):
    """[[positions]]: a perpetual, future or option that is typed in. It only burdens the account."""

    market: Name
    size: Number
    kind: Literal["perp", "inverse", "future", "call", "put"] = "perp"
    entry: Positive | None = None
    multiplier: Positive | None = None
    strike: Positive | None = None
    expiry: When | None = None
    portfolio: bool = False
    network: Name | None = None
    protocol: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    name: Name | None = None
    pocket: Name | None = None


class OrderPart(Part):
    """[[orders]]: a resting order on a perpetual: a bid above zero, an ask below."""

    market: Name
    size: Number
    limit: Positive
    name: Name | None = None
    pocket: Name | None = None


class ExpiryPart(Part):
    """[[expiries]]: forward, rate and volatilities of one underlying and expiry."""

    group: Name
    expiry: When
    at: When
    forward: Positive
    fixed: Number = Decimal(0)
    rate: Rate | None = None
    volatility: Rate | None = None
    vols: dict[str, Rate] = Field(default={})
    confidence: Share | None = None


class RoutePart(Part):
    """[[routes]]: how money gets from one network to another."""

    start: Name
    end: Name
    capacity: Positive
    cost: Share = 0
    latency: Span = 0
    open: bool = True
    bridge: Name | None = None


class VenuePart(Part):
    """[[venues]]: by which profile a place judges what stands there."""

    protocol: Annotated[str, Field(min_length=1, max_length=200)]
    network: Name | None = None
    profile: Name


class DepthPart(Part):
    """[depths.<GROUP>]: what is traded in a day, and how far a day moves the price."""

    volume: Positive
    volatility: Rate
    coefficient: Weight = 1_000_000


class ReturnsPart(Part):
    """[returns]: past log returns by group, oldest first, all on one clock."""

    step: Span = 86_400
    series: dict[Name, Annotated[tuple[Number, ...], Field(strict=False, max_length=20_000)]] = Field(default={})


class TierPart(Part):
    """One tier of a market, from a notional in USD on."""

    from_notional: Number = Decimal(0)
    initial: Share
    maintenance: Share


class MarketPart(Part):
    """[markets.<name>]: what positions on it need."""

    underlying: Name
    tiers: Annotated[tuple[TierPart, ...], Field(strict=False, min_length=1)]


class PricePart(Part):
    """[prices.<GROUP>]: a price that is typed in, with its time and source."""

    usd: Positive
    at: When
    source: Annotated[str, Field(min_length=1, max_length=200)]
    stable: Positive | None = None
    confidence: Share | None = None


class FeedPart(Part):
    """[[feeds]]: a price by proof, of a group, as a contract says it."""

    group: Name
    network: Name
    feed: FeedWord
    contract: AddressText
    quote: Name = "USD"
    given: dict[Name, int | Annotated[str, Field(min_length=1, max_length=256)]] = Field(default={}, alias="with")
    heartbeat: Span | None = None
    least: Positive | None = None
    most: Positive | None = None
    max_deviation: Share | None = None


class MarginPart(Part):
    """[margin]: bounds of the ratio, limits on prices, and the least an account must hold."""

    warning: Weight | None = None
    margin_call: Weight | None = None
    final_call: Weight | None = None
    max_price_age: Span | None = None
    hard_price_age: Span | None = None
    floor_initial: Number = Decimal(0)
    floor_maintenance: Number = Decimal(0)
    profile: Name | None = None
    settlement: Name | None = None
    margin_grace: Span | None = None
    final_grace: Span | None = None
    data_grace: Span | None = None
    quiet: Span | None = None
    hysteresis: Share | None = None
    latencies: dict[Name, Span] = Field(default={})


class AccountFile(Part):
    """A whole account file, of right shape."""

    account: AccountPart
    policy: PolicyPart = PolicyPart()
    margin: MarginPart = MarginPart()
    networks: dict[Name, NetworkPart] = Field(default={})
    holders: dict[Name, Holder] = Field(default={})
    assets: Annotated[tuple[AssetPart, ...], Field(strict=False)] = ()
    debts: Annotated[tuple[AssetPart | DeclaredDebtPart, ...], Field(strict=False)] = ()
    positions: Annotated[tuple[PositionPart, ...], Field(strict=False)] = ()
    markets: dict[Name, MarketPart] = Field(default={})
    prices: dict[Name, PricePart] = Field(default={})
    orders: Annotated[tuple[OrderPart, ...], Field(strict=False)] = ()
    expiries: Annotated[tuple[ExpiryPart, ...], Field(strict=False)] = ()
    routes: Annotated[tuple[RoutePart, ...], Field(strict=False)] = ()
    venues: Annotated[tuple[VenuePart, ...], Field(strict=False)] = ()
    bridges: dict[str, Name] = Field(default={})
    depths: dict[Name, DepthPart] = Field(default={})
    returns: ReturnsPart = ReturnsPart()
    feeds: Annotated[tuple[FeedPart, ...], Field(strict=False)] = ()


def read_account(path: Path) -> tuple[AccountFile, TomlSource]:
    """
    The file and its source (for the lines of later problems).

    Raises:
        ConfigError: It cannot be read, or is not of the right shape; all problems are listed.
    """
    source = read_toml(path)
    return parse_part(AccountFile, source.tree, source), source


def parse_account(text: str, origin: str = "account file") -> tuple[AccountFile, TomlSource]:
    """The same, from text."""
    source = parse_toml(text, origin)
    return parse_part(AccountFile, source.tree, source), source


P = TypeVar("P", bound=Part)


def parse_part(model: type[P], tree: object, source: TomlSource) -> P:
    """
    A model from a tree.

    Raises:
        ConfigError: With the key path, the line and the cure of every problem.
    """
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        details = _of_right_branch(error.errors(include_url=False, include_input=False), tree)
        problems = [_problem(model, detail, source) for detail in details]
        raise ConfigError(source.origin, dict.fromkeys(problems)) from None


_MEMBERS = {"AssetPart", "DeclaredDebtPart"}
_SHOWN_PROBLEMS = 20


def _of_right_branch(details: list[ErrorDetails], tree: object) -> list[ErrorDetails]:
    """A debt is either proven or declared; only the complaints of the kind that was meant are worth showing."""
    kept = []
    for detail in details[:_SHOWN_PROBLEMS]:
        loc = detail["loc"]
        if len(loc) >= 3 and loc[2] in _MEMBERS:
            declared = "declared" in _at(tree, loc[:2])
            if (loc[2] == "DeclaredDebtPart") != declared:
                continue
        kept.append(detail)
    return kept


def _at(tree: object, path: tuple[int | str, ...]) -> Mapping[object, object]:
    for part in path:
        if isinstance(tree, list) and isinstance(part, int):
            tree = tree[part]
        elif isinstance(tree, Mapping):
            tree = tree.get(part)
    return tree if isinstance(tree, Mapping) else {}


_SYNTHETIC = frozenset({"everywhere", "by_network", "[key]"}) | _MEMBERS
_SENTENCES = {
    "missing": "is required",
    "string_type": "expected text in quotes",
    "int_type": "expected an integer",
    "bool_type": "expected true or false",
    "model_type": "expected a table",
    "dict_type": "expected a table",
    "tuple_type": "expected a list",
    "string_pattern_mismatch": "expected a name of letters, digits and any of _ . : + - (at most 64)",
    "model_attributes_type": "expected a table",
}


def _problem(model: type[Part], detail: ErrorDetails, source: TomlSource) -> Problem:
    path = tuple(part for part in detail["loc"] if part not in _SYNTHETIC)
    kind = detail["type"]
    if kind == "extra_forbidden":
        message = f"unknown key; {did_you_mean(str(path[-1]), _known_keys(model, detail['loc'][:-1]))}"
    elif kind == "value_error":
        message = detail["msg"].removeprefix("Value error, ")
    elif kind == "literal_error":
        message = f"expected {detail['ctx']['expected']}"
    else:
        message = _SENTENCES.get(kind, detail["msg"][:1].lower() + detail["msg"][1:])
    return Problem(dotted(path), message, source.line_of(path))


def _known_keys(model: type[Part], path: tuple[int | str, ...]) -> list[str]:
    """The keys of the table at a path of the model."""
    tables: list[type[Part]] = [model]
    for part in path:
        found = [t for table in tables if part in table.model_fields for t in _models(table.model_fields[str(part)])]
        chosen = [t for t in tables if t.__name__ == part]
        tables = found or chosen or tables
    return [name for table in tables for name in table.model_fields]


def _models(field: object) -> list[type[Part]]:
    """The tables inside an annotation, whatever containers they stand in."""
    annotation = getattr(field, "annotation", field)
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return [annotation] if issubclass(annotation, Part) else []
    inner = get_args(annotation)
    return [found for part in inner for found in _models(part)] if inner or get_origin(annotation) is Union else []
