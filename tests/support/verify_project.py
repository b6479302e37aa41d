"""A folder of fixtures for verify: written in this process, and edited by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cachy.config import Config
from cachy.fixture.compose import compose
from cachy.fixture.format.render import render_fixture
from cachy.fixture.format.text import parse_fixture
from cachy.fixture.identity.fingerprint import identify_settled
from cachy.fixture.store.store import Store
from cachy.interaction import Request, Response

CHAT = "https://api.openai.com/v1/chat/completions"
STREAM = b'data: {"choices": []}\n\ndata: [DONE]\n\n'
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def make_config(root: Path, **settings: Any) -> Config:
    return Config(root=root, fixtures=root / "cachy_fixtures", **settings)


def record(config: Config, content: str = "Hey!", answer: bytes = STREAM) -> Path:
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": content}]}
    kind = "text/event-stream" if answer[:5] in (b"data:", b"") else "application/json"
    request = Request("POST", CHAT, (), json.dumps(body).encode())
    response = Response(200, (("content-type", kind),), answer)
    recorded = {"at": "2026-11-01T00:00:00Z"}
    document, blobs = compose(request, response, recorded, config)
    return Store(config.fixtures).save(identify_settled(request, config), document, blobs)


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    document = parse_fixture(path.read_text())
    change(document)
    path.write_text(render_fixture(document))
