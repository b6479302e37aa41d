"""Cassettes of WebSocket connections, as cassetter and pydantic-ai write them."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import run_cachy
from conftest import Scope, fixtures_in, refused
from websocket_server import WEBSOCKET_ADAPTERS, Receive, UntilClosed

URL = "wss://ws.example.com/stream?api_key=[FILTERED]&symbol=X"
ASKED = {"subscribe": "ticker", "access_token": "[FILTERED]"}
CLOSE = struct.pack(">H", 1008) + b"policy"


def frame(direction: str, kind: str, content: Any, **more: Any) -> dict[str, Any]:
    types = {"text": "text", "binary": "binary", "close": "binary"}
    of_type = "json" if isinstance(content, (dict, list)) else types[kind]
    body = {"type": of_type, "content": content}
    return {"direction": direction, "frame_type": kind, "body": body, "offset_ms": 7, **more}


def cassette(*frames: dict[str, Any], uri: str = URL) -> dict[str, Any]:
    headers = {"sec-websocket-protocol": ["v2"], "authorization": ["Bearer [FILTERED]"]}
    return {
        "version": 1,
        "ws_interactions": [{"uri": uri, "headers": headers, "frames": [*frames]}],
    }


FRAMES = (
    frame("recv", "text", {"type": "hello"}),
    frame("send", "text", ASKED),
    frame("recv", "text", "plain"),
    frame("send", "binary", b"\x00\xff".hex()),
    frame("recv", "binary", b"\x01".hex(), offset_ms=90),
    frame("recv", "close", CLOSE.hex(), offset_ms=120),
)


@pytest.fixture(autouse=True)
def _settings(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.cachy]\ndoms = ["ws.example.com"]\n')


@pytest.mark.parametrize("client", WEBSOCKET_ADAPTERS, ids=lambda client: client.name)
def test_a_connection_of_cassetter_replays(client: Any, project: Path, replaying: Scope) -> None:
    (project / "a.yaml").write_text(yaml.dump(cassette(*FRAMES)))
    done = run_cachy("import", "a.yaml", folder=project)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = fixtures_in(project)
    frames = json.loads(path.read_text(encoding="utf-8"))["response"]["ws"]
    assert frames[-1] == {"close": 1008, "reason": "policy", "by": "server", "ms": 120}
    assert run_cachy("verify", folder=project).returncode == 0
    asked = json.dumps({"access_token": "Xb7" + "m3Xv7Lp2" * 4, "subscribe": "ticker"})
    url = "wss://ws.example.com/stream?api_key=Xb7m3Xv7Lp2m3Xv7Lp2m3Xv7Lp2&symbol=X"
    steps = (Receive(), asked, Receive(), b"\x00\xff", UntilClosed())
    with replaying(doms=["ws.example.com"]):
        seen = client.talk(url, *steps, subprotocols=["v2"])
    assert json.loads(seen[1]) == {"type": "hello"}
    assert [seen[0], *seen[2:]] == ["v2", "plain", b"\x01", ("closed", 1008, "policy")]
    with replaying(doms=["ws.example.com"]), refused("that it sends is not recorded"):
        client.talk(url, Receive(), "other", subprotocols=["v2"])


def test_a_connection_of_cassetters_toml_is_imported(project: Path) -> None:
    (project / "a.toml").write_text(
        'version = 1\n[[ws_interactions]]\nuri = "wss://ws.example.com/stream"\n'
        '[[ws_interactions.frames]]\ndirection = "send"\nframe_type = "text"\n'
        'body_type = "text"\nbody_content = "hello"\noffset_ms = 3\n'
    )
    assert run_cachy("import", "a.toml", folder=project).returncode == 0
    (path,) = fixtures_in(project)
    assert json.loads(path.read_text(encoding="utf-8"))["response"]["ws"] == [
        {"send": "hello", "ms": 3},
        {"close": 1000, "by": "program", "ms": 3},
    ]


def test_two_conversations_at_one_url_are_both_imported(project: Path) -> None:
    one, two = (cassette(frame("send", "text", word)) for word in "ab")
    both = {**one, "ws_interactions": one["ws_interactions"] + two["ws_interactions"]}
    (project / "a.yaml").write_text(yaml.dump(both))
    assert run_cachy("import", "a.yaml", folder=project).returncode == 0
    assert len(fixtures_in(project)) == 2


def test_messages_whose_url_was_not_kept_are_named_by_their_file(project: Path) -> None:
    messages = [{"kind": "message", "direction": "sent", "data": {"type": "session.update"}}] * 3
    end = {"kind": "close", "code": 1000, "reason": "", "ok": True}
    (project / "a.yaml").write_text(yaml.dump({"version": 1, "interactions": [*messages, end]}))
    done = run_cachy("import", "a.yaml", folder=project)
    assert "its recorder did not keep the URL" in done.stdout + done.stderr
    assert done.returncode == 2
    assert fixtures_in(project) == []
