"""The table of networks for the documentation, made from the registry so that it cannot differ from it."""

from __future__ import annotations

from typing import Final

from chains.registry import NETWORKS, Chain
from verifier.network import SettledOn

BEGIN: Final = "<!-- table made by: python -m chains.doc -->"
END: Final = "<!-- end of table -->"


def table() -> str:
    """One row for each network, in the order of the registry."""
    columns = ("network", "id", "coin", "family", "root", "proofs", "reviewed tokens")
    head = ["| " + " | ".join(columns) + " |", "| " + " | ".join("---" for _ in columns) + " |"]
    return "\n".join([*head, *(_row(chain) for chain in NETWORKS.values())])


def _row(chain: Chain) -> str:
    n = chain.network
    root = f"settled on {n.rooted_by.parent} ({n.rooted_by.scheme})" if isinstance(n.rooted_by, SettledOn) else "own"
    proofs = "no: " + n.family.unsupported.split(";")[0] if n.family.unsupported else chain.proofs.split(";")[0]
    tokens = ", ".join(known.asset.symbol for known in chain.assets if known.pins) or "-"
    return f"| {n.name} | {n.chain_id} | {n.native_symbol} | {n.family.name} | {root} | {proofs} | {tokens} |"


def put_into(page: str) -> str:
    """The page with the table between its marks made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    import sys

    sys.stdout.write(table() + "\n")
