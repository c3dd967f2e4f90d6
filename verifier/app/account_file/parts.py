"""The tables of an account file that say what is held, by whom, where it is asked, and what policy takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from verifier.app.account_file.words import (
    AddressText,
    Arguments,
    BalanceSlot,
    Bit,
    ChainIdNumber,
    Decimals,
    DeniedText,
    HashText,
    Name,
    Part,
    PositionWord,
    Positive,
    Preset,
    Rate,
    Share,
    SlotNumber,
    Span,
    Weight,
    When,
    Words,
    words,
)
from verifier.app.quantities import given_address, given_hash
from verifier.calls import MAX_GAS
from verifier.primitives import Address, Hash32


def _holder_places(value: object) -> object:
    """`"0x…"` everywhere, or a table of network names."""
    if isinstance(value, Mapping):
        return {"by_network": {k: words(v) for k, v in value.items()}}
    return {"everywhere": words(value)}


def _endpoint(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


def _sender(value: object) -> object:
    return value if value == "$holder" else given_address(value)


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


class SignersPart(Part):
    """[policy.signers.<NAME>]: a set of signers whose word on a price is taken, in its order."""

    number: Annotated[int, Field(alias="set", ge=0, lt=1 << 32)]
    keys: Annotated[tuple[AddressText, ...], BeforeValidator(words), Field(min_length=1, max_length=255)]


class PolicyPart(Part):
    """[policy]: a preset, and what differs from it."""

    preset: Preset | None = None
    anchors: Annotated[tuple[str, ...], BeforeValidator(words)] | None = None
    settlements: Annotated[tuple[str, ...], BeforeValidator(words)] | None = None
    quorum: Annotated[int, Field(ge=2, le=64)] | None = None
    max_head_lag: Span | None = None
    max_skew: Span | None = None
    max_age: Span | None = None
    max_clock_error: Span | None = None
    age_hard: Span | None = None
    min_participation: Share | None = None
    accept_contracts: Words = ()
    denied: Annotated[tuple[DeniedText, ...], BeforeValidator(words)] = ()
    anchor_haircuts: dict[str, HaircutPart] = Field(default={})
    proposed: ProposedPart | None = None
    signers: dict[Name, SignersPart] = Field(default={})
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


Endpoints = Annotated[tuple[Annotated[EndpointPart, BeforeValidator(_endpoint)], ...], BeforeValidator(words)]
Pins = Annotated[tuple[HashText, ...], BeforeValidator(words)]
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
    slot: BalanceSlot | None = None
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
