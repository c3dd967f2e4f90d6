"""Sphinx: the plain Markdown pages of this folder, and an API reference out of docstrings. `make docs` builds it."""

from pathlib import Path

project = "xmargin"
author = "the xmargin authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["api-template"]
html_theme = "alabaster"
html_theme_options = {"description": "Proven balances, one margin account", "fixed_sidebar": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
myst_heading_anchors = 3
napoleon_google_docstring = True
# Links to files beside the pages (schemas, contracts, examples) are links to files, not to pages.
suppress_warnings = ["myst.xref_missing", "ref.python", "autodoc.mocked_object"]

MODULES = {
    "The front door": ("verifier.verify", "verifier.single", "verifier.explain", "verifier.proven", "verifier.errors"),
    "Values": ("verifier.primitives", "verifier.network", "verifier.claims", "verifier.trust", "verifier.policy"),
    "Events and lists": ("verifier.state.events", "verifier.state.receipts", "verifier.state.lists"),
    "Merkle trees": (
        "verifier.merkle.sorted_pairs", "verifier.merkle.ordered", "verifier.merkle.absence", "verifier.merkle.ssz",
        "verifier.merkle.sums",
    ),
    "Encoders": (
        "verifier.encoders.paths", "verifier.encoders.state_proof", "verifier.encoders.op_stack",
        "verifier.encoders.arbitrum", "verifier.encoders.gateway",
    ),
    "Attestations": (
        "verifier.attest.statement", "verifier.attest.canonical", "verifier.attest.eip712",
        "verifier.attest.attestation", "verifier.attest.quorum", "verifier.attest.calldata", "verifier.attest.eas",
        "verifier.attest.erc3668",
        "verifier.attest.control",
    ),
    "Asking networks": ("chains.relay", "chains.finality", "chains.driver", "chains.endpoint", "chains.observe"),
}  # fmt: skip


def _write_api() -> None:
    """The reference's page: one section for each module, filled by autodoc."""
    lines = ["# API reference", ""]
    for title, names in MODULES.items():
        lines += [f"## {title}", ""]
        for name in names:
            lines += [f"### {name}", "", "```{eval-rst}", f".. automodule:: {name}", "   :members:", "```", ""]
    (Path(__file__).parent / "api.md").write_text("\n".join(lines))


_write_api()


def _drawn_trees_stay_as_drawn(app, what, name, obj, options, lines):  # noqa: ARG001 - Sphinx's signature
    """A tree that is drawn in a docstring is a literal block."""
    for i, line in enumerate(lines):
        if line.startswith("    ") and any("├──" in later for later in lines):
            lines[i:i] = ["::", ""]
            return


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _drawn_trees_stay_as_drawn)
