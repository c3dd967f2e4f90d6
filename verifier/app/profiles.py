"""Profiles of venues: the bundled files, or one of the user's own."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path

from verifier.app.errors import UnknownName, UsageError
from verifier.codec import bounded_json
from verifier.errors import BadInput
from verifier.margin.profile import Profile, parse_profile

_MOST_BYTES = 1_000_000


def bundled() -> dict[str, Profile]:
    """The profiles that come with the program, by name."""
    folder = files("verifier.margin") / "profiles"
    found = {}
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".json"):
            profile = parse_profile(bounded_json.loads(entry.read_text(encoding="utf-8")), entry.name)
            found[profile.name] = profile
    return found


def load_profile(name: str) -> Profile:
    """
    A bundled profile by name, or a file (`.json` or `.toml`) of the user's own.

    Raises:
        UnknownName: No profile and no file is called so.
        UsageError: The file is no profile.
    """
    path = Path(name)
    if path.suffix not in {".json", ".toml"}:
        known = bundled()
        if name not in known:
            raise UnknownName("profile", name, known)
        return known[name]
    try:
        text = path.read_text(encoding="utf-8")
        if len(text) > _MOST_BYTES:
            raise UsageError(f"{path} is larger than any profile", "name another file")
        return parse_profile(bounded_json.loads(text) if path.suffix == ".json" else tomllib.loads(text), path.name)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UsageError(f"{path} cannot be read: {reason}", "name another file") from None
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is no {path.suffix[1:].upper()}: {error}", "correct it") from None
    except BadInput as error:
        raise UsageError(f"{path}: {error}", "docs/margin.md says what a profile holds") from None
