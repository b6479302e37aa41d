"""What must not wait inside an event loop: blockbuster, as other projects' suites use it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import aiohttp
import blockbuster
import httpx
import httpx2
import pytest
from conftest import CERTIFICATES, Scope, fixtures_in, refused
from scripted_server import ScriptedServer, event, sse_response

from cachy.fixture.store.blocking import may_block
from cachy.replay.process import PROCESS, RunState

NAMES = ("CACHY_RUN_REPORT", "CACHY_MISSES", "CACHY_LOG")


@pytest.fixture(autouse=True)
def _loaded() -> None:
    """Let the libraries import what they import late: that is theirs."""
    for library in (httpx, httpx2):
        library.HTTPTransport(verify=CERTIFICATES).close()


@pytest.fixture
def watched() -> Iterator[blockbuster.BlockBuster]:
    """Fail every blocking call in an event loop."""
    with blockbuster.blockbuster_ctx() as watching:
        yield watching


def test_it_is_watched(watched: blockbuster.BlockBuster) -> None:
    async def blocks() -> None:
        time.sleep(0.001)

    with pytest.raises(blockbuster.BlockingError):
        asyncio.run(blocks())


def test_older_releases_of_blockbuster_are_paused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """In 1.5.26 and earlier, a context variable says that blockbuster is to look away."""
    skip: ContextVar[bool] = ContextVar("blockbuster_skip")
    older = SimpleNamespace(blockbuster_skip=skip)
    monkeypatch.setitem(sys.modules, "blockbuster.blockbuster", older)
    with may_block():
        assert skip.get()
        with may_block():
            assert skip.get()
        assert skip.get()
    assert not skip.get(False)


async def by_httpx(library: ModuleType, url: str) -> Any:
    async with library.AsyncClient() as client:
        return (await client.get(url)).json()


def test_recording_and_replaying_block_nothing(
    library: ModuleType,
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
    project: Path,
    watched: blockbuster.BlockBuster,
) -> None:
    url = f"{origin.url}/v1/items"
    with recording():
        live = asyncio.run(by_httpx(library, url))
    with replaying():
        for _ in range(2):
            assert asyncio.run(by_httpx(library, url)) == live
    with replaying(), refused():
        asyncio.run(by_httpx(library, f"{url}/unasked"))
    assert (origin.count, len(fixtures_in(project))) == (1, 1)


def test_the_files_of_a_run_and_the_log_block_nothing(
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
    project: Path,
    watched: blockbuster.BlockBuster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those to which other processes of a run write too: replays, misses, CACHY_LOG."""
    monkeypatch.setattr(PROCESS, "run", RunState())
    for name in NAMES:
        monkeypatch.setenv(name, str(project / name))
    url = f"{origin.url}/v1/items"
    with recording():
        asyncio.run(by_httpx(httpx, url))
    with replaying():
        asyncio.run(by_httpx(httpx, url))
    with replaying(), refused():
        asyncio.run(by_httpx(httpx, f"{url}/unasked"))
    written = [name for name in NAMES if (project / name).stat().st_size]
    assert written == [*NAMES]


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_the_tls_context_of_replay_blocks_nothing(
    variable: str,
    library: ModuleType,
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = f"{origin.url}/v1/items"
    with recording():
        live = asyncio.run(by_httpx(library, url))
    (project / "authorities.pem").touch()
    is_file = variable == "SSL_CERT_FILE"
    monkeypatch.setenv(variable, str(project / "authorities.pem" if is_file else project))
    with replaying(), blockbuster.blockbuster_ctx():
        assert asyncio.run(by_httpx(library, url)) == live


def test_aiohttps_streams_block_nothing(
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
    watched: blockbuster.BlockBuster,
) -> None:
    url = origin.on("/v1/chat", sse_response(*(event({"n": number}) for number in range(3))))

    async def asked() -> bytes:
        async with aiohttp.ClientSession() as session, session.post(url) as response:
            return await response.read()

    with recording():
        live = asyncio.run(asked())
    with replaying():
        assert asyncio.run(asked()) == live
    assert origin.count == 1


def test_what_a_test_itself_does_is_still_found(
    origin: ScriptedServer, replaying: Scope, recording: Scope, watched: blockbuster.BlockBuster
) -> None:
    async def asked() -> None:
        await by_httpx(httpx, f"{origin.url}/v1/items")
        time.sleep(0.001)

    with recording(), pytest.raises(blockbuster.BlockingError):
        asyncio.run(asked())
