"""The keys that stand in for those that are not set: set, taken back, and never sent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import aiohttp
import httpx
import httpx2
import pytest
import requests
import websockets.asyncio.client
import websockets.sync.client
from conftest import Scope, refused
from scripted_server import ScriptedServer

import cachy
from cachy.replay import placeholder_keys
from cachy.replay.scope import current_session


def test_placeholder_keys_are_set_and_taken_back_and_never_sent(
    origin: ScriptedServer, recording: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "mine")
    with recording():
        key = os.environ["OPENAI_API_KEY"]
        assert os.environ["ANTHROPIC_API_KEY"] == "mine"
        with refused("and OPENAI_API_KEY isn't set(.|\n)*: set OPENAI_API_KEY, then pytest "):
            httpx.get(f"{origin.url}/json", headers={"authorization": f"Bearer {key}"})
    assert "OPENAI_API_KEY" not in os.environ
    assert os.environ["ANTHROPIC_API_KEY"] == "mine"
    assert origin.requests == []


def send_by_aiohttp(url: str, headers: dict[str, str]) -> None:
    async def send() -> None:
        async with aiohttp.ClientSession() as client, client.get(url, headers=headers) as response:
            await response.read()

    asyncio.run(send())


def send_by_httpx_async(url: str, headers: dict[str, str]) -> None:
    async def send() -> None:
        async with httpx.AsyncClient() as client:
            await client.get(url, headers=headers)

    asyncio.run(send())


Send = Callable[[str, dict[str, str]], object]
SENDERS: dict[str, Send] = {
    "httpx": lambda url, headers: httpx.get(url, headers=headers),
    "httpx-async": send_by_httpx_async,
    "httpx2": lambda url, headers: httpx2.get(url, headers=headers),
    "requests": lambda url, headers: requests.get(url, headers=headers, timeout=60),
    "aiohttp": send_by_aiohttp,
}


def open_by_websockets(url: str, headers: dict[str, str]) -> None:
    websockets.sync.client.connect(url.replace("http", "ws", 1), additional_headers=headers)


def open_by_websockets_asyncio(url: str, headers: dict[str, str]) -> None:
    async def connect() -> None:
        address = url.replace("http", "ws", 1)
        await websockets.asyncio.client.connect(address, additional_headers=headers)

    asyncio.run(connect())


OPENERS: dict[str, Send] = {
    "websockets": open_by_websockets,
    "websockets-asyncio": open_by_websockets_asyncio,
}


@pytest.mark.parametrize("mode", ["record", "replay"])
@pytest.mark.parametrize("send", [*SENDERS.values(), *OPENERS.values()], ids=[*SENDERS, *OPENERS])
def test_a_placeholder_is_not_sent_to_an_uncovered_host(
    send: Send, mode: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    (project / "pyproject.toml").write_text('[tool.cachy]\npass = ["other.example"]\n')
    advice = 'Set OPENAI_API_KEY, or add "other.example:8000" to extend-doms'
    why = "its host is not covered, and it carries the placeholder of OPENAI_API_KEY"
    with cachy.cachy(mode=mode):
        key = os.environ["OPENAI_API_KEY"]
        with refused(f"{why}. {advice}"):
            send("http://other.example:8000/v1", {"x-key": key})
        with refused(f"{why}. {advice}"):
            send(f"http://other.example:8000/v1?key={key}", {})


@pytest.mark.parametrize("send", SENDERS.values(), ids=SENDERS)
def test_a_placeholder_reaches_a_server_of_this_machine_and_is_counted(
    send: Send, project: Path, origin: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with cachy.cachy(mode="replay"):
        session = current_session()
        send(f"{origin.url}/n", {"authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"})
        send(f"{origin.url}/n", {"authorization": "Bearer mine"})
    assert session is not None
    assert session.journal.tally.uncovered == [f"127.0.0.1:{origin.port}"]
    assert origin.count == 2


@pytest.mark.parametrize(
    ("mode", "source", "maker", "is_set"),
    [
        ("record", None, "QEMU", True),
        ("record", "AWS_PROFILE", "QEMU", False),
        ("record", None, "Amazon EC2", False),  # it may have a role, which only the network tells
        ("replay", None, "Amazon EC2", True),
        ("replay", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "QEMU", False),
    ],
)
def test_an_aws_placeholder_hides_no_source_of_credentials(
    mode: str,
    source: str | None,
    maker: str,
    is_set: bool,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    if source:
        monkeypatch.setenv(source, "x")
    (tmp_path / "sys_vendor").write_text(f"{maker}\n", encoding="utf-8")
    monkeypatch.setattr(placeholder_keys, "_MAKER", tmp_path / "sys_vendor")
    with cachy.cachy(mode=mode):
        assert ("AWS_ACCESS_KEY_ID" in os.environ) is is_set
    assert "AWS_ACCESS_KEY_ID" not in os.environ


@pytest.mark.parametrize(
    ("text", "is_set"),
    [
        ("[default]\nregion = eu-west-1\n", True),
        ("[default]\nregion = eu-west-1\n[profile a]\nrole_arn = arn:aws:iam::1:role/r\n", False),
        ("[default]\nsso_session = work\n", False),
        ("[default]\ncredential_process=get-keys\n", False),
    ],
)
def test_a_file_of_aws_that_names_only_a_region_is_no_longer_a_source(
    text: str, is_set: bool, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "config").write_text(text, encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with cachy.cachy(mode="replay"):
        assert ("AWS_ACCESS_KEY_ID" in os.environ) is is_set
