"""Loaders for reference data, a frozen moment, and the marker that ties tests to the adversarial catalogue."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared_folder() -> Path:
    """Where the reference data lies: XMARGIN_SHARED, or ../shared beside the project."""
    return Path(os.environ.get("XMARGIN_SHARED", str(ROOT.parent / "shared")))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "covers(*ids): entries of the adversarial catalogue that the test covers")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The data folder of the reference material, or a skip that says what is missing."""
    folder = shared_folder() / "data"
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder}: set XMARGIN_SHARED")
    return folder
