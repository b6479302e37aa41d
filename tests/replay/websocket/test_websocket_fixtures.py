"""What the commands and the tests of a project make of a recorded WebSocket connection."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import websockets.sync.client
from commands import run_cachy
from conftest import Scope, fixtures_in, refused
from forking import run_script
from plugin_project import prepare, run_pytest
from realtime_server import realtime_script
from websocket_server import (
    WEBSOCKET_ADAPTERS,
    Message,
    Receive,
    Step,
    WebSocketAdapter,
    serving_websockets,
)

from cachy.fixture.format.render import render_fixture
from cachy.fixture.format.schema import find_fault
from cachy.fixture.format.text import parse_fixture
from cachy.fixture.store.fast_read import read_response
from cachy.fixture.store.store import Store
from cachy.replay.owner import Owner, set_owner

pytest_plugins = ["pytester"]
CLIENT = WEBSOCKET_ADAPTERS[0]
SESSION = {"type": "session.update", "session": {"output_modalities": ["text"]}}
STEPS: tuple[Step, ...] = (
    Receive(),
    json.dumps(SESSION),
    Receive(),
    json.dumps({"type": "response.create"}),
    *[Receive()] * 7,
)


def record(project: Path, recording: Scope, *steps: Step) -> Path:
    """Record a session of OpenAI's Realtime; return its fixture."""
    with serving_websockets(**realtime_script()) as server, recording():
        CLIENT.talk(f"{server.url}/v1/realtime?model=gpt-realtime", *(steps or STEPS))
    (path,) = fixtures_in(project)
    return path


def edited(path: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    document = parse_fixture(path.read_text(encoding="utf-8"))
    change(document["response"]["ws"])
    path.write_text(render_fixture(json.loads(json.dumps(document))), encoding="utf-8")


def test_the_commands_know_a_connection(project: Path, recording: Scope) -> None:
    path = record(project, recording)
    (project / "pyproject.toml").write_text('[tool.cachy]\ndoms = ["127.0.0.1"]\n')
    listed = json.loads(run_cachy("ls", "--format", "json", folder=project).stdout)["fixtures"][0]
    assert listed["surface"].endswith("/v1/realtime (WebSocket)")
    assert listed["model"] == "gpt-realtime"
    shown = run_cachy("show", str(path), folder=project).stdout
    assert '<- response.output_text.delta x3 "It is sunny."' in shown
    assert "-> response.create" in shown
    assert run_cachy("verify", folder=project).returncode == 0
    drift = run_cachy("drift", "--format", "json", folder=project)
    report = json.loads(drift.stdout)
    assert drift.returncode == 3
    assert [row["reason"] for row in report["inconclusive"]] == ["websocket"]
    (project / "pyproject.toml").write_text(
        '[tool.cachy]\ndoms = ["127.0.0.1"]\n[tool.cachy.drift]\n'
        'skip = ["GET 127.0.0.1:*/v1/realtime"]\n'
    )
    assert run_cachy("drift", folder=project).returncode == 0


def test_a_contract_holds_messages_by_the_type_of_their_event(
    project: Path, recording: Scope
) -> None:
    path = record(project, recording)
    assert run_cachy("verify", "--fix", folder=project).returncode == 0
    (contract,) = path.parent.glob("_contract.*")
    assert contract.name == "_contract.GET.websocket.json"
    assert "event(response.output_text.delta).delta" in contract.read_text(encoding="utf-8")
    assert run_cachy("verify", folder=project).returncode == 0
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace('"delta": "It "', '"delta": 17'), encoding="utf-8")
    done = run_cachy("verify", folder=project)
    assert "event(response.output_text.delta).delta" in done.stdout
    assert done.returncode == 1
    other = path.with_name("other.json")
    other.write_text(before, encoding="utf-8")
    compared = run_cachy("diff", str(other), str(path), folder=project)
    assert "event(response.output_text.delta).delta" in compared.stdout


def test_a_secret_in_a_message_names_the_setting_that_makes_it_match(
    project: Path,
    recording: Scope,
    replaying: Scope,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    secret, setting = "Zq8vN2xKp4TfR7mLw9Yb3c", '[tool.cachy.match] ignore = ["text"]'
    monkeypatch.setenv("MY_CORP_TOKEN", secret)

    def steps(key: str) -> tuple[Step, ...]:
        return json.dumps({"type": "note", "text": f"key {key}"}), Receive()

    with serving_websockets() as server, recording():
        CLIENT.talk(f"{server.url}/v1", *steps(secret))
    (path,) = fixtures_in(project)
    assert secret not in path.read_text()
    said = capsys.readouterr().err
    assert "stands in send.text and is redacted; with another value" in said
    assert f"unless you set {setting} and record it again" in said
    monkeypatch.delenv("MY_CORP_TOKEN")
    with replaying(), refused("text changed: ") as caught:
        CLIENT.talk(f"{server.url}/v1", *steps("none-here"))
    assert f"unless you set {setting}" in str(caught.value)
    (project / "pyproject.toml").write_text('[tool.cachy.match]\nignore = ["text"]\n')
    with replaying():
        CLIENT.talk(f"{server.url}/v1", *steps("none-here"))


DAMAGE: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "two ways": lambda frames: frames[0].update(send="x"),
    "no way": lambda frames: frames[0].pop("receive"),
    "a negative time": lambda frames: frames[0].update(ms=-1),
    "a code that is not one": lambda frames: frames[-1].update(close=99),
    "bytes that are not base64": lambda frames: frames[0].update(receive="?", binary=True),
    "an unknown member": lambda frames: frames[0].update(opcode=1),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_connection_is_named_and_not_replayed(
    damage: str, project: Path, recording: Scope, replaying: Scope
) -> None:
    path = record(project, recording)
    url = json.loads(path.read_text(encoding="utf-8"))["request"]["url"]
    edited(path, DAMAGE[damage])
    assert find_fault(parse_fixture(path.read_text(encoding="utf-8"))) is not None
    assert run_cachy("verify", folder=project).returncode == 1
    with replaying(), refused("No fixture answers GET ws://.*is not a valid fixture"):
        CLIENT.talk(url, *STEPS)


def first_sent(frames: list[dict[str, Any]]) -> dict[str, Any]:
    return next(frame for frame in frames if "send" in frame)


EDITS: dict[str, tuple[Callable[[list[dict[str, Any]]], object], bool]] = {
    "another value": (lambda frames: first_sent(frames).update(send={"type": "x"}), True),
    "a text": (lambda frames: first_sent(frames).update(send="x"), True),
    "a message more": (lambda frames: frames.insert(1, {"send": "x", "ms": 1}), True),
    "a message less": (lambda frames: frames.remove(first_sent(frames)), True),
    "bytes for a text": (lambda frames: first_sent(frames).update(binary=True), True),
    "in another order": (
        lambda frames: first_sent(frames).update(
            send=dict(reversed(first_sent(frames)["send"].items()))
        ),
        False,
    ),
    "another time": (lambda frames: first_sent(frames).update(ms=9), False),
    "what the server said": (lambda frames: frames[0].update(receive={"type": "x"}), False),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_message_of_the_program_is_found(
    edit: str, project: Path, recording: Scope
) -> None:
    path = record(project, recording)
    change, is_found = EDITS[edit]
    edited(path, change)
    assert find_fault(parse_fixture(path.read_text(encoding="utf-8"))) is None
    (project / "pyproject.toml").write_text('[tool.cachy]\ndoms = ["127.0.0.1"]\n')
    for command in (("verify",), ("verify", "--fix")):
        done = run_cachy(*command, folder=project)
        assert ("edited-request" in done.stdout) is is_found
        assert done.returncode == int(is_found)


def test_a_message_of_any_kind_is_as_recorded(project: Path, recording: Scope) -> None:
    odd = '{"a": 1.50, "b": 1e5, "$c": "\u2028\\ud800", "d": "x\\ny\\nz"}'
    sent: tuple[Message, ...] = (
        odd,
        "one\ntwo\nthree",
        b"\x00\xff",
        "é",
        '{"d": "' + "A" * 6000 + '"}',
    )
    with serving_websockets() as server, recording():
        CLIENT.talk(server.url, *[step for one in sent for step in (one, Receive())])
    (project / "pyproject.toml").write_text('[tool.cachy]\ndoms = ["127.0.0.1"]\n')
    assert run_cachy("verify", folder=project).returncode == 0


HOOKS = """\
import re

def before_match(request):
    url = re.sub("run=[0-9]+", "run=0", request.url)
    return request._replace(url=url)

def before_record(document):
    for frame in document["response"].get("ws", ()):
        if frame.get("send") == "noise":
            frame["send"] = "quiet"
    return document
"""


def test_hooks_see_the_opening_and_the_document(
    project: Path, recording: Scope, replaying: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"websocket_hooks_{os.getpid()}"
    (project / f"{name}.py").write_text(HOOKS)
    (project / "pyproject.toml").write_text(
        f'[tool.cachy]\ndoms = ["127.0.0.1"]\nhooks = "{name}"\n'
    )
    with serving_websockets() as server:
        with recording():
            CLIENT.talk(f"{server.url}/v1?run=1", "noise", Receive())
        url = f"{server.url}/v1?run=2"
    (path,) = fixtures_in(project)
    assert path.read_text().count("run=0") == 1
    assert run_cachy("verify", folder=project).returncode == 0
    with replaying():
        CLIENT.talk(url, "quiet", Receive())


def test_quick_and_whole_reading_agree(
    project: Path, recording: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: tuple[Message, ...] = ('{"$a":1}', '{"a": "x, \\"ms\\": 3}"}', b"\x00", b'{"a":[1]}', "t")
    with serving_websockets() as server, recording():
        CLIENT.talk(server.url, *[step for one in said for step in (one, Receive())])
    (path,) = fixtures_in(project)
    text, load = path.read_text(encoding="utf-8"), Store(path.parent).load_blob
    quick = read_response(text, load, "it")
    monkeypatch.setattr("cachy.fixture.store.fast_read._find_connection", lambda *_: None)
    assert read_response(text, load, "it") == quick
    assert [frame.payload for frame in quick.frames if frame.way == "send"] == [*said]


def test_a_secret_that_was_left_is_found_and_redacted(project: Path, recording: Scope) -> None:
    path = record(project, recording)
    key = "sk-proj-" + "Ab3dEf6h" * 6
    text = path.read_text(encoding="utf-8").replace("It ", key)
    path.write_text(text, encoding="utf-8")
    assert "secret-left" in run_cachy("verify", "--format", "json", folder=project).stdout
    run_cachy("verify", "--fix", folder=project)
    assert key not in path.read_text(encoding="utf-8")
    assert '"delta":"[redacted:openai-key]"' in path.read_text(encoding="utf-8")


def test_each_test_has_connections_of_its_own_in_its_own_order(
    project: Path, recording: Scope, replaying: Scope
) -> None:
    """Two tests at one URL; each opens it twice, and says the same words in another order."""
    words = {"test_one": ("a", "b"), "test_two": ("b", "a")}
    with serving_websockets() as server:
        for scope in (recording, replaying, replaying):
            for name, said in words.items():
                set_owner(Owner(project / "test_it.py", name))
                with scope():
                    for word in said:
                        assert CLIENT.talk(server.url, word, Receive()) == [word]
        assert server.came == ["a", "b", "b", "a"]
    names = [path.stem for path in fixtures_in(project)]
    assert len(names) == 4
    assert sum("test-one" in name for name in names) == 2
    set_owner(Owner(project / "test_it.py", "test_one"))
    with replaying():
        CLIENT.talk(server.url, "a", Receive())
        CLIENT.talk(server.url, "b", Receive())
        with refused("only 2 answers to it are recorded|No fixture answers"):
            CLIENT.talk(server.url, "a", Receive())


def test_connections_that_are_open_at_once_get_what_they_ask_for(
    project: Path, recording: Scope, replaying: Scope
) -> None:
    def both(url: str, first: str, second: str) -> list[Any]:
        connect = websockets.sync.client.connect
        with connect(url) as one, connect(url) as two:
            two.send(second)
            one.send(first)
            return [one.recv(), two.recv()]

    set_owner(Owner(project / "test_it.py", "test_both"))
    with serving_websockets() as server, recording():
        both(server.url, "a", "b")
    assert len(fixtures_in(project)) == 2
    with replaying():
        assert both(server.url, "a", "b") == ["a", "b"]
    with replaying():
        assert both(server.url, "b", "a") == ["b", "a"]


@pytest.mark.parametrize("client", WEBSOCKET_ADAPTERS, ids=lambda client: client.name)
def test_a_script_that_connects_again_records_each_conversation(
    client: WebSocketAdapter, project: Path, recording: Scope, replaying: Scope
) -> None:
    def talk(word: str) -> list[Any]:
        return client.talk(f"{server.url}/v1", Receive(), word, Receive())

    with serving_websockets(greeting=("hi",)) as server:
        with recording():
            assert [talk(word) for word in "aba"] == [["hi", word] for word in "aba"]
        assert len(fixtures_in(project)) == 2
        count = len(server.came)
        with recording():
            assert [talk(word) for word in "ba"] == [["hi", "b"], ["hi", "a"]]
        assert len(server.came) == count
        with recording(), refused("frame 1 that it sends is not recorded"):
            talk("c")
    with replaying():
        assert [talk(word) for word in "baa"] == [["hi", word] for word in "baa"]


def test_two_recordings_of_one_program_are_equal_but_for_times(
    project: Path, recording: Scope
) -> None:
    texts = []
    for number in range(3):
        with serving_websockets() as server, recording(cache_dir=project / str(number)):
            CLIENT.talk(server.url, "1", "2", Receive(), Receive(), "3", Receive())
        (path,) = (project / str(number)).rglob("*.json")
        frames = json.loads(path.read_text(encoding="utf-8"))["response"]["ws"]
        texts.append([{key: one[key] for key in one if key != "ms"} for one in frames])
    assert texts[0] == texts[1] == texts[2]


def test_refreshing_what_is_equal_but_for_times_writes_nothing(
    project: Path, recording: Scope
) -> None:
    said = ('{"a":1}', Receive(), b"\x00", Receive())
    with serving_websockets() as server:
        with recording():
            CLIENT.talk(server.url, *said)
        (path,) = fixtures_in(project)
        edited(path, slow_down)
        before = path.read_bytes()
        with recording(mode="refresh"):
            CLIENT.talk(server.url, *said)
    assert fixtures_in(project) == [path]
    assert path.read_bytes() == before


def test_refreshing_a_script_that_mints_ids_adds_no_recording(
    project: Path, recording: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-proj-" + "Ab3dEf6h" * 6
    monkeypatch.setenv("SOME_KEY", key)
    with serving_websockets() as server:
        for mode in ("record", "refresh", "replay"):
            with recording(mode=mode):
                asked = {"event_id": uuid.uuid4().hex, "id": str(uuid.uuid4()), "key": key}
                CLIENT.talk(server.url, json.dumps(asked), Receive())
    assert len(fixtures_in(project)) == 1


def test_refreshing_keeps_the_times_before_the_first_message_that_differs(
    project: Path, recording: Scope
) -> None:
    said = [step for word in "abc" for step in (word, Receive())]
    with serving_websockets() as server, recording():
        CLIENT.talk(server.url, *said)
    (path,) = fixtures_in(project)
    edited(path, slow_down)
    before = json.loads(path.read_text(encoding="utf-8"))["response"]["ws"]
    with (
        serving_websockets(answer=shout_at_b, port=server.port),
        recording(mode="refresh"),
    ):
        CLIENT.talk(server.url, *said)
    after = json.loads(path.read_text(encoding="utf-8"))["response"]["ws"]
    assert after[:3] == before[:3]
    assert after[3]["receive"] == "B"
    times = [frame["ms"] for frame in after]
    assert times == sorted(times)
    assert times[-1] < before[-1]["ms"]


def slow_down(frames: list[dict[str, Any]]) -> None:
    for number, frame in enumerate(frames):
        frame["ms"] = 60_000 * (number + 1)


def shout_at_b(connection: Any, message: Message) -> None:
    connection.send("B" if message == "b" else message)


LEFT_OPEN = """
import sys
import cachy
from websockets.sync.client import connect
cachy.enable_cachy(doms=["127.0.0.1"])
connection = connect(sys.argv[1], legacy=True)
connection.send("a")
print(connection.recv())
"""


def test_a_connection_that_a_program_leaves_open_is_recorded(project: Path, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(LEFT_OPEN, encoding="utf-8")
    with serving_websockets() as server:
        done = run_script(script, server.url, folder=project, environ=os.environ)
    assert done.stdout == "a\n", done.stderr
    (path,) = fixtures_in(project)
    response = json.loads(path.read_text(encoding="utf-8"))["response"]
    assert "truncated" not in response
    assert [next(iter(one)) for one in response["ws"]] == ["send", "receive", "close"]


TESTS = """
import pytest
from websockets.sync.client import connect

URL = {url!r}

def talk(word):
    with connect(URL) as connection:
        connection.send(word)
        return connection.recv()

@pytest.mark.parametrize("word", ["a", "b"])
def test_talk(word, cachy):
    assert talk(word) == word
    assert [str(one.method) for one in cachy.requests] == ["GET"]
    assert cachy.last.response.status == 101
    assert [one.payload for one in cachy.last.response.frames][:2] == [word, word]
"""


@pytest.mark.slow
def test_a_test_sees_its_connection(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(pytester, monkeypatch)
    loaded = ("websockets.sync.client",)
    with serving_websockets() as server:
        pytester.makepyfile(TESTS.format(url=server.url))
        run_pytest(pytester, "-q", loaded=loaded).assert_outcomes(passed=2)
    monkeypatch.setenv("CI", "true")
    done = run_pytest(pytester, "-q", loaded=loaded)
    done.assert_outcomes(passed=2)
    done.stdout.fnmatch_lines(["cachy: 2 replayed*"])
    key = "sk-proj-" + "Ab3dEf6h" * 6
    monkeypatch.setenv("SOME_KEY", key)
    asked = "connection.send(__import__('os').environ['SOME_KEY'])"
    changed = TESTS.format(url=server.url).replace("connection.send(word)", asked)
    pytester.makepyfile(changed)
    done = run_pytest(pytester, "-q", loaded=loaded)
    done.assert_outcomes(failed=2)
    done.stdout.fnmatch_lines(["*frame 1 that it sends is not recorded*", "*--cachy=refresh*"])
    ours = done.stdout.str().partition("cachy/replay/websocket")[2]
    assert key not in ours
    assert "frame changed: " in done.stdout.str()
