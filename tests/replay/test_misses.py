"""A miss reaches the code that sent the request, in every kind of task, and nothing hangs."""

from __future__ import annotations

import asyncio
import concurrent.futures
import multiprocessing
import multiprocessing.pool
import os
import pickle
import subprocess
import textwrap
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import anyio.from_thread
import anyio.to_thread
import children
import httpx
import httpx2
import nbclient
import nbformat
import pytest
import requests
import trio
from conftest import Scope, forgotten, refused
from forking import run_module, run_script
from scripted_server import ScriptedServer

import cachy
from cachy.replay.process import PROCESS

CURRENT = "PYTEST_CURRENT_TEST"  # by which a miss names the command that records it
OF_THIS_RUN = (CURRENT, "CACHY_RUN_REPORT", "CACHY_MISSES")
URL = "http://127.0.0.1:9/v1/chat"
WORDS = f"No fixture answers GET {URL}"
Ask = Callable[[], Coroutine[Any, Any, Any]]


async def by_httpx() -> None:
    async with httpx.AsyncClient() as client:
        await client.get(URL)


async def by_httpx2() -> None:
    async with httpx2.AsyncClient() as client:
        await client.get(URL)


async def by_aiohttp() -> None:
    async with aiohttp.ClientSession() as session, session.get(URL):
        pass


def by_requests() -> None:
    requests.get(URL, timeout=60)


@pytest.fixture(autouse=True)
def _replaying(project: Path) -> Iterator[None]:
    cachy.enable_cachy(doms=["127.0.0.1"], mode="replay")
    yield
    cachy.disable_cachy()


async def plainly(ask: Ask) -> None:
    await ask()


async def gathered(ask: Ask) -> None:
    await asyncio.gather(ask(), asyncio.sleep(30))


async def waited_for(ask: Ask) -> None:
    await asyncio.wait_for(ask(), 30)


async def as_completed(ask: Ask) -> None:
    for done in asyncio.as_completed([ask(), asyncio.sleep(0)]):
        await done


async def as_a_task(ask: Ask) -> None:
    await asyncio.ensure_future(ask())


async def in_a_task_group(ask: Ask) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(ask())
        group.create_task(asyncio.sleep(30))


async def in_anyios_group(ask: Ask) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        group.start_soon(anyio.sleep, 30)


async def in_a_nursery(ask: Ask) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        nursery.start_soon(trio.sleep, 30)


async def in_a_thread(ask: Ask) -> None:
    await asyncio.to_thread(by_requests)


async def in_anyios_thread(ask: Ask) -> None:
    await anyio.to_thread.run_sync(by_requests)


async def back_from_a_thread(ask: Ask) -> None:
    await anyio.to_thread.run_sync(anyio.from_thread.run, ask)


ON_ASYNCIO = [
    *(plainly, gathered, waited_for, as_completed, as_a_task, in_a_task_group),
    *(in_anyios_group, in_a_thread, in_anyios_thread, back_from_a_thread),
]
ON_TRIO = [plainly, in_anyios_group, in_a_nursery, in_anyios_thread, back_from_a_thread]


def leaves(error: BaseException) -> list[BaseException]:
    """The errors of a group, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in leaves(part)]
    return [error]


def run_asyncio(how: Callable[[Ask], Awaitable[None]], ask: Ask) -> None:
    async def main() -> None:
        await how(ask)

    asyncio.run(asyncio.wait_for(main(), 20))


def run_trio(how: Callable[[Ask], Awaitable[None]], ask: Ask) -> None:
    async def main() -> None:
        with trio.fail_after(20):
            await how(ask)

    trio.run(main)


CASES = [
    *((run_asyncio, how, ask) for how in ON_ASYNCIO for ask in (by_httpx, by_httpx2, by_aiohttp)),
    *((run_trio, how, ask) for how in ON_TRIO for ask in (by_httpx, by_httpx2)),
]


@pytest.mark.parametrize(
    ("run", "how", "ask"),
    CASES,
    ids=[f"{run.__name__} {how.__name__} {ask.__name__}" for run, how, ask in CASES],
)
def test_a_miss_comes_through_tasks_groups_and_their_threads(
    run: Callable[..., None], how: Any, ask: Ask
) -> None:
    with pytest.raises((BaseExceptionGroup, cachy.UnrecordedRequest)) as caught:
        run(how, ask)
    missed = [leaf for leaf in leaves(caught.value) if isinstance(leaf, cachy.UnrecordedRequest)]
    assert len(missed) == 1
    assert str(missed[0]).startswith(WORDS)
    assert forgotten() == [str(missed[0])]
    assert asyncio.run(asyncio.sleep(0, "the next loop runs")) == "the next loop runs"


async def waited_on(ask: Ask) -> None:
    await asyncio.wait({asyncio.ensure_future(ask())})


async def collected(ask: Ask) -> None:
    (result,) = await asyncio.gather(ask(), return_exceptions=True)
    assert isinstance(result, cachy.UnrecordedRequest)


async def suppressed(ask: Ask) -> None:
    try:
        await ask()
    except BaseException:
        return


async def tried_again(ask: Ask) -> None:
    for _ in range(3):
        try:
            await ask()
        except Exception:
            continue


def test_a_miss_that_is_swallowed_is_remembered() -> None:
    for how in (waited_on, collected, suppressed):
        run_asyncio(how, by_httpx)
        assert [text.splitlines()[0][: len(WORDS)] for text in forgotten()] == [WORDS]


def test_no_retry_loop_tries_again() -> None:
    with pytest.raises(cachy.UnrecordedRequest):
        run_asyncio(tried_again, by_httpx)
    assert len(forgotten()) == 1


def test_a_miss_comes_out_of_a_pool_of_threads() -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        with pytest.raises(cachy.UnrecordedRequest, match=WORDS):
            pool.submit(by_requests).result(20)
        assert pool.submit(int, "1").result(20) == 1
    with multiprocessing.pool.ThreadPool(1) as workers:
        with pytest.raises(cachy.UnrecordedRequest, match=WORDS):
            workers.apply_async(by_requests).get(20)
        assert workers.apply_async(int, ("1",)).get(20) == 1
    assert len(forgotten()) == 2


def test_a_thread_that_misses_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(PROCESS, "miss_class", cachy.UnrecordedRequest)  # as outside of pytest
    monkeypatch.setattr(threading, "excepthook", ended.append)
    thread = threading.Thread(target=by_requests)
    thread.start()
    thread.join(20)
    assert isinstance(ended[0].exc_value, cachy.UnrecordedRequest)
    assert f"cachy: {WORDS}" in capsys.readouterr().err
    assert len(forgotten()) == 1


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("start", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_a_miss_comes_out_of_processes(start: str) -> None:
    context: Any = multiprocessing.get_context(start)  # BaseContext declares no Process
    with context.Pool(1, children.start) as pool:  # a worker that dies hangs it for ever
        with pytest.raises(cachy.UnrecordedRequest, match=WORDS) as caught:
            pool.apply_async(children.ask, (URL,)).get(60)
        assert caught.value.method == "GET"
        with pytest.raises(cachy.UnrecordedRequest):
            pool.map_async(children.ask, [URL] * 3).get(60)
        assert pool.apply_async(int, ("1",)).get(60) == 1
    with concurrent.futures.ProcessPoolExecutor(1, context, children.start) as executor:
        with pytest.raises(cachy.UnrecordedRequest, match=WORDS):
            executor.submit(children.ask, URL).result(60)
        assert executor.submit(int, "1").result(60) == 1
    process = context.Process(target=children.start_and_ask, args=(URL,))
    process.start()
    process.join(60)
    assert process.exitcode == 1


def run_program(project: Path, code: str, *command: str) -> subprocess.CompletedProcess[str]:
    (project / "program.py").write_text(textwrap.dedent(code), encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if name not in OF_THIS_RUN}
    if command:
        return run_module(*command, folder=project, environ=environ)
    return run_script(Path("program.py"), folder=project, environ=environ)


def test_a_program_ends_with_the_miss_and_how_to_record_it(project: Path) -> None:
    code = f"""
        import cachy, httpx
        cachy.enable_cachy(doms=["127.0.0.1"], mode="replay")
        httpx.get({URL!r})
    """
    done = run_program(project, code)
    assert done.returncode == 1
    assert f"UnrecordedRequest: {WORDS} (mode replay, from the mode argument)." in done.stderr
    assert "  Record it: cachy run --mode record -- python program.py" in done.stderr


def test_a_program_that_swallows_a_miss_says_so_as_it_ends(project: Path) -> None:
    code = f"""
        import contextlib, cachy, httpx
        cachy.enable_cachy(doms=["127.0.0.1"], mode="replay")
        with contextlib.suppress(BaseException):
            httpx.get({URL!r})
    """
    done = run_program(project, code)
    assert done.returncode == 0
    assert done.stderr.splitlines()[-2] == "cachy: 1 request had no fixture:"
    assert done.stderr.splitlines()[-1].startswith(f"  {WORDS}")


GATEWAY = """
    import os, cachy, httpx
    cachy.enable_cachy(doms=["api.openai.com"], mode={mode!r})
    key = os.environ["OPENAI_API_KEY"] if {has_key} else "mine"
    headers = {{"authorization": f"Bearer {{key}}"}}
    for _ in range(2):
        httpx.get({url!r}, headers=headers)
    httpx.Client(proxy={proxy!r}).get("http://other.example/v1/n")
"""
WENT_LIVE = "cachy: {count} went live to hosts that are not covered: "


@pytest.mark.parametrize(
    ("mode", "has_key", "passed", "said"),
    [
        ("replay", True, "", "3 requests"),
        ("replay", False, "", "1 request"),
        ("replay", True, 'pass = ["127.0.0.1:*", "other.example"]', ""),
        ("record", True, "", ""),
        ("off", True, "", ""),
    ],
)
def test_a_program_says_in_replay_mode_what_went_live(
    mode: str, has_key: bool, passed: str, said: str, project: Path, origin: ScriptedServer
) -> None:
    (project / "pyproject.toml").write_text(f"[tool.cachy]\n{passed}\n")
    facts = {"mode": mode, "has_key": has_key and mode != "off", "url": f"{origin.url}/v1/models"}
    done = run_program(project, GATEWAY.format(**facts, proxy=origin.url))
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if "not covered" in line]
    assert [line.startswith(WENT_LIVE.format(count=said)) for line in lines] == [True] * bool(said)
    assert ("to cover them: extend-doms = [" in done.stderr) is bool(said)


UNITTEST = f"""
    import unittest
    import cachy, httpx

    class Plain(unittest.TestCase):
        def setUp(self):
            scope = cachy.cachy(doms=["127.0.0.1"], mode="replay")
            scope.__enter__()
            self.addCleanup(scope.__exit__, None, None, None)

        def test_miss(self):
            httpx.get({URL!r})

        def test_subtest(self):
            with self.subTest("one"):
                httpx.get({URL!r})

        def test_next(self):
            pass

    class Async(unittest.IsolatedAsyncioTestCase):
        async def test_miss(self):
            with cachy.cachy(doms=["127.0.0.1"], mode="replay"):
                async with httpx.AsyncClient() as client:
                    await client.get({URL!r})

        async def test_next(self):
            pass
"""


def test_unittest_fails_the_test_and_goes_on(project: Path) -> None:
    done = run_program(project, UNITTEST, "unittest", "program")
    assert "Ran 5 tests" in done.stderr
    assert "FAILED (errors=3)" in done.stderr
    assert done.stderr.count(f"UnrecordedRequest: {WORDS}") == 3


@pytest.mark.slow
def test_a_notebook_cell_fails_and_its_kernel_lives(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CURRENT)
    monkeypatch.setenv("IPYTHONDIR", str(project / "ipython"))
    cells = [
        "import cachy, httpx\ncachy.enable_cachy(doms=['127.0.0.1'], mode='replay')",
        f"httpx.get({URL!r})",
        f"async with httpx.AsyncClient() as client:\n    await client.get({URL!r})",
        "print('alive')",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(notebook, timeout=60, allow_errors=True)
    client.execute(cwd=str(project))
    outputs = [cell.outputs for cell in notebook.cells]
    for output in (outputs[1], outputs[2]):
        error = next(part for part in output if part.output_type == "error")
        assert error.ename == "UnrecordedRequest"
        assert error.evalue.startswith(WORDS)
        assert 'run the cell again after enable_cachy(mode="record")' in error.evalue
    assert outputs[3][0].text == "alive\n"


def test_a_miss_names_no_difference_that_the_settings_ignore(
    project: Path, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    settings = '[tool.cachy.match]\nignore = ["run"]\n'
    (project / "pyproject.toml").write_text(settings, encoding="utf-8")
    with recording():
        httpx.post(f"{origin.url}/json", json={"run": 1, "q": "one"})
    with replaying(), refused() as caught:
        httpx.post(f"{origin.url}/json", json={"run": 2, "q": "two"})
    assert isinstance(caught.value, cachy.UnrecordedRequest)
    assert caught.value.differences == ('q changed: "one" -> "two"',)


def test_a_miss_by_a_time_alone_names_the_setting(
    origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    with recording():
        httpx.post(f"{origin.url}/json", json={"q": "on 2026-11-30"})
    with replaying(), refused() as caught:
        httpx.post(f"{origin.url}/json", json={"q": "on 2026-12-01"})
    assert isinstance(caught.value, cachy.UnrecordedRequest)
    assert "add '\\d{4}-\\d{2}-\\d{2}' to normalize" in caught.value.differences[-1]


def test_a_miss_pickles() -> None:
    error = cachy.UnrecordedRequest("No fixture", method="GET", url="u", differences=["a"])
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.method, again.differences) == ("No fixture", "GET", ("a",))
