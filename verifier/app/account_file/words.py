"""The words that an account file is written in, what is read out of each, and the strict table they stand in."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

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
from verifier.primitives import MAX_CHAIN_ID, MAX_UINT256, Address, Hash32, Timestamp

_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:+-]{0,63}$"


def words(value: object) -> object:
    """One word stands for a list of one."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


def _slot_number(value: object) -> int:
    if isinstance(value, str) and value.startswith("0x"):
        try:
            value = int(value, 16)
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_UINT256:
        raise ValueError('expected a slot: an integer, or hex as a string such as "0x33"')
    return value


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
FOUND: Final = "found"
"""In place of a slot: where `xmargin slots find` found the token's balances, as the store has it."""
BalanceSlot = Annotated[int | Literal["found"], BeforeValidator(lambda v: v if v == FOUND else _slot_number(v))]
Words = Annotated[tuple[str, ...], BeforeValidator(words)]
Arguments = Annotated[tuple[object, ...], BeforeValidator(_arguments), Field(max_length=64)]
Bit = Annotated[int, Field(ge=0, le=255)]
Decimals = Annotated[int, Field(ge=0, le=77)]
ChainIdNumber = Annotated[int, Field(ge=1, le=MAX_CHAIN_ID)]
Preset = Literal["strict", "practical"]
PositionWord = Literal[
    "steth", "wsteth", "reth", "erc4626", "aave-v3", "aave-v3-debts", "compound-v3", "compound-v3-debts", "morpho-blue",
    "morpho-blue-debts", "uniswap-v2", "uniswap-v3",
]  # fmt: skip
"""The kinds of `verifier.positions` that a person writes; `storage` is written as a layout and a path."""


FeedWord = Literal["call", "chainlink", "pyth", "uniswap-v3-average", "steth", "wsteth", "reth", "erc4626"]
"""The sources of `verifier.prices.source` that a person writes."""


class Part(BaseModel):
    """Strict: no coercion, no unknown key, no change afterwards."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)
