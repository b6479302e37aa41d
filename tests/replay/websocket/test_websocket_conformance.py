"""What every WebSocket client is promised: the suite that an adapter runs for its client."""

from __future__ import annotations

import base64
import json
import os
import uuid
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from conftest import Scope, fixtures_in, refused
from websocket_server import (
    WEBSOCKET_ADAPTERS,
    Close,
    Message,
    Ping,
    Receive,
    UntilClosed,
    WebSocketAdapter,
    serving_websockets,
)

import cachy
from cachy.replay.websocket import conversation

HELLO = json.dumps({"type": "session.created", "session": {"id": "sess_C9f2kQ81Lz0aB3"}})
KEY = "sk-proj-" + "Ab3dEf6h" * 6
SAID: dict[str, Message] = {
    "json": '{"type":"say","n":[1,2.50,1e3],"text":"Grüße \\u00fc"}',
    "spaced json": '{"type": "say", "text": "hello"}',
    "json on lines": '{\n  "setupComplete": {}\n}\n',
    "json twice": '{"a":1,"a":2}',
    "text": "hello\nthere\n\nyou",
    "empty": "",
    "bytes": bytes(range(256)),
    "json as bytes": b'{"serverContent":{"turnComplete":true}}',
    "long": "x" * 70_000,
    "many bytes": bytes(range(256)) * 300,
    "dollar": '{"$lines":["a"],"$blob":"b"}',
}


@pytest.fixture(params=WEBSOCKET_ADAPTERS, ids=lambda adapter: adapter.name)
def client(request: pytest.FixtureRequest) -> WebSocketAdapter:
    """Each client library."""
    adapter: WebSocketAdapter = request.param
    return adapter


def only_document(project: Path) -> dict[str, Any]:
    (path,) = fixtures_in(project)
    return dict(json.loads(path.read_text(encoding="utf-8")))


def frames_of(project: Path) -> list[dict[str, Any]]:
    """Return the frames of the only fixture, without times."""
    frames = only_document(project)["response"]["ws"]
    return [{name: part for name, part in frame.items() if name != "ms"} for frame in frames]


def value(message: Any) -> Any:
    """Return a message as it is promised: JSON by its value, anything else as it is."""
    try:
        return type(message), json.loads(message)
    except (TypeError, ValueError):
        return message


def test_every_client_replays_what_any_of_them_recorded(
    tmp_path: Path, recording: Scope, replaying: Scope
) -> None:
    steps = [step for message in SAID.values() for step in (message, Receive())]
    written, seen = {}, {}
    with serving_websockets(greeting=(HELLO,)) as server:
        for client in WEBSOCKET_ADAPTERS:
            with recording(cache_dir=tmp_path / client.name / "cachy_fixtures"):
                seen[client.name] = client.talk(f"{server.url}/v1/realtime", Receive(), *steps)
            document = only_document(tmp_path / client.name)
            written[client.name] = [
                {name: part for name, part in frame.items() if name != "ms"}
                for frame in document["response"]["ws"]
            ]
        url = f"{server.url}/v1/realtime"
    first = WEBSOCKET_ADAPTERS[0].name
    assert all(frames == written[first] for frames in written.values())
    assert seen[first] == [HELLO, *SAID.values()]
    for recorder in WEBSOCKET_ADAPTERS:
        for client in WEBSOCKET_ADAPTERS if recorder.name == first else [recorder]:
            with replaying(cache_dir=tmp_path / recorder.name / "cachy_fixtures"):
                replayed = client.talk(url, Receive(), *steps)
            assert [*map(value, replayed)] == [*map(value, seen[first])]


def test_messages_of_one_line_come_back_character_by_character(
    client: WebSocketAdapter, project: Path, recording: Scope, replaying: Scope
) -> None:
    said = [SAID[name] for name in ("json", "spaced json", "text", "empty", "bytes", "long")]
    steps = [step for message in said for step in (message, Receive())]
    with serving_websockets() as server, recording():
        client.talk(server.url, *steps)
    with replaying():
        assert client.talk(server.url, *steps) == said


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1000, "bye"), (1001, ""), (1008, "policy"), (4000, "Grüße")]
)
def test_the_servers_close_is_replayed(
    client: WebSocketAdapter,
    code: int,
    reason: str,
    project: Path,
    recording: Scope,
    replaying: Scope,
) -> None:
    def answer(connection: Any, message: Message) -> None:
        connection.send("one")
        connection.close(code, reason)

    steps = ("go", UntilClosed())
    with serving_websockets(answer=answer) as server, recording():
        live = client.talk(server.url, *steps)
    assert live == ["one", ("closed", code, reason)]
    end = {"close": code, **({"reason": reason} if reason else {}), "by": "server"}
    assert frames_of(project)[-1] == end
    with replaying():
        assert client.talk(server.url, *steps) == live


def test_the_programs_close_is_recorded(
    client: WebSocketAdapter, project: Path, recording: Scope, replaying: Scope
) -> None:
    steps = ("a", Receive(), Ping(), Close())
    with serving_websockets() as server, recording():
        live = client.talk(server.url, *steps)
    assert frames_of(project) == [
        {"send": "a"},
        {"receive": "a"},
        {"close": 3000, "reason": "enough", "by": "program"}
        if client.name != "aiohttp"
        else {"close": 3000, "by": "program"},
    ]
    with replaying():
        assert client.talk(server.url, *steps) == live == ["a", True]


def test_a_connection_that_is_cut_is_truncated_and_not_read_past(
    client: WebSocketAdapter, project: Path, recording: Scope, replaying: Scope
) -> None:
    def answer(connection: Any, message: Message) -> None:
        connection.send("one")
        connection.socket.shutdown(2)

    with serving_websockets(answer=answer) as server, recording():
        assert client.talk(server.url, "go", UntilClosed())[0] == "one"
    assert only_document(project)["response"]["truncated"] is True
    with replaying():
        assert client.talk(server.url, "go", Receive()) == ["one"]
        with refused("it was cut here while recording"):
            client.talk(server.url, "go", UntilClosed())


def test_a_message_that_is_not_recorded_is_a_miss(
    client: WebSocketAdapter, project: Path, recording: Scope, replaying: Scope
) -> None:
    asked = {"type": "say", "content": [{"type": "text", "text": "Hello, who are you?"}]}
    other = {"type": "say", "content": [{"type": "text", "text": "Hello, who is he?"}]}
    with serving_websockets(greeting=(HELLO,)) as server:
        with recording():
            client.talk(f"{server.url}/v1/realtime", Receive(), json.dumps(asked), Receive())
        with replaying(), refused("frame 1 that it sends is not recorded") as caught:
            client.talk(f"{server.url}/v1/realtime", Receive(), json.dumps(other), Receive())
        assert len(server.came) == 1
    text = str(caught.value)
    assert text.startswith(f"No fixture answers GET {server.url}/v1/realtime: frame 1 that it")
    assert "content[0].text changed: " in text
    assert "cachy_fixtures/127.0.0.1_" in text
    assert "--mode refresh" in text or "--cachy=refresh" in text


def test_in_record_mode_a_changed_message_is_a_miss_that_says_to_refresh(
    client: WebSocketAdapter, project: Path, recording: Scope
) -> None:
    with serving_websockets() as server:
        with recording():
            client.talk(server.url, "a", Receive())
        with recording(), refused("mode record, and a replayed connection cannot go on live"):
            client.talk(server.url, "b", Receive())
        assert server.came == ["a"]
        with recording(mode="refresh"):
            assert client.talk(server.url, "b", Receive()) == ["b"]


def test_waiting_for_what_never_comes_is_a_miss(
    client: WebSocketAdapter,
    project: Path,
    recording: Scope,
    replaying: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversation, "_PATIENCE", 0.1)
    with serving_websockets() as server, recording():
        client.talk(server.url, "a", Receive(), "b", Receive())
    with replaying():
        with refused("it waits for a message, but the recording goes on with frame 2 sent"):
            client.talk(server.url, "a", Receive(), Receive())
        with refused("it waits for a message after the last one"):
            client.talk(server.url, "a", Receive(), "b", Receive(), Receive())


def test_ids_that_the_program_mints_may_differ_and_are_given_back(
    client: WebSocketAdapter, project: Path, recording: Scope, replaying: Scope
) -> None:
    def answer(connection: Any, message: Message) -> None:
        asked = json.loads(message)
        connection.send(json.dumps({"error": {"event_id": asked["event_id"]}, "id": asked["id"]}))

    def say() -> tuple[str, str, Any]:
        event, one = f"event_{uuid.uuid4().hex[:6]}", str(uuid.uuid4())
        asked = {"type": "say", "event_id": event, "id": one, "again": {"item_id": one}}
        return event, one, json.loads(client.talk(server.url, json.dumps(asked), Receive())[0])

    with serving_websockets(answer=answer) as server:
        for scope in (recording, replaying):
            with scope():
                event, one, got = say()
            assert got == {"error": {"event_id": event}, "id": one}
        assert len(server.came) == 1


def test_the_id_of_a_model_or_a_voice_is_not_minted(
    client: WebSocketAdapter, project: Path, recording: Scope, replaying: Scope
) -> None:
    """They look like ids that a program mints, but another one has another answer."""
    said = {name: "eleven_turbo_v2" for name in ("model_id", "voiceId", "agent_id")}
    with serving_websockets() as server, recording():
        client.talk(server.url, json.dumps(said), Receive())
    for name in said:
        other = json.dumps({**said, name: "eleven_multilingual_v2"})
        with replaying(), refused(f"frame 1 that it sends is not recorded[^$]*{name}"):
            client.talk(server.url, other, Receive())


def test_sending_fewer_messages_than_recorded_is_not_a_miss(
    client: WebSocketAdapter, project: Path, recording: Scope, replaying: Scope
) -> None:
    with serving_websockets() as server, recording():
        client.talk(server.url, "a", Receive(), "b", Receive())
    with replaying():
        assert client.talk(server.url, "a", Receive()) == ["a"]


def test_the_client_library_is_named(
    client: WebSocketAdapter, project: Path, recording: Scope
) -> None:
    with serving_websockets() as server, recording():
        client.talk(server.url, "a", Receive())
    name, _, release = only_document(project)["recorded"]["sdk"].partition(" ")
    assert name == client.name.split()[0]
    assert version(name).startswith(release)


def test_an_id_that_the_server_gave_must_be_given_back(
    client: WebSocketAdapter, project: Path, recording: Scope, replaying: Scope
) -> None:
    call = {"type": "function_call", "call_id": "call_C9f2kQ81Lz0aB3xx"}
    output = {"type": "function_call_output", "call_id": "call_C9f2kQ81Lz0aB3xx"}
    wrong = {**output, "call_id": "call_Zz91kQ81Lz0aB3yy"}
    with serving_websockets(greeting=(json.dumps(call),)) as server, recording():
        client.talk(server.url, Receive(), json.dumps(output), Receive())
    with replaying():
        client.talk(server.url, Receive(), json.dumps(output), Receive())
        with refused("frame 1 that it sends is not recorded"):
            client.talk(server.url, Receive(), json.dumps(wrong), Receive())


def test_no_secret_reaches_the_disk_and_another_key_replays(
    client: WebSocketAdapter,
    project: Path,
    recording: Scope,
    replaying: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the URL, in a header, in the subprotocols, in messages of both kinds, either way."""
    plain = "Zq8" + "m3Xv7Lp2" * 4
    monkeypatch.setenv("OWN_SERVICE_SECRET", plain)

    def talk(key: str, own: str) -> list[Any]:
        ephemeral = "ek_" + key[8:40].encode().hex()[:32]
        said = json.dumps({"type": "auth", "api_key": key, "own": own, "token": ephemeral})
        return client.talk(
            f"{server.url}/v1/realtime?key={key}&model=gpt-realtime",
            *(said, Receive(), said.encode(), Receive(), f"Bearer {key}", Receive()),
            subprotocols=["realtime", f"openai-insecure-api-key.{key}"],
            additional_headers={"Authorization": f"Bearer {key}"},
        )

    with serving_websockets(subprotocols=("realtime",)) as server:
        with recording():
            live = talk(KEY, plain)
        assert KEY in server.headers[0]["authorization"]
        assert plain in str(server.came)
    text = "".join(
        path.read_bytes().decode("latin-1")
        for path in (project / "cachy_fixtures").rglob("*")
        if path.is_file()
    )
    encoded = base64.b64encode(KEY.encode()).decode()[4:-4]
    assert not [
        secret for secret in (KEY, plain, KEY.encode().hex()[:40], encoded) if secret in text
    ]
    assert "openai-insecure-api-key.[redacted:key]" in text
    with replaying():
        assert len(talk(KEY, plain)) == len(live) == 4
        monkeypatch.delenv("OWN_SERVICE_SECRET")
        talk("sk-proj-" + "Xy9zWv2u" * 6, "[redacted:{{env}}]")


def test_audio_is_kept_as_blobs_and_given_back_byte_by_byte(
    client: WebSocketAdapter, project: Path, recording: Scope, replaying: Scope
) -> None:
    sound = os.urandom(6000)
    delta = {"type": "response.output_audio.delta", "delta": base64.b64encode(sound).decode()}
    steps = (json.dumps(delta), Receive(), sound, Receive())
    with serving_websockets() as server, recording():
        live = client.talk(server.url, *steps)
    assert len(list((project / "cachy_fixtures" / "blobs").iterdir())) == 1
    assert "blob" in json.dumps(frames_of(project))
    assert (fixtures_in(project)[0]).stat().st_size < 2000
    with replaying():
        replayed = client.talk(server.url, *steps)
    assert json.loads(replayed[0]) == json.loads(live[0])
    assert replayed[1] == sound


@pytest.mark.parametrize("status", [400, 403])
def test_a_refused_opening_is_the_clients_own_error_and_is_not_recorded(
    client: WebSocketAdapter,
    status: int,
    project: Path,
    recording: Scope,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with (
        serving_websockets(refuse=status) as server,
        recording(debug=True),
        pytest.raises(Exception, match=rf"{status}|Invalid response status"),
    ):
        client.talk(server.url, "a")
    assert fixtures_in(project) == []
    why = f"the server refused the WebSocket with {status}\n"
    assert f"not recorded: GET {server.url}: {why}" in capsys.readouterr().err.replace("/:", ":")


def test_nothing_is_recorded_where_an_error_ends_the_connection(
    client: WebSocketAdapter, project: Path, recording: Scope
) -> None:
    with serving_websockets() as server, recording(), pytest.raises(TypeError):
        client.talk(server.url, "a", Receive(), 17)  # type: ignore[arg-type]
    assert fixtures_in(project) == []


def test_other_hosts_and_blocks_without_cachy_go_live(
    client: WebSocketAdapter, project: Path, replaying: Scope
) -> None:
    with serving_websockets() as server:
        with replaying(doms=["api.example.com"]):
            assert client.talk(server.url, "a", Receive()) == ["a"]
        with replaying(), cachy.no_cachy():
            assert client.talk(server.url, "b", Receive()) == ["b"]
    assert fixtures_in(project) == []


def test_an_opening_that_is_not_recorded_is_a_miss(
    client: WebSocketAdapter, project: Path, recording: Scope, replaying: Scope
) -> None:
    with serving_websockets() as server:
        with recording():
            client.talk(f"{server.url}/v1/realtime?model=one", "a", Receive())
        with replaying(), refused(r"No fixture answers GET ws://127") as caught:
            client.talk(f"{server.url}/v1/realtime?model=two", "a", Receive())
        assert len(server.paths) == 1
    assert '?model changed: "one" -> "two"' in str(caught.value)


def test_the_chosen_subprotocol_is_replayed(
    client: WebSocketAdapter, project: Path, recording: Scope, replaying: Scope
) -> None:
    with serving_websockets(subprotocols=("chat.v2",)) as server, recording():
        live = client.talk(server.url, "a", Receive(), subprotocols=["chat.v1", "chat.v2"])
    with replaying():
        assert client.talk(server.url, "a", Receive(), subprotocols=["chat.v1", "chat.v2"]) == live
        with refused("No fixture answers"):
            client.talk(server.url, "a", Receive(), subprotocols=["chat.v1"])
    assert live == ["chat.v2", "a"]


def test_what_is_sent_decides_between_conversations_at_one_url(
    client: WebSocketAdapter, project: Path, recording: Scope, replaying: Scope
) -> None:
    """As in scripts, which share what is recorded: the first messages are the same here."""
    with serving_websockets(greeting=(HELLO,)) as server:
        for word in ("one", "two", "three"):
            with recording(mode="refresh"):
                client.talk(server.url, Receive(), "same", Receive(), word, Receive())
        assert len(fixtures_in(project)) == 3
        with recording(mode="refresh"):
            client.talk(server.url, Receive(), "same", Receive(), "two", Receive())
        assert len(fixtures_in(project)) == 3
    with replaying():
        for word in ("three", "one", "two", "one"):
            seen = client.talk(server.url, Receive(), "same", Receive(), word, Receive())
            assert seen == [HELLO, "same", word]


def test_sending_and_receiving_at_once_replays_however_it_is_scheduled(
    client: WebSocketAdapter, project: Path, recording: Scope, replaying: Scope
) -> None:
    sends: list[Message] = [f"message {number}" for number in range(8)]
    with serving_websockets() as server, recording():
        live = client.talk_at_once(server.url, sends, 8, 0.002)
    with replaying():
        for pause in (0.0, 0.002, 0.01):
            assert client.talk_at_once(server.url, sends, 8, pause) == live == sends


def test_the_recorded_order_is_that_of_the_programs_own_steps(
    client: WebSocketAdapter, project: Path, recording: Scope
) -> None:
    """However fast the server answers: it is what the program has seen that its next step is of."""

    def answer(connection: Any, message: Message) -> None:
        for part in "xyz":
            connection.send(f"{message!s}{part}")

    with serving_websockets(answer=answer) as server, recording():
        client.talk(server.url, "1", "2", Receive(), "3", *[Receive()] * 5)
    ways = ["send", "send", "receive", "send", *["receive"] * 5, "close"]
    assert [next(iter(frame)) for frame in frames_of(project)] == ways
