"""Where cachy is on, for whom and until when: tasks, threads, processes, nested blocks."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from conftest import Scope, fixtures_in
from scripted_server import ScriptedServer, json_response

import cachy
from cachy.replay.run import summary
from cachy.replay.scope import current_session, in_session, new_session

DOMS = ["127.0.0.1"]


def number(url: str) -> int:
    return int(httpx.get(url).json()["number"])


async def number_async(url: str) -> int:
    async with httpx.AsyncClient() as client:
        return int((await client.get(url)).json()["number"])


def test_a_block_in_another_task_changes_nothing_here(
    origin: ScriptedServer, recording: Scope, tmp_path: Path
) -> None:
    url = f"{origin.url}/v1/items"

    async def asked(scope: Any, start: asyncio.Barrier) -> list[int]:
        with scope:
            await start.wait()
            return [await number_async(url) for _ in range(3)]

    async def all_at_once() -> list[list[int]]:
        start = asyncio.Barrier(4)
        scopes = [
            recording(cache_dir=tmp_path / "one"),
            recording(cache_dir=tmp_path / "two", repeats="sequence"),
            cachy.no_cachy(),
            recording(mode="off"),
        ]
        return await asyncio.gather(*(asked(scope, start) for scope in scopes))

    with recording():
        outer = number(url)
        same, turns, live, off = asyncio.run(all_at_once())
        assert number(url) == outer == 1
    assert len(set(same)) == 1
    assert len(set(turns) | set(live) | set(off)) == 9
    assert (origin.count, len(fixtures_in(tmp_path))) == (11, 1)
    folders = [[*(tmp_path / name).rglob("*.json")] for name in ("one", "two")]
    assert [len(files) for files in folders] == [1, 3]


def test_a_task_that_outlives_its_block_sees_the_state_before(
    origin: ScriptedServer, recording: Scope, tmp_path: Path
) -> None:
    url = f"{origin.url}/v1/items"

    async def late(gate: asyncio.Event) -> int:
        await gate.wait()
        return await number_async(url)

    async def started_inside() -> list[int]:
        gate = asyncio.Event()
        with recording(cache_dir=tmp_path / "inner"):
            inner = asyncio.ensure_future(late(gate))
            await asyncio.sleep(0)
        with cachy.no_cachy():
            live = asyncio.ensure_future(late(gate))
            await asyncio.sleep(0)
        gate.set()
        return [await inner, await live]

    with recording():
        assert number(url) == 1
        assert asyncio.run(started_inside()) == [1, 1]
    assert not (tmp_path / "inner").exists()


def test_blocks_end_in_any_order_and_in_another_context(
    origin: ScriptedServer, recording: Scope
) -> None:
    url = f"{origin.url}/v1/items"
    with recording():
        number(url)
    first, second = recording(mode="replay"), cachy.no_cachy()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert number(url) == 2
    with ThreadPoolExecutor() as pool:  # as a web framework ends a dependency's generator
        pool.submit(second.__exit__, None, None, None).result()
    assert number(url) == 3
    assert current_session() is None


def test_enabling_again_leaves_no_moment_without(project: Path) -> None:
    cachy.enable_cachy(doms=DOMS, mode="replay")
    seen: list[Any] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.append(current_session())
            time.sleep(0)  # else each file that enabling reads waits for this thread

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for _ in range(100):
            cachy.enable_cachy(doms=DOMS, mode="replay")
    finally:
        done.set()
        watcher.join()
        cachy.disable_cachy()
    assert None not in seen
    assert current_session() is None


def test_what_a_second_enabling_replays_is_reported(project: Path, origin: ScriptedServer) -> None:
    before = summary.summary().replayed
    for _ in range(2):
        cachy.enable_cachy(doms=DOMS, mode="record")
        number(f"{origin.url}/v1/items")
    cachy.disable_cachy()
    assert summary.summary().replayed == before + 1


def test_many_threads_share_one_sequence(
    library: ModuleType, origin: ScriptedServer, recording: Scope, replaying: Scope
) -> None:
    url = f"{origin.url}/v1/items"

    def many(scope: Any) -> list[int]:
        def ask(_: int) -> int:
            return int(library.get(url).json()["number"])

        with scope, ThreadPoolExecutor(8) as pool:
            return sorted(pool.map(ask, range(24)))

    live = many(recording(repeats="sequence"))
    assert live == list(range(1, 25))
    assert many(replaying(repeats="sequence")) == live
    assert origin.count == 24


def ask_in_process(url: str, item: int) -> list[int]:
    return [number(url), number(f"{url}?item={item}")]


def start_child(folder: str, mode: str) -> None:
    cachy.enable_cachy(folder, doms=DOMS, mode=mode)


@pytest.fixture(params=["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def pool(request: pytest.FixtureRequest, project: Path) -> Callable[[str], ProcessPoolExecutor]:
    """Make a pool of two processes that are forked inside a scope, or that enable cachy."""

    def make(mode: str) -> ProcessPoolExecutor:
        context = multiprocessing.get_context(request.param)
        if request.param != "spawn":
            return ProcessPoolExecutor(2, context)
        arguments = (str(project / "cachy_fixtures"), mode)
        return ProcessPoolExecutor(2, context, initializer=start_child, initargs=arguments)

    return make


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_processes_record_and_replay_side_by_side(
    pool: Callable[[str], ProcessPoolExecutor],
    project: Path,
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
) -> None:
    url = f"{origin.url}/v1/items"
    with recording(), pool("record") as workers:
        live = list(workers.map(ask_in_process, [url] * 8, range(8)))
    asked = origin.count
    shared = {first for first, _ in live}
    assert len(shared) <= 2  # both may ask before either has recorded
    files = fixtures_in(project)
    assert len(files) == 9
    assert all(json.loads(path.read_text(encoding="utf-8"))["cachy"] == 1 for path in files)
    with replaying(), pool("replay") as workers:
        replayed = list(workers.map(ask_in_process, [url] * 8, range(8)))
    assert len({first for first, _ in replayed}) == 1
    assert {first for first, _ in replayed} <= shared
    assert [own for _, own in replayed] == [own for _, own in live]
    assert origin.count == asked


FORKED = """
import multiprocessing, os, sys
import cachy, httpx
cachy.enable_cachy("fixtures", doms=["127.0.0.1"], mode=sys.argv[2])

def ask(path):
    return httpx.get(sys.argv[1] + path).json()["number"]

if __name__ == "__main__":
    ask("/parent")
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=ask, args=(f"/child/{n}",)) for n in "ab"]
    for child in children:
        child.start()
    for child in children:
        child.join()
    pid = os.fork()
    if not pid:
        ask("/fork")
        sys.exit()
    os.waitpid(pid, 0)
"""


@pytest.mark.slow
def test_what_forked_processes_did_is_added_up_once(project: Path, origin: ScriptedServer) -> None:
    (project / "program.py").write_text(FORKED, encoding="utf-8")
    program = ["python", "program.py", origin.url]

    def run(mode: str, *more: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "cachy", "run", "--mode", mode, "--", *program, mode]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr.splitlines()[-1]

    assert run("record") == (0, "cachy: 0 replayed, 4 recorded, 0 refused, 0 missed")
    assert run("replay") == (0, "cachy: 4 replayed, 0 recorded, 0 refused, 0 missed")
    for path in (project / "fixtures").rglob("*.json"):
        path.unlink()
        break
    assert origin.count == 4
    assert run("replay") == (1, "cachy: 3 replayed, 0 recorded, 0 refused, 1 missed")


WRITER = """
import sys
import cachy, httpx
cachy.enable_cachy("fixtures", doms=["127.0.0.1"], mode="refresh", repeats="sequence")
for _ in range(20):
    httpx.get(sys.argv[1])
"""


@pytest.mark.slow
def test_two_processes_that_record_the_same_tear_nothing(
    project: Path, origin: ScriptedServer, replaying: Scope
) -> None:
    text = json_response({"text": "word " * 20_000})
    url = origin.on("/v1/long", text)
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, url], cwd=project) for _ in range(2)
    ]
    torn = []
    while any(process.poll() is None for process in processes):
        for path in (project / "fixtures").rglob("*.json"):
            try:
                json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                torn.append(path)
    assert [process.returncode for process in processes] == [0, 0]
    assert torn == []
    assert len([*(project / "fixtures").rglob("*.json")]) == 20
    assert [*(project / "fixtures").rglob("*.tmp")] == []


def test_what_is_remembered_of_a_file_is_counted_once(
    project: Path, origin: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cachy.fixture.store import store

    monkeypatch.setattr(store, "_REMEMBERED", 2000)
    session = new_session(doms=DOMS, mode="record")
    url = f"{origin.url}/v1/items"
    with in_session(session):
        number(url)
        path = fixtures_in(project)[0]
        for count in range(20):  # somebody edits it again and again
            path.write_text(path.read_text(encoding="utf-8") + " " * count, encoding="utf-8")
            assert number(url) == 1
        assert number(f"{url}?other") == 2
        assert number(f"{url}?other") == 2
    assert session.store._size == sum(stamp[1] for stamp, _ in session.store._memory.values())


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    assert current_session() is None


def test_scopes_nest_and_each_task_sees_its_own(
    library: ModuleType, origin: ScriptedServer, recording: Scope, tmp_path: Path
) -> None:
    url = f"{origin.url}/json"

    async def live() -> int:
        with cachy.no_cachy():
            await asyncio.sleep(0.01)
            async with library.AsyncClient() as client:
                return int((await client.get(url)).json()["number"])

    async def replayed() -> int:
        await asyncio.sleep(0.02)
        async with library.AsyncClient() as client:
            return int((await client.get(url)).json()["number"])

    async def both() -> list[int]:
        return list(await asyncio.gather(live(), replayed()))

    with recording():
        assert number(url) == 1
        assert asyncio.run(both()) == [2, 1]
        with recording(cache_dir=tmp_path / "other"):
            assert number(url) == 3
        assert number(url) == 1
    assert number(url) == 4


def test_a_thread_that_inherits_nothing_sees_the_process_scope(
    origin: ScriptedServer, project: Path
) -> None:
    numbers: list[int] = []
    url = f"{origin.url}/json"

    def ask() -> None:
        numbers.append(number(url))

    cachy.enable_cachy(doms=DOMS)
    cachy.enable_cachy(doms=DOMS)  # a notebook cell that runs twice
    try:
        for _ in range(2):
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
    finally:
        cachy.disable_cachy()
        cachy.disable_cachy()
    ask()
    assert numbers == [1, 1, 2]
