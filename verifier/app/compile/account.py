"""A whole account file, put together from its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from chains.chain import aliases_of, escrows_of
from chains.endpoint import Endpoint
from verifier.app.account_file import AccountFile, AssetPart, NetworkPart
from verifier.app.compile.advice import advice
from verifier.app.compile.assets import Compiled, Lookup, compile_lines, nothing_found
from verifier.app.compile.beacon import BeaconSide
from verifier.app.compile.declared import Declared, compile_declared
from verifier.app.compile.feeds import compile_feeds, read_updates, unnamed_uptime
from verifier.app.compile.ground import Ground, lay_ground
from verifier.app.compile.holders import Holders, compile_holders, names_of
from verifier.app.compile.places import Registry
from verifier.app.compile.policy import compile_policy
from verifier.app.compile.settlement import parents_of, settle_places
from verifier.app.compile.spec import AccountSpec
from verifier.app.problems import Problems
from verifier.app.toml_source import Path_, TomlSource
from verifier.claims import Claim, ClaimKind, PriceClaim
from verifier.margin.modes import Mode
from verifier.margin.quotes import Feed
from verifier.policy import Policy
from verifier.primitives import ChainId


def compile_account(
    file: AccountFile,
    source: TomlSource,
    registry: Registry,
    *,
    environ: Mapping[str, str],
    networks: Mapping[str, NetworkPart] | None = None,
    preset: str = "strict",
    online: bool = True,
    findings: Lookup = nothing_found,
) -> AccountSpec:
    """
    The account that a file means, on this machine.

    Args:
        environ: Variables that endpoint URLs may name.
        networks: Endpoints and pins of this machine's settings; the file's own come before them.
        preset: The policy preset where the file names none.
        online: Whether endpoints are needed; without, unset variables do not matter.
        findings: Where tokens were found to keep their balances, for lines that say `slot = "found"`.

    Raises:
        ConfigError: With every problem found, its key, its line and its cure.
    """
    problems = Problems(source)
    asking = environ if online else None
    ground = lay_ground(file.networks, networks or {}, registry, asking, source.origin, problems)
    settle_places(ground.places, file.networks, problems)
    holders = compile_holders(file, ground.places, problems)
    made = compile_lines(_lines(file), ground.places, holders, problems, Path(source.origin).parent, findings)
    declared = compile_declared(file, problems)
    policy = _policy(file, preset, declared, ground)
    feeds = compile_feeds(file.feeds, ground.places, problems)
    updates, unread = read_updates(file.feeds, Path(source.origin).parent) if online else ((), ())
    used = _used([*made.claims, *(feed.claim for feed in feeds)], ground)
    endpoints, beacon = ground.endpoints(used), ground.beacons(used)
    problems.raise_any()
    if not made.claims and not file.debts and not file.positions:
        problems.add(("assets",), "the account lists nothing; add at least one [[assets]] entry")
        problems.raise_any()
    spec = _together(file, registry, ground, holders, made, declared, policy, feeds, endpoints, beacon)
    unnamed = unnamed_uptime(feeds, policy, ground.name_of)
    return replace(spec, updates=updates, warnings=(*spec.warnings, *unread, *unnamed))


def _lines(file: AccountFile) -> list[tuple[Path_, AssetPart, ClaimKind]]:
    """Assets and the debts that are to be proven, in the file's order."""
    lines: list[tuple[Path_, AssetPart, ClaimKind]] = [
        (("assets", i), part, ClaimKind.HOLDING) for i, part in enumerate(file.assets)
    ]
    debts = ((i, part) for i, part in enumerate(file.debts) if isinstance(part, AssetPart))
    return lines + [(("debts", i), part, ClaimKind.DEBT) for i, part in debts]


def _policy(file: AccountFile, preset: str, declared: Declared, ground: Ground) -> Policy:
    policy = compile_policy(file.policy, preset, ground.find, ground.problems)
    if declared.profile is None:
        return policy
    # the file's own factors stand before the venue's
    return replace(policy, factors=MappingProxyType({**declared.profile.factors, **policy.factors}))


def _used(claims: list[Claim | PriceClaim], ground: Ground) -> Mapping[ChainId, str]:
    """Networks that claims speak of, and those that these settle on."""
    used = {claim.chain_id: ground.name_of(claim) for claim in claims}
    return used | parents_of(used, ground.places, ground.parts)


def _together(
    file: AccountFile,
    registry: Registry,
    ground: Ground,
    holders: Holders,
    made: Compiled,
    declared: Declared,
    policy: Policy,
    feeds: tuple[Feed, ...],
    endpoints: Mapping[ChainId, tuple[Endpoint, ...]],
    beacon: BeaconSide,
) -> AccountSpec:
    return AccountSpec(
        name=file.account.name,
        mode=Mode(file.account.mode),
        as_of=file.account.as_of,
        claims=tuple(made.claims),
        pockets=MappingProxyType({i: name for i, name in enumerate(made.pockets) if name is not None}),
        holders=MappingProxyType(names_of(holders)),
        networks=ground.networks(),
        endpoints=endpoints,
        roots=(*ground.pins(), *beacon.checkpoints),
        meanings=MappingProxyType(made.meanings),
        policy=policy,
        prices=declared.prices,
        debts=declared.debts,
        positions=declared.positions,
        rules=declared.rules,
        market=declared.market,
        venues=declared.venues,
        aliases=aliases_of(registry.values()),
        escrows=escrows_of(registry.values()),
        beacon=beacon,
        warnings=advice(made, policy, ground, endpoints),
        feeds=feeds,
        controls=tuple(Path(ground.origin).parent / name for name in file.account.control),
    )
