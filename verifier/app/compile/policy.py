"""The [policy] table into a Policy: a preset, and what the file says differently."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from verifier.app.account_file import FactorsPart, PolicyPart, ProposedPart
from verifier.app.errors import did_you_mean
from verifier.app.problems import Problems
from verifier.app.quantities import given_address
from verifier.errors import BadInput
from verifier.network import Network
from verifier.policy import EVERYTHING_OFF, PPM, PRESETS, TWO_THIRDS, Factors, Haircut, Policy, ProposedRule, Signers
from verifier.primitives import Address, ChainId
from verifier.trust import Anchor, Settlement

E = TypeVar("E", bound=StrEnum)

_NUMBERS = ("quorum", "max_head_lag", "max_skew", "max_age", "max_clock_error", "age_hard", "min_participation")

FindNetwork = Callable[[str], Network | None]
"""The network of a name (or of a chain id in digits), or None."""


def compile_policy(part: PolicyPart, default_preset: str, find: FindNetwork, problems: Problems) -> Policy:
    """The checker's policy; what is wrong in it goes to `problems`."""
    base = PRESETS[part.preset or default_preset]
    if part.min_participation is not None and part.min_participation < TWO_THIRDS:
        problems.add(
            ("policy", "min_participation"), "two thirds of a sync committee are the least; write 0.67 or more"
        )
        part = part.model_copy(update={"min_participation": None})
    limits = {
        name: value
        for name in (
            "quorum",
            "max_head_lag",
            "max_skew",
            "max_age",
            "max_clock_error",
            "age_hard",
            "min_participation",
        )
        if (value := getattr(part, name)) is not None
    }
    return replace(
        base,
        **limits,
        name=base.name if not part.model_fields_set - {"preset", "assets"} else f"{base.name}, changed",
        anchors=_chosen(part.anchors, Anchor, base.anchors, "anchors", problems),
        settlements=_settlements(part, base, problems),
        proposed=_proposed(part.proposed, base.proposed),
        settlement_haircuts=_settlement_haircuts(part, base, problems),
        accept_contracts=_contracts(part.accept_contracts, find, problems),
        denied=frozenset(part.denied),
        signers=_signers(part, problems),
        anchor_haircuts=_anchor_haircuts(part, base, problems),
        factors=MappingProxyType({group: _factors(f, group, problems) for group, f in part.assets.items()}),
    )


def _chosen(
    words: tuple[str, ...] | None, kind: type[E], base: frozenset[E], key: str, problems: Problems
) -> frozenset[E]:
    if words is None:
        return base
    known = {member.value: member for member in kind}
    for i, word in enumerate(words):
        if word not in known:
            problems.add(("policy", key, i), f"no such word; {did_you_mean(word, known)}")
    return frozenset(known[word] for word in words if word in known)


def _settlements(part: PolicyPart, base: Policy, problems: Problems) -> frozenset[Settlement]:
    """Those that the file names; a [policy.proposed] table takes proposed roots beside them."""
    named = _chosen(part.settlements, Settlement, base.settlements, "settlements", problems)
    return named | {Settlement.PROPOSED} if part.proposed is not None else named


def _proposed(part: ProposedPart | None, base: ProposedRule) -> ProposedRule:
    if part is None:
        return base
    return ProposedRule(_first(part.min_age, base.min_age), _first(part.quorum, base.quorum))


def _settlement_haircuts(part: PolicyPart, base: Policy, problems: Problems) -> Mapping[Settlement, Haircut]:
    """Proposed roots count nothing until the file says at which discount they do."""
    if part.proposed is None:
        return base.settlement_haircuts
    if part.proposed.initial < part.proposed.maintenance:
        text = "the initial haircut is milder than the maintenance one; swap them, or raise it"
        problems.add(("policy", "proposed"), text)
        return base.settlement_haircuts
    told = Haircut(part.proposed.initial, part.proposed.maintenance)
    return MappingProxyType({**base.settlement_haircuts, Settlement.PROPOSED: told})


def _contracts(entries: tuple[str, ...], find: FindNetwork, problems: Problems) -> frozenset[tuple[ChainId, Address]]:
    found: set[tuple[ChainId, Address]] = set()
    for i, entry in enumerate(entries):
        path = ("policy", "accept_contracts", i)
        name, colon, spelled = entry.rpartition(":")
        network = find(name)
        if not colon or network is None:
            problems.add(path, 'expected "<chain id or network name>:0x…", the network being known here')
            continue
        try:
            key = (network.chain_id, given_address(spelled))
        except ValueError as error:
            problems.add(path, str(error))
            continue
        if key in found:
            problems.add(path, "names a contract that is named before")
        found.add(key)
    return frozenset(found)


def _signers(part: PolicyPart, problems: Problems) -> Mapping[str, Signers]:
    found: dict[str, Signers] = {}
    for name, given in part.signers.items():
        try:
            found[name] = Signers(given.number, given.keys)
        except BadInput as error:
            problems.add(("policy", "signers", name), str(error))
    return MappingProxyType(found)


def _anchor_haircuts(part: PolicyPart, base: Policy, problems: Problems) -> Mapping[Anchor, Haircut]:
    haircuts = dict(base.anchor_haircuts)
    known = {member.value: member for member in Anchor}
    for word, haircut in part.anchor_haircuts.items():
        path = ("policy", "anchor_haircuts", word)
        if word not in known:
            problems.add(path, f"no such anchor; {did_you_mean(word, known)}")
        elif haircut.initial < haircut.maintenance:
            problems.add(path, "the initial haircut is milder than the maintenance one; swap them, or raise it")
        else:
            haircuts[known[word]] = Haircut(haircut.initial, haircut.maintenance)
    return MappingProxyType(haircuts)


def _factors(part: FactorsPart, group: str, problems: Problems) -> Factors:
    """Without any haircut a group counts nothing; with one of the two, that one is both."""
    initial, maintenance = part.haircut_initial, part.haircut_maintenance
    haircut = EVERYTHING_OFF
    path = ("policy", "assets", group)
    try:
        if initial is not None or maintenance is not None:
            haircut = Haircut(_first(initial, maintenance), _first(maintenance, initial))
    except BadInput:
        problems.add(path, "haircut_initial is milder than haircut_maintenance; swap them, or raise it")
    weight_initial = _first(part.debt_weight_initial, part.debt_weight_maintenance, PPM)
    weight_maintenance = _first(part.debt_weight_maintenance, part.debt_weight_initial, PPM)
    try:
        return Factors(haircut, weight_initial, weight_maintenance)
    except BadInput:
        problems.add(path, "debt weights: 1 <= debt_weight_maintenance <= debt_weight_initial <= 10 is due")
        return Factors(haircut)


def _first(*values: int | None) -> int:
    return next(value for value in values if value is not None)
