"""What a whole pytest run costs: 200 openai tests with a client for each, over a floor.

    pip install openai
    python tests/benchmarks/end_to_end.py

The floor gives each client a MockTransport with the same answer. CPU time of the whole process,
imports and start-up included, medians of interleaved runs.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from replay import provider

ROUNDS, TESTS = 5, 200
CACHY = """\
import openai, pytest
from cachy import enable_cachy
enable_cachy("{folder}", doms=["127.0.0.1"])

@pytest.fixture
def client():
    return openai.OpenAI(base_url="{base}", api_key="test")
"""
FLOOR = """\
import httpx2, openai, pytest
import sys; sys.path.insert(0, "{here}")
from replay_worker import floor

@pytest.fixture
def client():
    http = httpx2.Client(transport=httpx2.MockTransport(floor))
    return openai.OpenAI(base_url="{base}", api_key="test", http_client=http)
"""
TEST = """\
import pytest

@pytest.mark.parametrize("number", range({tests}))
def test_answer(client, number):
    turns = [{{"role": "user", "content": f"Question {{number}}"}}]
    assert client.chat.completions.create(model="gpt-4.1", messages=turns).choices
"""


def seconds(folder: Path, mode: str) -> float:
    """Return the CPU seconds of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=folder,
        env={**os.environ, "CACHY_MODE": mode},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as name, provider() as url:
        here, base = Path(__file__).parent, url.removesuffix("/chat/completions")
        projects = {}
        for title, conftest in (("floor", FLOOR), ("cachy", CACHY)):
            project = projects[title] = Path(name, title)
            project.mkdir()
            filled = conftest.format(here=here, base=base, folder=project / "fixtures")
            project.joinpath("conftest.py").write_text(filled)
            project.joinpath("test_answers.py").write_text(TEST.format(tests=TESTS))
        seconds(projects["cachy"], "record")
        rounds = [
            seconds(projects["cachy"], "replay") / seconds(projects["floor"], "off")
            for _ in range(ROUNDS)
        ]
    print(f"{TESTS} openai tests, a client each: {statistics.median(rounds):.2f} x floor")


if __name__ == "__main__":
    main()
