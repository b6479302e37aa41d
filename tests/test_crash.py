"""Recording while processes are killed, disks are full and folders vanish: real ones all."""

from __future__ import annotations

import base64
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import CERTIFICATES, Scope, fixtures_in
from loopback import Answer, Asked, Origin, json_answer

from cachy.config import load_config
from cachy.fixture.format.text import parse_fixture, render_fixture
from cachy.fixture.store.store import list_fixtures
from cachy.verify import verify

START = """\
import os, random, signal, ssl, sys, time
import cachy, httpx
context = ssl.create_default_context()

def ask(number, url):
    answer = httpx.post(url, json={"q": number}, verify=context)
    return answer.json()["number"]
"""
KILLED = (
    START
    + """
url, rounds = sys.argv[1], int(sys.argv[2])
done = os.open("done", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
number = 0
for _ in range(rounds):
    before = os.path.getsize("done")
    pid = os.fork()
    if not pid:
        with cachy.cachy("cachy_fixtures", doms=["127.0.0.1"], mode="record"):
            while True:
                number += 1
                ask(number, url)
                os.write(done, b"%d\\n" % number)
    while os.path.getsize("done") == before:
        time.sleep(0.001)
    time.sleep(random.uniform(0, 0.05))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    number += 1000
"""
)


def long_answer(asked: Asked) -> Answer:
    """An answer that takes its time to be written."""
    return json_answer({"number": asked.json["q"], "text": ["word " * 20] * 400})


def run_program(code: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.slow
def test_nothing_that_was_recorded_is_lost_or_torn_when_the_process_is_killed(
    project: Path, origin: Origin, recording: Scope, replaying: Scope
) -> None:
    url = origin.on("/v1/long", long_answer)
    finished = run_program(KILLED, project, url, "20")
    assert finished.returncode == 0, finished.stderr
    done = [int(line) for line in (project / "done").read_text().split()]
    files = [*list_fixtures(project / "cachy_fixtures")]
    assert len(files) >= len(done) >= 20
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert render_fixture(parse_fixture(text)) == text
    with replaying(), httpx.Client(verify=CERTIFICATES) as client:
        for number in done:
            assert client.post(url, json={"q": number}).json()["number"] == number


TOGETHER = (
    START
    + """
mine = int(sys.argv[2])
with cachy.cachy("cachy_fixtures", doms=["127.0.0.1"], mode="record"):
    for number in range(40):
        if mine == 0 and number == 20:
            threading.Timer(random.uniform(0, 0.02), os.kill, (os.getpid(), signal.SIGKILL)).start()
        print(ask(number, sys.argv[1]), flush=True)
"""
)


@pytest.mark.slow
def test_processes_that_record_the_same_lose_nothing_when_one_of_them_is_killed(
    project: Path, origin: Origin, recording: Scope, replaying: Scope
) -> None:
    sound = b"ID3\x04" + bytes(5000)

    def both(asked: Asked) -> Answer:
        audio = base64.b64encode(sound).decode()
        return json_answer({"number": asked.json["q"], "audio": audio, "at": random.random()})

    url = origin.on("/v1/speech", both)
    command = [sys.executable, "-c", f"import threading\n{TOGETHER}", url]
    running = [
        subprocess.Popen([*command, str(mine)], cwd=project, text=True, stdout=-1, stderr=-1)
        for mine in range(3)
    ]
    told = [process.communicate(timeout=100) for process in running]
    assert [process.returncode for process in running] == [-signal.SIGKILL, 0, 0]
    assert [error for _, error in told] == ["", "", ""]
    assert told[1][0].split() == told[2][0].split() == [str(number) for number in range(40)]
    assert len(fixtures_in(project)) == 40
    with replaying(), httpx.Client(verify=CERTIFICATES) as client:
        for number in range(40):
            answer = client.post(url, json={"q": number}).json()
            assert (answer["number"], base64.b64decode(answer["audio"])) == (number, sound)
    assert verify(load_config()) == []


WORKERS = """
import os, signal, threading, time
import httpx, pytest

@pytest.mark.parametrize("turn", range(4))
def test_all_ask_the_same(turn):
    for number in range(8):
        answer = httpx.post({url!r}, json={{"q": turn % 2 * 100 + number}}, verify=False)
        assert answer.json()["number"] % 100 == number
        if turn == 1 and number == 4:
            try:
                os.close(os.open("killed", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            threading.Timer(0.002, os.kill, (os.getpid(), signal.SIGKILL)).start()
"""


@pytest.mark.slow
def test_workers_that_record_the_same_lose_nothing_when_one_of_them_is_killed(
    project: Path, origin: Origin
) -> None:
    (project / "pyproject.toml").write_text('[tool.cachy]\ndoms = ["127.0.0.1"]\n')
    url = origin.on("/v1/long", long_answer)
    (project / "test_workers.py").write_text(WORKERS.format(url=url))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "xdist", "-p", "cachy.pytest_plugin"]
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    def pytest_run(*mode: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *mode], cwd=project, env=environ, capture_output=True, text=True, timeout=100
        )

    first = pytest_run("--cachy=record", "-n", "2")
    assert "worker 'gw" in first.stdout
    assert "1 failed" in first.stdout
    count = origin.count
    second = pytest_run("--cachy=replay")
    assert second.returncode == 0, second.stdout
    assert origin.count == count
    assert len(fixtures_in(project)) == 16
    assert verify(load_config()) == []


def test_what_a_killed_process_left_is_no_fixture_and_goes_with_the_next_recording(
    project: Path, origin: Origin, recording: Scope
) -> None:
    with recording():
        httpx.get(f"{origin.url}/one", verify=CERTIFICATES)
    aside = project / "cachy_fixtures" / ".cachy"
    left, fresh = aside / "0123456789ab.tmp", aside / "ba9876543210.tmp"
    left.write_text('{"cachy": 1, "resp')
    os.utime(left, (0, 0))
    fresh.write_text("another process is at it")
    assert len(fixtures_in(project)) == 1
    with recording():
        httpx.get(f"{origin.url}/two", verify=CERTIFICATES)
    assert not left.exists()
    assert fresh.exists()
    assert len(fixtures_in(project)) == 2
    git = ["git", "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q"], cwd=project, check=True)
    subprocess.run([*git, "add", "."], cwd=project, check=True)
    listed = subprocess.run([*git, "ls-files"], cwd=project, capture_output=True, check=True)
    assert b".cachy/" not in listed.stdout


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[str]:
    """Mount a disk of 64 KiB, where that is allowed; else give code that limits every file."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    try:
        limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        yield "" if mounted else limit
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


FULL = (
    START
    + """
cachy.enable_cachy(doms=["127.0.0.1"], mode="record")
url = sys.argv[1]
print([ask(number, url + path) for number, path in ((1, "/short"), (2, "/long"), (3, "/long"))])
"""
)


@pytest.mark.parametrize("way", ["disk", "limit"])
def test_a_full_disk_costs_the_recording_but_not_the_answer(
    way: str, project: Path, origin: Origin
) -> None:
    origin.on("/short", lambda asked: json_answer({"number": asked.json["q"]}))
    text = "word " * 40_000
    origin.on("/long", lambda asked: json_answer({"number": asked.json["q"], "text": text}))
    with small_disk(project / "cachy_fixtures") as limit:
        code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        done = run_program((limit if way == "disk" else code) + FULL, project, origin.url)
        assert (done.returncode, done.stdout) == (0, "[1, 2, 3]\n"), done.stderr
        (path,) = list_fixtures(project / "cachy_fixtures")
        assert '"number": 1' in path.read_text()
        assert [*(project / "cachy_fixtures" / ".cachy").glob("*.tmp")] == []
    (line,) = done.stderr.splitlines()
    assert line.startswith("cachy: not recorded: ")
    assert line.endswith((": No space left on device. Mend that.", ": File too large. Mend that."))


SOUND = {"large": b"ID3\x04" + bytes(100_000), "small": b"ID3\x04" + bytes(5_000)}


@pytest.mark.parametrize(("sound", "words"), [("large", 1), ("small", 40_000)])
def test_a_disk_too_full_for_one_of_two_files_leaves_no_half(
    sound: str, words: int, project: Path, origin: Origin
) -> None:
    def both(asked: Asked) -> Answer:
        audio = base64.b64encode(SOUND[sound]).decode()
        number = asked.json["q"]
        return json_answer({"number": number, "audio": audio, "text": "word " * words})

    origin.on("/short", lambda asked: json_answer({"number": asked.json["q"]}))
    origin.on("/long", both)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
    done = run_program(limit + FULL, project, origin.url)
    assert (done.returncode, done.stdout) == (0, "[1, 2, 3]\n"), done.stderr
    (path,) = list_fixtures(project / "cachy_fixtures")
    assert '"number": 1' in path.read_text()
    (line,) = done.stderr.splitlines()
    assert line.startswith("cachy: not recorded: ")
    assert line.endswith(": File too large. Mend that.")
    assert [*(project / "cachy_fixtures" / "blobs").glob("*")] == []
    assert verify(load_config()) == []


READ_ONLY = (
    START
    + """
ask(0, sys.argv[1])  # loads what an unprivileged user may not read
if os.getuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
cachy.enable_cachy(sys.argv[2], doms=["127.0.0.1"], mode="record")
print([ask(number, sys.argv[1]) for number in (1, 2)])
"""
)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A project that every user of the machine can read: pytest's own folders are private."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        (Path(name) / "pyproject.toml").touch()
        yield Path(name)


def test_a_read_only_folder_costs_the_recording_but_not_the_answer(
    open_folder: Path, project: Path, origin: Origin
) -> None:
    url = origin.on("/v1/long", long_answer)
    folder = open_folder / "cachy_fixtures"
    folder.mkdir(mode=0o555)
    done = run_program(READ_ONLY, open_folder, url, str(folder))
    assert (done.returncode, done.stdout) == (0, "[1, 2]\n"), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("cachy: not recorded: ")
    assert line.endswith(": Permission denied. Mend that.")
    assert os.listdir(folder) == []


def test_a_folder_that_vanishes_meanwhile_is_made_again(
    project: Path,
    origin: Origin,
    recording: Scope,
    replaying: Scope,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, folder = f"{origin.url}/v1/items", project / "cachy_fixtures"
    over = threading.Event()

    def vanish() -> None:
        while not over.wait(0.05):
            shutil.rmtree(folder, ignore_errors=True)

    vanisher = threading.Thread(target=vanish)
    vanisher.start()
    with recording(), httpx.Client(verify=CERTIFICATES) as client:
        for number in range(100):
            assert client.post(url, json={"q": number}).status_code == 200
        over.set()
        vanisher.join()
        client.post(url, json={"q": "after"})
    with replaying(), httpx.Client(verify=CERTIFICATES) as client:
        assert client.post(url, json={"q": "after"}).json()["number"] == 101
    assert capsys.readouterr().err == ""  # nothing was given up


def test_the_summary_counts_what_could_not_be_written(project: Path, origin: Origin) -> None:
    (project / "pyproject.toml").write_text('[tool.cachy]\ndoms = ["127.0.0.1"]\n')
    (project / "cachy_fixtures").write_text("a file where the folder should be")
    code = f"import httpx; httpx.get('{origin.url}/x')"
    command = [sys.executable, "-m", "cachy", "run", "--", "python", "-c", code]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    first, *_, last = done.stderr.splitlines()
    assert first.startswith("cachy: not recorded: ")
    assert last == "cachy: 0 replayed, 0 recorded, 1 refused, 0 missed"
    assert "Traceback" not in done.stderr
