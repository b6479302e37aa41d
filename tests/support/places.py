"""Where the project and its tests lie."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent.parent
ROOT = TESTS.parent
FIXTURES_V1 = TESTS / "fixture" / "fixtures_v1"
