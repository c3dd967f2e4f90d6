"""Structured logs: one JSON object a line on stderr, and no field that could hold a secret.

Fields are named by the caller and hold names, numbers and words of this program; endpoints stand by name. Texts from
outside (an error's sentence) are escaped and cut.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Final, Literal

from verifier.app.quantities import rfc3339
from verifier.app.report.escape import clean

Level = Literal["info", "warning", "error"]
MAX_TEXT: Final = 500


def log(level: Level, event: str, **fields: str | float | None) -> None:
    """Write one line. A stream that is gone is no reason to stop working."""
    line: dict[str, str | int | float | None] = {"at": rfc3339(int(time.time())), "level": level, "event": event}
    for name, value in fields.items():
        line[name] = clean(value)[:MAX_TEXT] if isinstance(value, str) else value
    try:
        sys.stderr.write(json.dumps(line, ensure_ascii=True, allow_nan=False) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return
