"""What tests of every room share: a provider on loopback, a project, both libraries, one send."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import certifi
import freezegun
import pytest
import trio
from certificates import trust_one_certificate
from hypothesis import HealthCheck, settings
from scripted_server import ScriptedServer, serving

import cachy
from cachy.replay.owner import set_owner
from cachy.replay.process import PROCESS

# A machine that is busy with other work fails no test, and a test tries the same each time.
# `--hypothesis-profile=thorough` tries more, and others each time.
PATIENT: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", max_examples=10, derandomize=True, **PATIENT)
settings.register_profile("thorough", max_examples=500, **PATIENT)
settings.load_profile("quick")
trust_one_certificate()
# It looks through each module that is loaded: these are many, and no test asks them for the time.
_TIMELESS = ["anthropic", "botocore", "google", "hypothesis", "openai", "pydantic", "rich"]
freezegun.configure(extend_ignore_list=_TIMELESS)
WAYS = ("sync", "async", "sync streamed", "async streamed", "async on trio")
Scope = Callable[..., AbstractContextManager[None]]
_SLOW_MODULE = r"^pytestmark = .*\bpytest\.mark\.(slow|node)\b"
CERTIFICATES = ssl.create_default_context(cafile=certifi.where())


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what a test starts miss what it wants, and ask as a program outside of pytest does.

    Each request is searched for the secrets that the process was given: those of thousands of
    tests would take most of the time.
    """
    monkeypatch.delenv("CACHY_MISSES", raising=False)
    set_owner(None)
    PROCESS._made.clear()
    PROCESS.has_heard = False


@pytest.fixture(scope="module", autouse=True)
def _swift() -> None:
    """Keep the hundreds of modules that are imported out of each garbage collection."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def origin() -> Iterator[ScriptedServer]:
    """A provider on loopback."""
    with serving() as origin:
        yield origin


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, in which the test stands, outside of CI and with no key."""
    (tmp_path / "pyproject.toml").write_text("[tool.cachy]\n")
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.endswith(("_API_KEY", "_TOKEN"))]:
        monkeypatch.delenv(name)
    for name in ("CI", "CACHY_MODE", "CACHY_LOG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def recording(project: Path) -> Scope:
    """Open a scope that records what is missing."""
    return lambda **chosen: cachy.cachy(**{"doms": ["127.0.0.1"], "mode": "record", **chosen})


@pytest.fixture
def replaying(project: Path) -> Scope:
    """Open a scope that never goes live."""
    return lambda **chosen: cachy.cachy(**{"doms": ["127.0.0.1"], "mode": "replay", **chosen})


@pytest.fixture(params=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    """Each of the two libraries."""
    return importlib.import_module(request.param)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """Each way of calling them."""
    return str(request.param)


@pytest.fixture
def send(library: ModuleType, way: str) -> Callable[..., Any]:
    """Send one request the parametrized way; gives the library's own response, read."""
    is_async, is_streamed = way.startswith("async"), way.endswith("streamed")
    names = (
        "auth",
        "cookies",
        "event_hooks",
        "transport",
        "mounts",
        "proxy",
        "http2",
        "http1",
        "verify",
    )

    def send(method: str, url: str, **arguments: Any) -> Any:
        given = {name: arguments.pop(name) for name in names if name in arguments}
        of_client = {"verify": CERTIFICATES, "timeout": 60, **given}
        if is_async:
            work = partial(send_async, library, is_streamed, of_client, method, url, **arguments)
            return trio.run(work) if way.endswith("trio") else asyncio.run(work())
        with library.Client(**of_client) as client:
            if not is_streamed:
                return client.request(method, url, **arguments)
            with client.stream(method, url, **arguments) as response:
                response.read()
                return response

    return send


async def send_async(
    library: ModuleType,
    is_streamed: bool,
    of_client: dict[str, Any],
    method: str,
    url: str,
    **arguments: Any,
) -> Any:
    async with library.AsyncClient(**of_client) as client:
        if not is_streamed:
            return await client.request(method, url, **arguments)
        async with client.stream(method, url, **arguments) as response:
            await response.aread()
            return response


@contextmanager
def refused(words: str = "No fixture answers") -> Iterator[pytest.ExceptionInfo[BaseException]]:
    """Expect a miss that reaches this block, and that nothing else was missed."""
    with pytest.raises(cachy.UnrecordedRequest, match=words) as caught:
        yield caught
    assert forgotten() == [str(caught.value)]


def forgotten() -> list[str]:
    """Return the misses that this test expects, so that the plugin does not fail it."""
    known = [str(error) for error in PROCESS.misses]
    PROCESS.misses.clear()
    return known


def fixtures_in(folder: Path) -> list[Path]:
    """List a project's fixtures."""
    return sorted((folder / "cachy_fixtures").rglob("*.json"))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out modules that are slow as a whole: what they import takes seconds to load."""
    if collection_path.suffix != ".py" or not config.option.markexpr.startswith("not slow"):
        return None
    is_slow = re.search(_SLOW_MODULE, collection_path.read_text(encoding="utf-8"), re.MULTILINE)
    return True if is_slow else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print each SDK that was tested, its version, its ways of calling and its slowest miss."""
    passed = terminalreporter.stats.get("passed", ())
    told = [value for report in passed for name, value in report.user_properties if name == "sdk"]
    if told:
        terminalreporter.section("SDKs")
        for line in told:
            terminalreporter.write_line(str(line))
