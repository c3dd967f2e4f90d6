"""What can be removed from a check, one thing at a time: the mutants of one source text.

A mutant removes a `raise` (with the condition that guards it), moves or turns a comparison, swaps `and` with `or`, a
constant `True` with `False`, or drops a `not`. It is an edit of the source at the place that the syntax tree names, so
that what is run is the file as it stands with one difference.

What decides nothing is left alone: the text of errors (everything inside a `raise`), decorators, annotations, `__repr__`
and `__str__`, the `strict=` of a `zip`, and what only a type checker reads.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass

TURNED: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
"""A boundary is moved where there is one; elsewhere the comparison is turned round."""

SILENT = {"__repr__", "__str__"}


@dataclass(frozen=True)
class Edit:
    """Bytes of the source to be replaced."""

    start: int
    stop: int
    text: str


@dataclass(frozen=True)
class Mutant:
    """One thing removed or turned.

    Attributes:
        name: Module, function and change; it holds no line number, so that it outlives changes elsewhere in the file.
    """

    module: str
    line: int
    name: str
    edit: Edit

    def source(self, original: bytes) -> bytes:
        """The text with the one difference."""
        return original[: self.edit.start] + self.edit.text.encode() + original[self.edit.stop :]


def mutants(module: str, source: bytes) -> list[Mutant]:
    """All mutants of a module's source, in the order of their lines, each under a name of its own."""
    found = sorted(_Finder(source).found, key=lambda one: (one[2].start, one[2].stop, one[1]))
    seen: Counter[str] = Counter()
    made = []
    for line, change, edit in found:
        seen[change] += 1
        again = f" (#{seen[change]})" if seen[change] > 1 else ""
        made.append(Mutant(module, line, f"{module}:{change}{again}", edit))
    return made


class _Finder(ast.NodeVisitor):
    """Collects (line, change, edit) over one tree."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.within: list[str] = []
        self.found: list[tuple[int, str, Edit]] = []
        self.visit(ast.parse(source))

    # --- what is passed over ---------------------------------------------------------------------------------

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.within.append(node.name)
        for part in node.body:
            self.visit(part)
        self.within.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.name not in SILENT:
            self.within.append(node.name)
            for default in (*node.args.defaults, *node.args.kw_defaults):
                if default is not None:
                    self.visit(default)
            for part in node.body:
                self.visit(part)
            self.within.pop()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        for part in (node.func, *node.args):
            self.visit(part)
        for keyword in node.keywords:
            if not (name in {"zip", "dataclass"} or keyword.arg in {"repr", "compare"}):
                self.visit(keyword.value)

    # --- what is removed or turned ---------------------------------------------------------------------------

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.body[-1], ast.Raise):
            self._add(node.test, "False", f"if {self._text(node.test)}: raise")
            self.visit(node.test)
            for part in (*node.body[:-1], *node.orelse):
                self.visit(part)
        else:
            self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        if node.exc is not None:
            self._add(node, "pass", self._text(node.exc).split("(")[0] + ": raise")

    def visit_Compare(self, node: ast.Compare) -> None:
        left: ast.expr = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            before, after = TURNED[type(operator)]
            self._between(left, right, before, after, node)
            left = right
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        before, after = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._between(left, right, before, after, node)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            start, stop = self._at(node)[0], self._at(node.operand)[0]
            text = self.source[start:stop].decode().replace("not", "", 1).lstrip()
            self._record(node, Edit(start, stop, text or " "), f"{self._text(node)} -> not dropped")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._add(node, str(not node.value), f"{node.value} -> {not node.value}")

    # --- places ----------------------------------------------------------------------------------------------

    def _at(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        start = self.starts[node.lineno - 1] + node.col_offset
        return start, self.starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)

    def _text(self, node: ast.expr) -> str:
        start, stop = self._at(node)
        return re.sub(r"\s+", " ", self.source[start:stop].decode())

    def _between(self, left: ast.expr, right: ast.expr, before: str, after: str, whole: ast.expr) -> None:
        start, stop = self._at(left)[1], self._at(right)[0]
        gap = self.source[start:stop].decode()
        pattern = re.sub(r"\s+", r"\\s+", before) if before[0].isalpha() else re.escape(before)
        turned, count = re.subn(rf"(?<![\w=<>!]){pattern}(?![\w=<>])", after, gap, count=1)
        if not count:
            raise LookupError(f"{before!r} is not in {gap!r}")
        change = f"{self._text(whole)} | {self._text(left)[-30:]} {before} -> {after} {self._text(right)[:30]}"
        self._record(whole, Edit(start, stop, turned), change)

    def _add(self, place: ast.expr | ast.stmt, text: str, change: str) -> None:
        self._record(place, Edit(*self._at(place), text), change)

    def _record(self, node: ast.expr | ast.stmt, edit: Edit, change: str) -> None:
        where = ".".join(self.within) or "module"
        self.found.append((node.lineno, f"{where}: {change}", edit))
