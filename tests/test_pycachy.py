"""A project that used pycachy 0.0.x keeps its recordings."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from cachy import cachy

# As pycachy 0.0.22 wrote them.
RECORDED = """\
{"key": "77f23a69", "response": "data: {\\"x\\": 1}\\n\\ndata: [DONE]\\n\\n", "headers": \
{"server": "BaseHTTP/0.6", "content-type": "text/event-stream"}, "status_code": 200, \
"binary": false}
{"key": "1b171f28", "response": "{\\"answer\\": \\"from pycachy\\"}", "headers": {}, \
"status_code": 200, "binary": false}
"""
URL = "http://127.0.0.1:48123/v1/chat"
KEYS = ["AI" + "za" + letter * 9 + "Sy1b2C3d4E5f6G7h8I9j0K1l2M" for letter in "AB"]


@pytest.mark.parametrize("inside", [False, True])
def test_an_old_recording_is_adopted_as_a_fixture_on_use(tmp_path: Path, inside: bool) -> None:
    fixtures = tmp_path / "cachy_fixtures"
    fixtures.mkdir()
    (fixtures if inside else tmp_path).joinpath("cachy.jsonl").write_text(RECORDED)
    ask = {"q": "Hey!", "at": "/tmp/tmpwxyz"}
    with cachy(fixtures, doms=["127.0.0.1"], mode="replay"):
        answer = httpx.post(f"{URL}?key={KEYS[0]}&x=1", json=ask)
        with httpx.stream("POST", URL, json={"q": "Hey!", "stream": True}) as stream:
            chunks = list(stream.iter_bytes())
    assert answer.json() == {"answer": "from pycachy"}
    assert chunks == [b'data: {"x": 1}\n\n', b"data: [DONE]\n\n"]
    adopted = [json.loads(path.read_text()) for path in fixtures.rglob("*.json")]
    assert [fixture["response"]["status"] for fixture in adopted] == [200, 200]
    (fixtures if inside else tmp_path).joinpath("cachy.jsonl").unlink()
    with cachy(fixtures, doms=["127.0.0.1"], mode="replay"):
        assert httpx.post(f"{URL}?key={KEYS[1]}&x=1", json=ask).json() == answer.json()
