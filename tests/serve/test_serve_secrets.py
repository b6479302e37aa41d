"""No key that passes through `cachy serve` is written, logged, printed, or given back in a miss."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from conftest import fixtures_in
from redact.test_secret_attack import assert_nothing_of, echo, everything, send_all
from sample_credentials import KINDS
from scripted_server import ScriptedServer, serving
from served import ask, serve

SHAPED = [name for name, kind in KINDS.items() if not kind.variable]


@pytest.fixture
def echoing(origin: ScriptedServer) -> ScriptedServer:
    origin.otherwise = echo
    return origin


@pytest.mark.parametrize(
    "name", [SHAPED[0], *(pytest.param(name, marks=pytest.mark.slow) for name in SHAPED[4::4])]
)
def test_no_key_is_left_by_what_passes_through_serve(
    name: str,
    echoing: ScriptedServer,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    secret = KINDS[name].make(name)
    monkeypatch.setenv("CACHY_LOG", str(project / "log.jsonl"))
    refusals: list[str] = []
    for mode in ("record", "replay"):
        with serve(mode) as server:
            url = server.address.served(echoing.url)
            replies = list(send_all(secret, name, url))
            elsewhere = server.address.served("http://127.0.0.1:1")
            replies += list(send_all(secret, name, elsewhere)) if mode == "replay" else []
            answered = [one for one in replies if isinstance(one, httpx.Response)]
            assert answered == replies
            refusals += [one.text for one in answered if one.status_code == 501]
            refusals += server.totals().missed + server.totals().refused
    assert len(refusals) > 5
    assert len(fixtures_in(project)) > 5
    said = capsys.readouterr()
    assert_nothing_of([secret], [*refusals, said.out, said.err, *everything(project)])


def test_a_value_of_the_environment_is_not_written(
    echoing: ScriptedServer, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = "q7Zk" + "w9Xr2Lp5" * 3
    monkeypatch.setenv("MY_SERVICE_TOKEN", value)
    with serve("record") as server:
        ask(server, f"{echoing.url}/json", json.dumps({"said": value}).encode())
        ask(server, f"{echoing.url}/text?said={quote(value)}")
    assert len(fixtures_in(project)) == 2
    assert_nothing_of([value], everything(project))


def test_an_error_of_the_connection_names_no_key(project: Path) -> None:
    secret = KINDS["openai"].make("a") if "openai" in KINDS else KINDS[SHAPED[0]].make("a")
    with serve("record") as server:
        reply = ask(server, f"http://127.0.0.1:1/v1?key={quote(secret)}")
        refused = server.totals().refused
    assert (reply.status, len(refused)) == (502, 1)
    assert_nothing_of([secret], [reply.body.decode(), *refused])


def test_a_key_goes_to_the_host_that_it_was_sent_to_and_to_no_other(project: Path) -> None:
    with serving() as one, serving() as other, serve("record") as server:
        with httpx.Client(headers={"authorization": "Bearer mine", "cookie": "a=1"}) as client:
            client.get(server.address.served(f"{one.url}/x"))
        ask(server, f"{other.url}/x")
    assert one.requests[0].headers["authorization"] == "Bearer mine"
    assert not {"authorization", "cookie"} & set(other.requests[0].headers)
