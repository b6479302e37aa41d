"""What makes a replayed request cheap changes nothing that a client can see."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import httpx2
import pytest
from conftest import Scope
from hypothesis import given
from hypothesis import strategies as st
from scripted_server import ScriptedServer, json_response

from cachy.config import Config, Mode
from cachy.errors import CachyError, InvalidFixture
from cachy.fixture.compose import compose
from cachy.fixture.format.render import render_fixture
from cachy.fixture.identity.fingerprint import Identity, identify, identify_settled
from cachy.fixture.store.fast_read import read_response
from cachy.fixture.store.store import Store
from cachy.interaction import Request, Response
from cachy.replay import respond
from cachy.replay import session as session_module
from cachy.replay.process import PROCESS
from cachy.replay.session import Session

LIBRARIES = [httpx, httpx2]
URL = "https://api.example.com/items"


@pytest.fixture(params=LIBRARIES, ids=lambda library: library.__name__)
def library(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def url(origin: ScriptedServer, recording: Scope, library: Any) -> str:
    url: str = origin.on("/item", lambda _: json_response({"id": 7}))
    with recording():
        library.post(url, json={"q": 1}, trust_env=False)
    return url


def test_a_replayed_response_is_of_the_librarys_class_with_its_facts(
    url: str, replaying: Scope, library: Any
) -> None:
    with replaying():
        response = library.post(url, json={"q": 1})
    assert type(response) is library.Response
    assert response.num_bytes_downloaded == len(response.content)
    assert response.is_closed
    assert response.is_stream_consumed
    assert response.elapsed.total_seconds() >= 0
    assert response.extensions["reason_phrase"] == b"OK"
    with pytest.raises(library.StreamConsumed):
        list(response.iter_raw())


def test_an_unread_response_can_be_pickled(url: str, replaying: Scope, library: Any) -> None:
    with replaying(), library.Client() as client:
        with client.stream("POST", url, json={"q": 1}) as response:
            copy = pickle.loads(pickle.dumps(response))
        assert type(copy) is library.Response
        assert copy.status_code == 200


def test_a_hook_that_reads_or_replaces_the_stream_is_obeyed(
    url: str, replaying: Scope, library: Any
) -> None:
    class Upper(library.SyncByteStream):  # type: ignore[misc]
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def __iter__(self) -> Any:
            return (piece.upper() for piece in self._stream)

    def wrap(response: Any) -> None:
        response.stream = Upper(response.stream)

    with replaying(), library.Client(event_hooks={"response": [wrap]}) as client:
        assert client.post(url, json={"q": 1}).text == '{"ID": 7}'
    with replaying(), library.Client(event_hooks={"response": [lambda r: r.read()]}) as client:
        assert client.post(url, json={"q": 1}).json() == {"id": 7}


def test_a_hook_that_adds_an_encoding_is_obeyed(url: str, replaying: Scope, library: Any) -> None:
    def encode(response: Any) -> None:
        response.headers["content-encoding"] = "gzip"

    hooks = {"response": [encode]}
    with (
        replaying(),
        library.Client(event_hooks=hooks) as client,
        pytest.raises(library.DecodingError),
    ):
        client.post(url, json={"q": 1})


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text('a"\\$ \n[{:,é\u2028'),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "$lines", "$$x", "b c", "json"]), inner, max_size=4)
    ),
)
CASES: list[Callable[[Any], Any]] = [
    lambda value: value,
    lambda value: {"n": [0.5, 1e-7, 12345678901234567890] * 60, "v": value},  # mostly numbers
    lambda value: {"text": "one\ntwo\nthree", "v": value},  # which is stored as lines
]


@given(JSON, st.sampled_from(CASES))
def test_a_json_response_comes_back_equal_and_compact(
    value: Any, case: Callable[[Any], Any]
) -> None:
    sent = json.dumps(case(value), ensure_ascii=False, separators=(",", ":")).encode()
    headers = (("content-type", "application/json"),)
    document, _ = compose(Request("GET", URL), Response(200, headers, sent), {}, Config())
    read = read_response(render_fixture(document), lambda _: b"", "f.json")
    assert read == Response(200, headers, sent)


BROKEN = [
    lambda text: text.replace('"status": 200', '"status": 2000'),
    lambda text: text.replace('"status": 200', '"status": true'),
    lambda text: text.replace("7", "7 7"),
    lambda text: text.replace("7", ""),
    lambda text: text.removesuffix("}\n") + "\n",
    lambda text: text.replace('"headers": {', '"headers": [{').replace('json"}', 'json"}]'),
    lambda text: text + "x",
]


WRITTEN = [
    '{"n":7}',
    '{"n": 7}',
    '{\n  "n": 7\n}\n',
    json.dumps([7, *[0.5, -1e-7] * 100]),
    json.dumps({"n": [7, *[0.5, -1e-7] * 100]}, indent=4),
]


@pytest.mark.parametrize("written", WRITTEN, ids=["compact", "spaced", "lines", "list", "numbers"])
@pytest.mark.parametrize("spoil", BROKEN)
def test_a_broken_fixture_is_an_error_however_it_is_read(
    spoil: Callable[[str], str], written: str
) -> None:
    headers = (("content-type", "application/json"),)
    response = Response(200, headers, written.encode())
    document, _ = compose(Request("GET", URL), response, {}, Config())
    text = render_fixture(document)
    assert read_response(text, lambda _: b"", "f.json") == response
    assert spoil(text) != text
    with pytest.raises(CachyError, match=r"f\.json"):
        read_response(spoil(text), lambda _: b"", "f.json")


def test_the_length_of_a_body_is_stated_again_where_it_was_edited() -> None:
    lengths = [("content-length", "8"), ("content-length", "9")]
    for headers in ([lengths[0]], [lengths[1]], lengths):
        named = (("content-type", "application/json"), *headers)
        document, _ = compose(Request("GET", URL), Response(200, named, b'{"n": 7}'), {}, Config())
        edited = render_fixture(document).replace('"n": 7', '"n": 77')
        found = read_response(edited, lambda _: b"", "f.json")
        said = [value for name, value in found.headers if name == "content-length"]
        assert set(said) == {str(len(b'{"n": 77}'))}


LAYOUTS = [
    *('"indent": 2000000', '"indent": 0', '"indent": true', '"indent": "x"', '"indent": []'),
    *('"end": "x"', '"end": 1', '"separators": [";", ":"]', '"separators": ","', '"ascii": 1'),
    *('"unknown": 1', '"separators": [[], []]', '"separators": {}'),
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_that_cachy_does_not_write_is_refused(layout: str) -> None:
    headers = (("content-type", "application/json"),)
    response = Response(200, headers, b'{"n": 7}')
    document, _ = compose(Request("GET", URL), response, {}, Config())
    text = render_fixture(document)
    edited = text.replace('{"separators": [",", ": "]}', f"{{{layout}}}")
    assert edited != text
    with pytest.raises(InvalidFixture, match=r"f\.json"):
        read_response(edited, lambda _: b"", "f.json")


def ask(number: int) -> tuple[str, str, bytes, tuple[tuple[bytes, bytes], ...]]:
    return "POST", URL, json.dumps({"q": number}).encode(), ()


def filled(
    folder: Path, count: int, ask: Callable[[int], Any] = ask, said: bytes = b"{}"
) -> Config:
    config = Config(root=folder, fixtures=folder, mode=Mode.REPLAY, repeats="same")
    store = Store(folder)
    for number in range(count):
        method, url, body, _ = ask(number)
        request = Request(method, url, (), body)
        headers = (("content-type", "application/json"),)
        document, blobs = compose(request, Response(200, headers, said), {}, config)
        store.save(identify_settled(request, config), document, blobs)
        PROCESS.hear(f"{number}.json", document["response"])
    return config


COMPLETION = json.dumps(
    {"choices": [{"message": {"role": "assistant", "content": "1.\n\n2.\n3."}}]}
)
TURNS = [
    {"role": ("user", "assistant")[at % 2], "content": "A few words. " * 46} for at in range(31)
]


def get(number: int) -> Any:
    return "GET", f"{URL}?after=item_{number}", b"", ()


def chat(number: int, turns: list[dict[str, str]]) -> Any:
    asked = {"role": "user", "content": f"Question {number}"}
    return "POST", URL, json.dumps({"model": "m", "messages": [*turns, asked]}).encode(), ()


FIRST_TOUCHES: dict[str, tuple[Callable[[int], Any], int]] = {
    "get": (get, 150),
    "chat": (lambda number: chat(number, TURNS[:1]), 175),
    "long chat": (lambda number: chat(number, TURNS), 185),
}


def calls_of_recall(session: Session, key: Any) -> list[str]:
    """Return the names of the functions that a request calls, those of C too."""
    calls: list[str] = []

    def note(frame: FrameType, event: str, called: Any) -> None:
        if event == "call":
            calls.append(frame.f_code.co_name)
        elif event == "c_call":
            calls.append(called.__name__)

    sys.setprofile(note)
    try:
        found = respond.recall(session, key)
    finally:
        sys.setprofile(None)
    assert found is not None
    return calls


@pytest.mark.parametrize("kind", FIRST_TOUCHES)
def test_a_first_touch_calls_few_functions(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unlike seconds, a count is the same on every machine; this process has recorded before."""
    monkeypatch.setattr(PROCESS, "has_heard", False)
    ask, most = FIRST_TOUCHES[kind]
    session = Session(filled(tmp_path, 4, ask, COMPLETION.encode()))
    assert respond.recall(session, ask(0)) is not None  # which fills the caches of its route
    calls = min((calls_of_recall(session, ask(number)) for number in (1, 2, 3)), key=len)
    assert len(calls) <= most, calls


def test_more_requests_than_are_remembered_make_no_cliff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was remembered stays so, and the rest is found as at first."""
    monkeypatch.setattr(session_module, "_KNOWN", 20 * 1100)
    session = Session(filled(tmp_path, 30))
    identified: list[Request] = []

    def counted(request: Request, config: Config) -> Identity:
        identified.append(request)
        return identify(request, config)

    monkeypatch.setattr(session_module, "identify", counted)
    for _ in range(3):
        for number in range(30):
            assert respond.recall(session, ask(number)) is not None
    assert 40 <= len(identified) <= 65  # 30 the first time, then those past the first twenty


@pytest.mark.slow
def test_a_replayed_request_is_as_cheap_among_many_fixtures(tmp_path: Path) -> None:
    few, many = filled(tmp_path / "few", 30), filled(tmp_path / "many", 3000)

    def spend(config: Config) -> float:
        session = Session(config)
        started = time.process_time()
        for number in range(30):
            assert respond.recall(session, ask(number)) is not None
        return time.process_time() - started

    costs = [(spend(few), spend(many)) for _ in range(30)]
    assert min(cost for _, cost in costs) < 1.5 * min(cost for cost, _ in costs)


NEEDLESS = (
    *("cachy.fixture.compose", "cachy.fixture.format.schema", "cachy.fixture.identity.normalize"),
    *("cachy.fixture.document", "cachy.fixture.format.render", "cachy.fixture.store.scratch"),
    *("cachy.fixture.store.atomic_write", "cachy.fixture.store.run_log"),
    *("cachy.fixture.identity.request_diff", "cachy.redact", "cachy.replay.misses"),
    *("cachy.replay.recorder", "cachy.replay.renamed", "cachy.replay.run.totals"),
    *("cachy.replay.clients.aiohttp_client", "cachy.replay.clients.tee"),
    *("cachy.replay.clients.urllib3_client", "cachy.replay.clients.grpc_client"),
    *("importlib.resources", "jsonschema", "tomllib", "importlib.metadata", "dataclasses"),
)
REPLAY = f"""
import sys
import httpx2
before = set(sys.modules)
import cachy
cachy.enable_cachy(sys.argv[1], doms=["api.example.com"], mode="replay")
assert httpx2.post("{URL}", content=b'{{"q": 0}}').json() == {{}}
print(sorted(set({NEEDLESS!r}) & (set(sys.modules) - before)))
"""


PATTERNS = """
import re
import httpx2
found, make = [], re._compiler.compile
re._compiler.compile = lambda text, flags=0: found.append(text) or make(text, flags)
import cachy
print(found)
"""


def test_an_import_compiles_no_pattern() -> None:
    command = [sys.executable, "-c", PATTERNS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_replayed_request_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    command = [sys.executable, "-c", REPLAY, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
