"""Lines with `position`, or with `layout` and `path`, into claims that are read by a protocol's own rules.

What such a line says is the user's own word (source `user`): the policy must name every contract that it reads. Beside
what is listed, what would be missed is asked for: whether a holder at an Aave market owes anything to a reserve that no
line speaks of, whether a principal at Compound III that is not listed as owed is owed all the same, and whether a
holder in a market of Morpho Blue borrows there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from verifier.app.account_file import AssetPart
from verifier.app.problems import Problems
from verifier.app.toml_source import Path_
from verifier.assets.position import check_position
from verifier.assets.storage_field import of_place
from verifier.claims import Asset, AssetKey, Claim, ClaimKind, KnownAsset, Source
from verifier.codec import bounded_json
from verifier.codec.storage_layout import StorageLayout, parse_layout, resolve
from verifier.errors import BadInput, LimitExceeded
from verifier.network import Network
from verifier.positions import Parameter, Position, PositionKind, position
from verifier.primitives import Address, ChainId, parse_hex

MAX_LAYOUT: Final = 8 << 20
"""Bytes of a layout file; the largest contracts' have a few hundred kilobytes."""


def is_position(part: AssetPart) -> bool:
    """Whether a line is read by a protocol's rules, or by a layout and a path."""
    return part.position is not None or part.layout is not None or part.path is not None


def compile_position(
    path: Path_,
    part: AssetPart,
    kind: ClaimKind,
    network: Network,
    holders: Sequence[Address],
    folder: Path,
    problems: Problems,
) -> list[Claim]:
    """The claims of one line, one for each holder; what is wrong goes to `problems`."""
    if not _complete(path, part, problems) or part.contract is None:
        return []
    symbol = part.symbol or ""
    asset = Asset(network.chain_id, symbol, part.decimals or 0, part.group or symbol, part.contract)
    found: list[Claim] = []
    layout = _layout(path, part, folder, problems) if part.layout is not None else None
    if part.layout is not None and layout is None:
        return []
    for holder in holders:
        try:
            reading = _reading(part, layout, holder)
            check_position(reading, part.contract)
        except (BadInput, LimitExceeded) as error:
            key = "with" if part.layout is None else "path"
            problems.add((*path, key), f"{error}")
            return []
        found.append(Claim(asset, holder, kind, Source.USER, reading))
    return found


def _complete(path: Path_, part: AssetPart, problems: Problems) -> bool:
    missing = [name for name in ("contract", "symbol", "decimals") if getattr(part, name) is None]
    for name in missing:
        problems.add((*path, name), "is required for a position")
    if (part.layout is None) != (part.path is None):
        one, other = ("path", "layout") if part.layout is None else ("layout", "path")
        problems.add((*path, one), f"is given without {other}; the two belong together")
        missing.append(other)
    if part.position is not None and part.layout is not None:
        problems.add((*path, "layout"), "is given beside position; keep one of them")
        missing.append("layout")
    slots = ("asset", "slot", "order", "offset_bits", "width_bits", "proxy")
    surplus = [name for name in slots if getattr(part, name) is not None]
    for name in surplus:
        problems.add((*path, name), "belongs to a token's balance slot, and this line is a position; remove it")
    return not missing and not surplus


def _reading(part: AssetPart, layout: StorageLayout | None, holder: Address) -> Position:
    if layout is not None:
        text = (part.path or "").replace("{holder}", f"0x{holder.hex()}")
        return of_place(layout, resolve(layout, text), text)
    return position(PositionKind(part.position or ""), **{name: _parameter(v) for name, v in part.given.items()})


def _parameter(value: int | str) -> Parameter:
    """Hex of 20 or 32 bytes is an address or a hash; other text is a word, and whole numbers are numbers."""
    if isinstance(value, str) and value.startswith("0x"):
        return parse_hex(value, "a position's parameter")
    return value


def _layout(path: Path_, part: AssetPart, folder: Path, problems: Problems) -> StorageLayout | None:
    where = (*path, "layout")
    try:
        with (folder / (part.layout or "")).open("rb") as file:
            raw = file.read(MAX_LAYOUT + 1)
        if len(raw) > MAX_LAYOUT:
            problems.add(where, f"the layout file is larger than {MAX_LAYOUT} bytes")
            return None
        return parse_layout(bounded_json.loads(raw))
    except OSError as error:
        problems.add(where, f"cannot be read: {error.strerror or 'no such file'}")
    except (ValueError, RecursionError):
        problems.add(where, "is not JSON")
    except (BadInput, LimitExceeded) as error:
        problems.add(where, str(error))
    return None


COINS: Final = {
    PositionKind.ERC4626: "asset",
    PositionKind.AAVE_V3: "underlying",
    PositionKind.COMPOUND_V3: "asset",
    PositionKind.MORPHO_BLUE: "coin",
    PositionKind.UNISWAP_V2: "coin",
    PositionKind.UNISWAP_V3: "coin",
}
"""Which parameter names the coin that a figure is counted in."""
IN_ETHER: Final = (PositionKind.STETH, PositionKind.WSTETH, PositionKind.RETH)


def digits_due(claim: Claim, meanings: Mapping[AssetKey, KnownAsset]) -> int | None:
    """The decimals that a position's figure has, where the registry knows the coin that it is counted in."""
    if not isinstance(claim.reading, Position):
        return None
    if claim.reading.kind in IN_ETHER:
        return 18
    coin = _given(claim).get(COINS.get(claim.reading.kind, ""))
    known = meanings.get((claim.chain_id, Address(coin))) if isinstance(coin, bytes) else None
    return known.asset.decimals if known is not None and known.source is Source.REVIEWED else None


def unlisted(claims: Sequence[Claim]) -> list[Claim]:
    """Questions that nobody listed, for debts that nobody listed."""
    return [*_aave_debts(claims), *_compound_debts(claims), *_morpho_debts(claims)]


def not_listed(claims: Sequence[Claim]) -> list[tuple[Claim, set[Address]]]:
    """Questions for an Aave market's other debts that call a reserve listed which no line of debts speaks of."""
    found = []
    for claim in claims:
        if _of_kind(claim, PositionKind.AAVE_V3_DEBTS):
            listed = {Address(value) for name, value in _given(claim).items() if isinstance(value, bytes)}
            if missing := listed - _owed_at(claims, claim):
                found.append((claim, missing))
    return found


def _owed_at(claims: Sequence[Claim], market: Claim) -> set[Address]:
    """Coins whose debt at an Aave market is claimed of the same holder."""
    owed = [c for c in claims if c.kind is ClaimKind.DEBT and _of_kind(c, PositionKind.AAVE_V3)]
    mine = [c for c in owed if (c.chain_id, c.holder) == (market.chain_id, market.holder)]
    given = [dict(_given(c)) for c in mine]
    return {
        Address(g["underlying"])
        for g in given
        if g["pool"] == market.asset.contract and isinstance(g["underlying"], bytes)
    }


def _aave_debts(claims: Sequence[Claim]) -> list[Claim]:
    """For each holder at each Aave market: that nothing is owed to any reserve but the listed ones."""
    asked = {(c.chain_id, c.asset.contract, c.holder) for c in claims if _of_kind(c, PositionKind.AAVE_V3_DEBTS)}
    markets: dict[tuple[ChainId, Address, Address], list[Claim]] = {}
    for claim in claims:
        pool = _given(claim).get("pool")
        if _of_kind(claim, PositionKind.AAVE_V3) and isinstance(pool, bytes):
            markets.setdefault((claim.chain_id, Address(pool), claim.holder), []).append(claim)
    return [_all_debts(market[1], members) for market, members in markets.items() if market not in asked]


def _all_debts(pool: Address, members: Sequence[Claim]) -> Claim:
    first = members[0]
    coins = {value for c in members if c.kind is ClaimKind.DEBT and isinstance(value := _given(c)["underlying"], bytes)}
    given: dict[str, Parameter] = {f"asset{i:02}": coin for i, coin in enumerate(sorted(coins))}
    if any(_given(c)["release"] == "3.0" for c in members):
        given["release"] = "3.0"
    return _asking(first, position(PositionKind.AAVE_V3_DEBTS, **given), pool)


def _asking(first: Claim, reading: Position, contract: Address) -> Claim:
    """The question for what a holder owes, beside one of the holder's claims."""
    asset = replace(first.asset, symbol="unlisted debts", contract=contract)
    return Claim(asset, first.holder, ClaimKind.DEBT, first.source, reading)


def _compound_debts(claims: Sequence[Claim]) -> list[Claim]:
    """
    A principal is supplied or owed by its sign alone: who lists the one is asked for the other. Who lists collateral
    alone gives no rates to count a debt by, so there is to be none.
    """
    have = {claim.identity for claim in claims}
    markets: dict[tuple[ChainId, Address | None, Address], list[Claim]] = {}
    for claim in claims:
        if _of_kind(claim, PositionKind.COMPOUND_V3):
            markets.setdefault((*claim.asset.key, claim.holder), []).append(claim)
    asked = []
    for (_, contract, _), members in markets.items():
        base = next((c for c in members if _given(c).get("of", "base") == "base"), None)
        if base is not None:
            asked.append(replace(base, kind=ClaimKind.DEBT))
        elif contract is not None:
            asked.append(_asking(members[0], position(PositionKind.COMPOUND_V3_DEBTS), contract))
    return [claim for claim in asked if claim.identity not in have]


def _morpho_debts(claims: Sequence[Claim]) -> list[Claim]:
    """For each holder in each listed market of Morpho Blue: that nothing is owed there, where no line says what is."""
    owed = {_market_of(c) for c in claims if _of_kind(c, PositionKind.MORPHO_BLUE) and c.kind is ClaimKind.DEBT}
    have = {claim.identity for claim in claims}
    asked = {}
    for claim in claims:
        market, contract = _given(claim).get("market"), claim.asset.contract
        if _of_kind(claim, PositionKind.MORPHO_BLUE) and _market_of(claim) not in owed and market and contract:
            asking = _asking(claim, position(PositionKind.MORPHO_BLUE_DEBTS, market=market), contract)
            asked[asking.identity] = asking
    return [claim for identity, claim in asked.items() if identity not in have]


def _market_of(claim: Claim) -> tuple[object, ...]:
    return (*claim.asset.key, claim.holder, _given(claim).get("market"))


def _of_kind(claim: Claim, kind: PositionKind) -> bool:
    return isinstance(claim.reading, Position) and claim.reading.kind is kind


def _given(claim: Claim) -> Mapping[str, Parameter]:
    """The parameters of a position; of other claims none."""
    return dict(claim.reading.given) if isinstance(claim.reading, Position) else {}
