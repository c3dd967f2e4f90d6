"""The JSON view, field by field."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

HexBytes = Annotated[str, Field(pattern=r"^0x([0-9a-f]{2})*$")]


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class LayoutView(_Model):
    """`TokenLayout`, field by field."""

    base: HexBytes
    order: str
    offset: int
    width: int
    others: HexBytes
    blocked: int | None = None
    proxy: str | None = None


class AssetView(_Model):
    """`Asset`, field by field."""

    chain: int
    symbol: str
    decimals: int
    group: str
    contract: HexBytes | None = None
    layout: LayoutView | None = None


class CallView(_Model):
    """`CallReading` and its `Call`, which goes to the asset's contract."""

    data: HexBytes
    gas: int
    returns: str
    index: int
    sender: HexBytes | None = None


class PositionView(_Model):
    """`Position`: numbers as decimal text after `#`, bytes as hex, words as they are after `=`."""

    kind: str
    given: dict[str, str]


class ReadingView(_Model):
    """How a claim is read, where not by a layout alone: one of the two."""

    call: CallView | None = None
    position: PositionView | None = None


class ClaimView(_Model):
    """`Claim`, its asset by index."""

    asset: int = Field(ge=0)
    holder: HexBytes
    kind: str
    source: str
    reading: ReadingView | None = None


class PriceClaimView(_Model):
    """`PriceClaim`."""

    chain: int
    group: str
    quote: str
    contract: HexBytes
    how: PositionView


class StepView(_Model):
    """`HeaderStep`."""

    link: str
    header: HexBytes


class SettlingView(_Model):
    """`Settling`."""

    parent: int
    preimages: list[HexBytes]


class LightView(_Model):
    """`LightEvidence`; what is empty is left out."""

    bootstrap: HexBytes | None = None
    updates: list[HexBytes] | None = None
    final: HexBytes | None = None
    attested: HexBytes | None = None


class SectionView(_Model):
    """`Section`."""

    chain: int
    anchor: HexBytes
    steps: list[StepView]
    nodes: list[int]
    settling: SettlingView | None = None
    codes: list[int] | None = None
    light: LightView | None = None
    updates: list[HexBytes] | None = None


class BundleView(_Model):
    """A bundle as JSON."""

    schema_: Literal["xmargin.bundle/1"] = Field(alias="schema")
    id: HexBytes
    as_of: int
    assets: list[AssetView]
    claims: list[ClaimView]
    omitted: list[int]
    sections: list[SectionView]
    nodes: list[HexBytes]
    codes: list[HexBytes] | None = None
    prices: list[PriceClaimView] | None = None
