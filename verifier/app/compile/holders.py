"""Who holds: names and their addresses, each address under one name and in one spelling."""

from __future__ import annotations

from collections.abc import Mapping

from verifier.app.account_file import AccountFile, HolderPart
from verifier.app.compile.places import Place
from verifier.app.errors import did_you_mean
from verifier.app.problems import Problems
from verifier.app.quantities import checksummed
from verifier.primitives import Address, ChainId

Holders = dict[str, dict[ChainId | None, tuple[Address, ...]]]
"""Addresses by the name that the file gives them, and by network; None stands for every network."""


def compile_holders(file: AccountFile, places: Mapping[str, Place], problems: Problems) -> Holders:
    """Addresses by name and network; one address under two names or spellings would count twice."""
    seen: dict[tuple[str | None, Address], str] = {}
    made: Holders = {}
    for name, holder in file.holders.items():
        made[name] = {}
        if name.startswith("0x"):
            problems.add(("holders", name), "a name is due here, not an address")
        for where, addresses in _by_place(holder):
            place = None if where is None else places.get(where)
            if where is not None and place is None:
                problems.add(("holders", name, where), f"no such network; {did_you_mean(where, places)}")
                continue
            made[name][None if place is None else place.network.chain_id] = addresses
            for address in addresses:
                _refuse_second_name(name, where, address, seen, problems)
    return made


def _by_place(holder: HolderPart) -> list[tuple[str | None, tuple[Address, ...]]]:
    everywhere: list[tuple[str | None, tuple[Address, ...]]] = [(None, holder.everywhere)] if holder.everywhere else []
    return everywhere + list(holder.by_network.items())


def _refuse_second_name(
    name: str,
    where: str | None,
    address: Address,
    seen: dict[tuple[str | None, Address], str],
    problems: Problems,
) -> None:
    clashes = {place for place, known in seen if known == address and (place == where or None in (place, where))}
    if clashes:
        first = seen[(min(clashes, key=str), address)]
        what = "is listed twice" if first == name else f"is already {first}"
        problems.add(("holders", name), f"{checksummed(address)} {what}; one address counts once, in one spelling")
    seen[(where, address)] = name


def names_of(holders: Holders) -> dict[Address, str]:
    """The name of each address."""
    return {a: name for name, places in holders.items() for addresses in places.values() for a in addresses}
