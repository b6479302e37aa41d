"""What the tests of several nights share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pull_request_story import Story, tell_story


@pytest.fixture
def story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Story]:
    with tell_story(tmp_path, monkeypatch, capsys) as running:
        yield running
