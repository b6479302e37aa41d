"""Client libraries that need an environment of their own: an older release, or a large package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from foreign import make_environment, run_program
from places import ROOT
from scripted_server import (
    Script,
    ScriptedResponse,
    ScriptedServer,
    SeenRequest,
    gzip_response,
    json_response,
    redirect,
    serving,
    sse_response,
    text_response,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
BEGIN = """
import json, sys
import cachy
url, mode = sys.argv[1:]
cachy.enable_cachy(doms=["127.0.0.1"], mode=mode)
told = {}
"""


def both_ways(project: Path, python: Path, program: str, server: ScriptedServer) -> list[Any]:
    """Run a program while the server is there, and again with what was recorded."""
    script = project / "program.py"
    script.write_text(f"{BEGIN}{program}\nprint(json.dumps(told))\n")
    environ = {"HOME": str(project), "HF_HUB_DISABLE_TELEMETRY": "1"}
    runs = []
    for mode in ("record", "replay"):
        runs.append(run_program([str(python), str(script), server.url, mode], project, **environ))
        server.scripts = {path: [ScriptedResponse(b"gone", 500)] for path in server.scripts}
    return runs


OLD_URLLIB3 = """
import requests, urllib3
told["version"] = urllib3.__version__.split(".")[0]
told["get"] = requests.get(url + "/json").json()
told["post"] = requests.post(url + "/echo", json={"a": 1}).json()
told["gzip"] = requests.get(url + "/gzip").json()
with requests.get(url + "/lines", stream=True) as response:
    told["lines"] = [line.decode() for line in response.iter_lines(chunk_size=None)]
with requests.get(url + "/packed", stream=True) as response:
    told["packed"] = response.raw.read(decode_content=False).hex()
with requests.get(url + "/left", stream=True) as response:
    told["left"] = next(response.iter_lines()).decode()
told["cookies"] = sorted(requests.Session().get(url + "/cookies").cookies.keys())
told["length"] = requests.head(url + "/lines").headers["content-length"]
told["moved"] = [response.status_code for response in requests.get(url + "/moved").history]
pool = urllib3.PoolManager()
response = pool.request("GET", url + "/pool", preload_content=False)
told["pool"] = b"".join(response.stream(7)).decode()
response.release_conn()
"""
LINES = b"".join(b"line %d\n" % number for number in range(40))
COOKIES = (("Set-Cookie", "a=secret1; Path=/"), ("Set-Cookie", "b=secret2; Path=/"))


def test_urllib3_before_2_records_and_replays(tmp_path: Path) -> None:
    python = make_environment(tmp_path / "environment", str(ROOT), "urllib3<2", "requests")
    scripts: dict[str, list[Script]] = {
        "/json": [json_response({"a": 1})],
        "/echo": [lambda asked: json_response(asked.json)],
        "/gzip": [gzip_response({"a": [1] * 50})],
        "/packed": [gzip_response({"a": [1] * 50})],
        "/lines": [text_response(LINES)],
        "/left": [sse_response({"n": 1}, {"n": 2}, end="open")],
        "/cookies": [json_response({}, 200, *COOKIES)],
        "/pool": [text_response(LINES)],
        "/moved": [redirect(302, "/json")],
    }
    with serving(scripts) as server:
        recorded, replayed = both_ways(tmp_path, python, OLD_URLLIB3, server)
    assert recorded == replayed
    assert recorded["version"] == "1"
    assert recorded["lines"] == LINES.decode().splitlines()
    assert recorded["pool"] == LINES.decode()


HUB = """
import hashlib, tempfile
from huggingface_hub import hf_hub_download
for name in ("config.json", "model.bin"):
    folder = tempfile.mkdtemp()
    path = hf_hub_download("org/repo", name, endpoint=url, cache_dir=folder)
    with open(path, "rb") as file:
        told[name] = [hashlib.sha256(file.read()).hexdigest(), path.removeprefix(folder)]
"""
COMMIT = "3f9a" * 10
MODEL = bytes(range(256)) * 4000


def test_a_file_of_the_hub_records_and_replays(tmp_path: Path) -> None:
    python = make_environment(tmp_path / "environment", str(ROOT), "huggingface_hub")
    facts = (("X-Repo-Commit", COMMIT), ("Content-Type", "text/plain"), ("ETag", '"abc"'))
    small = ScriptedResponse(b'{"model_type": "gpt2"}\n', 200, facts)

    def large(_: SeenRequest) -> ScriptedResponse:
        place = f"{store.url}/model.bin?Expires=1&Signature=Zx91kQm3Lw7Vt0Rb5Nc2"
        linked = (("X-Linked-ETag", f'"{"f" * 64}"'), ("X-Linked-Size", str(len(MODEL))))
        return ScriptedResponse(b"Found", 302, (*facts, *linked, ("Location", place)))

    below = "/org/repo/resolve/main"
    scripts: dict[str, list[Script]] = {
        f"{below}/config.json": [small],
        f"{below}/model.bin": [large],
    }
    kind = (("Content-Type", "application/octet-stream"),)
    with (
        serving({"/model.bin": [ScriptedResponse(MODEL, 200, kind)]}) as store,
        serving(scripts) as server,
    ):
        recorded, replayed = both_ways(tmp_path, python, HUB, server)
        assert store.count == 1
    assert recorded == replayed
    assert recorded["config.json"][1].endswith(f"/snapshots/{COMMIT}/config.json")
