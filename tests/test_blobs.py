"""Large payloads lie beside the fixtures, and come back exactly as they were."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from drift_project import ASK, CHAT, CHAT_ANSWER, check_here, record, write_config
from drift_server import Answer, json_answer, serving
from hypothesis import given, settings
from hypothesis import strategies as st

from cachy import cachy
from cachy.config import Config
from cachy.errors import CachyError
from cachy.fixture.document import compose, request_of
from cachy.fixture.format.blobs import blob_names
from cachy.fixture.format.text import parse_fixture, render_fixture
from cachy.fixture.identity.fingerprint import identify, identify_settled
from cachy.fixture.store.store import Store
from cachy.interaction import Request, Response
from cachy.redact import find_secrets, redact_json
from cachy.verify import verify

PNG = b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(5000)
WORD = base64.b64encode(PNG).decode()
URL = "https://api.example.com/v1/images"
JSON_TYPE = (("content-type", "application/json"),)
SHAPED = "AKIA" + "ABCDEFGH" * 2  # by its shape an AWS key


def config(root: Path) -> Config:
    return Config(root=root, fixtures=root / "cachy_fixtures")


def keep(store: Store, request: Request, response: Response) -> tuple[Path, dict[str, bytes]]:
    identity = identify_settled(request, Config())
    document, blobs = compose(request, response, {}, Config())
    return store.save(identity, document, blobs), blobs


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cachy_fixtures")


def replayed(store: Store, path: Path) -> Response:
    response = Store(store.root).read(str(path))
    assert response is not None
    return response


@pytest.mark.parametrize(
    "spell",
    [
        lambda raw: base64.b64encode(raw).decode(),
        lambda raw: base64.b64encode(raw).decode().rstrip("="),
        lambda raw: base64.urlsafe_b64encode(raw).decode(),
        lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="),
        lambda raw: "data:image/png;base64," + base64.b64encode(raw).decode(),
        lambda raw: "DATA:;base64," + base64.urlsafe_b64encode(raw).decode().rstrip("="),
    ],
)
@pytest.mark.parametrize("size", [3072, 3073, 3074, 9000])
def test_every_spelling_comes_back_letter_by_letter(
    spell: Callable[[bytes], str], size: int, store: Store
) -> None:
    word = spell((PNG * 2)[:size])
    asked = json.dumps({"image": word}).encode()
    answer = json.dumps({"data": [{"b64_json": word}, word]}).encode()
    request = Request("POST", URL, JSON_TYPE, asked)
    path, blobs = keep(store, request, Response(200, JSON_TYPE, answer))
    text = path.read_text()
    assert len(text) < 1500
    assert len(blobs) == 1
    assert render_fixture(parse_fixture(text)) == text
    assert json.loads(replayed(store, path).body) == json.loads(answer)
    document = parse_fixture(text)
    assert json.loads(request_of(document, store.load_blob).body) == json.loads(asked)
    assert identify(request_of(document, store.load_blob), Config()) == identify(request, Config())


def test_the_fixture_says_what_lies_beside_it(store: Store) -> None:
    answer = json.dumps({"url": f"data:image/png;base64,{WORD}"}).encode()
    path, blobs = keep(store, Request("GET", URL), Response(200, JSON_TYPE, answer))
    (name,) = blobs
    assert name.endswith(".png")
    assert (store.root / "blobs" / name).read_bytes() == PNG
    assert parse_fixture(path.read_text())["response"]["json"] == {
        "url": {"$blob": name, "bytes": len(PNG), "prefix": "data:image/png;base64,"}
    }


@pytest.mark.parametrize(
    ("raw", "ext"),
    [
        (b"\xff\xd8\xff\xe0", "jpg"),
        (b"GIF89a\x00", "gif"),
        (b"RIFF\x00\x00\x00\x00WEBP", "webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", "wav"),
        (b"\x00\x00\x00\x20ftypisom", "mp4"),
        (b"\x00\x00\x00\x20ftypM4A ", "m4a"),
        (b"ID3\x04\x00", "mp3"),
        (b"\xff\xfb\x90", "mp3"),
        (b"OggS\x00", "ogg"),
        (b"fLaC\x00", "flac"),
        (b"%PDF-1.7\n\xff", "pdf"),
        (b"PK\x03\x04\x00", "zip"),
        (b"\x1f\x8b\x08", "gz"),
        (b"\x00\x01", "bin"),
    ],
)
def test_a_binary_body_is_a_file_of_its_kind(raw: bytes, ext: str, store: Store) -> None:
    response = Response(200, (("content-type", "application/octet-stream"),), raw)
    path, (name,) = keep(store, Request("GET", URL), response)
    assert name.endswith(f".{ext}")
    assert parse_fixture(path.read_text())["response"]["blob"]["bytes"] == len(raw)
    assert replayed(store, path).body == raw


@pytest.mark.parametrize("gap", ["", " "])
def test_a_stream_keeps_the_text_of_its_events(gap: str, store: Store) -> None:
    event = json.dumps({"type": "partial", "b64": WORD}, separators=(",", f":{gap}"))
    raw = f'event: partial\ndata: {event}\n\ndata: {{"a":{gap}"/"}}\n\ndata: [DONE]\n\n'.encode()
    kind = (("content-type", "text/event-stream"),)
    path, (name,) = keep(store, Request("GET", URL), Response(200, kind, raw))
    text = path.read_text()
    assert name in text
    assert WORD not in text
    assert render_fixture(parse_fixture(text)) == text
    assert b"".join(replayed(store, path).chunks) == raw


def test_a_payload_spelled_with_escapes_has_the_same_value(store: Store) -> None:
    event = json.dumps({"b64": WORD}).replace("/", "\\/")
    kind = (("content-type", "text/event-stream"),)
    raw = f"data: {event}\n\n".encode()
    path, _ = keep(store, Request("GET", URL), Response(200, kind, raw))
    assert len(path.read_text()) < 1000
    (chunk,) = replayed(store, path).chunks
    assert json.loads(chunk.removeprefix(b"data: ")) == {"b64": WORD}


def test_the_parts_of_an_upload_lie_beside_the_fixture(store: Store) -> None:
    request = httpx.Request("POST", URL, files={"f": ("a.png", PNG)}, data={"word": WORD})
    sent = Request("POST", URL, tuple(request.headers.items()), request.read())
    path, (name,) = keep(store, sent, Response(200, JSON_TYPE, b"{}"))
    by_name = {
        part["name"]: part for part in parse_fixture(path.read_text())["request"]["multipart"]
    }
    assert by_name["f"]["blob"] == by_name["word"]["text"] == {"$blob": name, "bytes": len(PNG)}
    again = request_of(parse_fixture(path.read_text()), store.load_blob)
    assert identify(again, Config()).fingerprint == identify(sent, Config()).fingerprint


@settings(max_examples=50, deadline=None)
@given(st.integers(), st.integers(3072, 3500), st.booleans(), st.booleans(), st.integers(0, 80))
def test_whatever_stands_there_comes_back(
    seed: int, size: int, is_url_safe: bool, is_cut: bool, at: int
) -> None:
    raw = random.Random(seed).randbytes(size)
    word = (base64.urlsafe_b64encode if is_url_safe else base64.b64encode)(raw).decode()
    word = word.rstrip("=") if is_cut else word
    value = {"a": word, "$blob": [word[at:]], "t": f"{word}\n{word}\n{word}\n"}
    request = Request("POST", URL, JSON_TYPE, json.dumps(value).encode())
    document, blobs = compose(request, Response(200, JSON_TYPE, request.body), {}, Config())
    read = parse_fixture(render_fixture(document))
    assert word not in json.dumps(read["request"]["json"]["a"])
    assert set(blob_names(read)) == set(blobs)
    assert json.loads(request_of(read, blobs.__getitem__).body) == value


@pytest.mark.parametrize("text", ["x" * 9000, "0123456789abcdef" * 600, f"see {WORD}", WORD[:4092]])
def test_what_is_no_payload_stays_a_text(text: str) -> None:
    answer = json.dumps({"text": text}).encode()
    document, blobs = compose(Request("GET", URL), Response(200, JSON_TYPE, answer), {}, Config())
    assert (document["response"]["json"], blobs) == ({"text": text}, {})


def test_a_blob_is_not_read_to_match(
    tmp_path: Path, recording: Callable[..., Any], replaying: Callable[..., Any], origin: Any
) -> None:
    with recording():
        recorded = httpx.post(f"{origin.url}/json", json={"image": WORD})
    (blob,) = (tmp_path / "cachy_fixtures" / "blobs").iterdir()
    blob.unlink()
    with replaying():
        assert httpx.post(f"{origin.url}/json", json={"image": WORD}).json() == recorded.json()


def test_a_fixture_that_holds_its_payload_is_read_for_ever(store: Store) -> None:
    answer = json.dumps({"b64_json": WORD}).encode()
    request, response = Request("GET", URL), Response(200, JSON_TYPE, answer)
    inline = {
        "cachy": 1,
        "request": {"method": "GET", "url": URL},
        "response": {
            "status": 200,
            "headers": {"content-type": "application/json"},
            "json": {"b64_json": WORD},
        },
    }
    path = Path(store.path_of(identify_settled(request, Config())))
    store.write(path, render_fixture(inline).encode())
    assert json.loads(replayed(store, path).body) == {"b64_json": WORD}
    assert verify(config(store.root.parent)) == []
    before = path.read_bytes()
    assert keep(store, request, response)[0] == path
    assert path.read_bytes() == before
    assert not (store.root / "blobs").exists()


def test_recording_again_mends_a_lost_blob(store: Store) -> None:
    request, response = Request("GET", URL), Response(200, (), PNG)
    path, (name,) = keep(store, request, response)
    (store.root / "blobs" / name).unlink()
    with pytest.raises(CachyError, match=r"\.png is missing\. Restore it from git, or record"):
        replayed(store, path)
    keep(store, request, response)
    assert replayed(store, path).body == PNG


def lose(blob: Path) -> None:
    blob.unlink()


def edit(blob: Path) -> None:
    blob.write_bytes(PNG + b"x")


def link(blob: Path) -> None:
    outside = blob.parents[2] / "outside.png"
    blob.rename(outside)
    blob.symlink_to(outside)


@pytest.mark.parametrize(
    ("damage", "rules"),
    [(lose, {"blob-missing"}), (edit, {"blob-missing"}), (link, {"blob-missing", "unsafe-path"})],
)
@pytest.mark.parametrize("place", ["request", "response"])
def test_a_blob_that_is_not_what_was_recorded_is_found(
    damage: Callable[[Path], None], rules: set[str], place: str, store: Store
) -> None:
    body = json.dumps({"b64": WORD}).encode()
    sent, got = (body, b"{}") if place == "request" else (b"{}", body)
    request = Request("POST", URL, JSON_TYPE, sent)
    path, (name,) = keep(store, request, Response(200, JSON_TYPE, got))
    assert verify(config(store.root.parent)) == []
    damage(store.root / "blobs" / name)
    assert {finding.rule for finding in verify(config(store.root.parent))} == rules
    if place == "response":
        with pytest.raises(CachyError):
            replayed(store, path)


@pytest.mark.parametrize("name", ["../../../etc/hosts", "/etc/hosts", 5, None, "a" * 99, "0" * 16])
def test_a_name_that_leads_elsewhere_is_no_blob(name: Any, store: Store) -> None:
    path, _ = keep(store, Request("GET", URL), Response(200, (), PNG))
    document = parse_fixture(path.read_text())
    document["response"]["blob"]["$blob"] = name
    path.write_text(render_fixture(document))
    with pytest.raises(CachyError, match="names no blob"):
        replayed(store, path)
    assert {found.rule for found in verify(config(store.root.parent))} == {"invalid", "blob-unused"}


def test_a_key_by_chance_in_a_payload_is_none() -> None:
    shaped = "1//0" + "Ab3" * 12  # by its shape a Google token
    word = WORD[:2000] + shaped + WORD[2000 : 4096 - len(shaped)]
    value = {"video": word, "inside": f"![]({word})", "url": f"data:video/mp4;base64,{word}"}
    assert redact_json(value) is value
    assert find_secrets(json.dumps(value)) == []
    assert find_secrets(json.dumps({"short": shaped})) == ["google-token"]


@pytest.mark.parametrize("place", ["text", "binary"])
def test_a_key_in_what_a_payload_holds_is_taken_out(place: str, store: Store) -> None:
    noise = "The quick brown fox. " * 200 if place == "text" else PNG.decode("latin-1")
    raw = f"{noise}\nkey {SHAPED}\n{noise}".encode("latin-1")
    word = base64.b64encode(raw).decode()
    assert find_secrets(json.dumps([word])) == ["aws-key"]
    answer = json.dumps({"file": word}).encode()
    path, blobs = keep(store, Request("GET", URL), Response(200, JSON_TYPE, answer))
    kept = b"".join(blobs.values())
    assert SHAPED.encode() not in kept
    assert b"key [redacted:aws-key]" in kept
    assert json.loads(replayed(store, path).body) == {"file": base64.b64encode(kept).decode()}


def test_a_key_in_a_binary_body_is_taken_out(store: Store) -> None:
    raw = PNG + SHAPED.encode() + PNG
    _, blobs = keep(store, Request("GET", URL), Response(200, (), raw))
    assert list(blobs.values()) == [PNG + b"[redacted:aws-key]" + PNG]


def test_a_drifted_answer_brings_its_blobs_along(tmp_path: Path) -> None:
    image = {**CHAT_ANSWER, "image": WORD}
    with serving({CHAT: [json_answer(CHAT_ANSWER), json_answer(image)]}) as provider:
        write_config(tmp_path, provider)
        path = record(tmp_path, provider, ASK)
        found = check_here(tmp_path)
    files = {tmp_path / name: held for name, held in found.files.items()}
    (name,) = blob_names(parse_fixture(str(files[path])))
    assert files == {path: files[path], tmp_path / "cachy_fixtures" / "blobs" / name: PNG}


AUDIO = (("Content-Type", "audio/wav"),)


def test_an_answer_taken_whole_brings_its_blob_along(tmp_path: Path) -> None:
    kind = (("Content-Type", "image/png"),)
    with serving({CHAT: [json_answer(CHAT_ANSWER), Answer(PNG, headers=kind)]}) as provider:
        write_config(tmp_path, provider)
        record(tmp_path, provider, ASK)
        found = check_here(tmp_path)
    assert PNG in found.files.values()


def test_a_blob_that_no_fixture_names_any_more_goes_with_the_drift(tmp_path: Path) -> None:
    kind = (("Content-Type", "image/png"),)
    wave = b"RIFF\xff\x00WAVE" * 1000
    answers = [Answer(PNG, headers=kind), Answer(PNG, headers=kind), Answer(wave, headers=AUDIO)]
    with serving({CHAT: answers, "/v1/images": [Answer(PNG, headers=kind)]}) as provider:
        write_config(tmp_path, provider)
        first = record(tmp_path, provider, ASK)
        second = record(tmp_path, provider, {**ASK, "n": 2})
        other = record(tmp_path, provider, ASK, "/v1/images")
        (blob,) = (tmp_path / "cachy_fixtures" / "blobs").iterdir()
        name = blob.relative_to(tmp_path).as_posix()
        assert name not in check_here(tmp_path, is_all=True).files  # /v1/images still names it
        other.unlink()
        part = check_here(tmp_path, only=f"*{first.stem}*").files
        whole = check_here(tmp_path, is_all=True).files
    assert name not in part  # the second fixture still names it
    assert {path.relative_to(tmp_path).as_posix() for path in (first, second)} < whole.keys()
    assert whole[name] is None
    assert [held for held in whole.values() if isinstance(held, bytes)] == [wave]


def test_many_clients_record_one_blob_once(
    recording: Callable[..., Any], origin: Any, tmp_path: Path
) -> None:
    with recording(), cachy(tmp_path / "cachy_fixtures", doms=["127.0.0.1"], mode="record"):
        for turn in range(3):
            httpx.post(f"{origin.url}/json", json={"turn": turn, "image": WORD})
    assert len(list((tmp_path / "cachy_fixtures" / "blobs").iterdir())) == 1
