"""Where fixtures lie, and that writing one touches no other and loses nothing."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from cachy.config import Config
from cachy.errors import CachyError
from cachy.fixture.document import compose
from cachy.fixture.identity.fingerprint import Identity, identify_settled
from cachy.fixture.store.files import list_fixtures
from cachy.fixture.store.scratch import replace_file
from cachy.fixture.store.store import Store
from cachy.interaction import Request, Response

REQUEST = Request("POST", "https://api.example.com/v1/chat", (), b'{"q": "Hey!"}')
JSON_TYPE = (("content-type", "application/json"),)


def identity() -> Identity:
    return identify_settled(REQUEST, Config())


def document(answer: Any = 1, at: str = "2026-11-24T09:15:00Z") -> dict[str, Any]:
    response = Response(200, JSON_TYPE, json.dumps({"answer": answer}).encode())
    return compose(REQUEST, response, {"at": at}, Config())[0]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cachy_fixtures")


def test_a_fixture_lies_by_host_path_and_slug(store: Store) -> None:
    path = store.save(identity(), document(), {})
    name = f"api.example.com/v1/chat/request-{identity().fingerprint}.json"
    assert path == store.root / name
    response = store.read(store.path_of(identity()))
    assert response is not None
    assert json.loads(response.body) == {"answer": 1}


def test_a_renamed_slug_is_found_below_the_host(store: Store) -> None:
    path = store.save(identity(), document(), {})
    renamed = path.parent.parent / f"my-own-words-{identity().fingerprint}.json"
    path.rename(renamed)
    assert store.read(store.path_of(identity())) is None
    later = Store(store.root)
    assert later.find(identity()) == str(renamed)
    assert later.save(identity(), document(2), {}) == renamed
    assert [*list_fixtures(store.root)] == [renamed]
    renamed.unlink()
    assert later.find(identity()) is None


def test_look_ups_at_once_list_the_host_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[Any] = []
    scandir = os.scandir
    store.save(identity(), document(), {})
    monkeypatch.setattr(os, "scandir", lambda folder: listed.append(folder) or scandir(folder))
    asking = Store(store.root)
    assert [asking.find(identity(), index) for index in range(2, 99)] == [None] * 97
    assert len(listed) == len({*listed}) == 3  # the host's folder and the two below it


def test_answers_in_turn_are_numbered(store: Store) -> None:
    for index in (1, 2, 3):
        store.save(identity(), document(index), {}, index)
    stem = f"request-{identity().fingerprint}"
    names = sorted(path.name for path in list_fixtures(store.root))
    assert names == sorted([f"{stem}.json", f"{stem}-2.json", f"{stem}-3.json"])
    assert store.find_last(identity()) == str(
        store.root / "api.example.com/v1/chat" / f"{stem}-3.json"
    )


def test_an_equal_answer_is_not_written_again(store: Store) -> None:
    path = store.save(identity(), document(at="2026-01-01T00:00:00Z"), {})
    before = path.read_bytes()
    store.save(identity(), document(at="2026-02-02T00:00:00Z"), {})
    assert path.read_bytes() == before
    store.save(identity(), document(2, at="2026-02-02T00:00:00Z"), {})
    assert path.read_bytes() != before


def test_an_edited_file_is_read_anew(store: Store) -> None:
    path = store.save(identity(), document(1), {})
    assert store.read(store.path_of(identity())) is store.read(store.path_of(identity()))
    path.write_text(path.read_text().replace('"answer": 1', '"answer": 22'))
    response = store.read(store.path_of(identity()))
    assert response is not None
    assert json.loads(response.body) == {"answer": 22}
    path.unlink()
    assert store.read(store.path_of(identity())) is None


def test_a_failed_write_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(TypeError):
        replace_file(path, "not bytes", tmp_path)  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_many_writers_leave_one_whole_file(store: Store) -> None:
    answers = ["x" * 50_000 + str(number) for number in range(8)]
    threads = [
        threading.Thread(target=store.save, args=(identity(), document(answer), {}))
        for answer in answers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fresh = Store(store.root)
    response = fresh.read(fresh.path_of(identity()))
    assert response is not None
    assert json.loads(response.body)["answer"] in answers
    assert [*list_fixtures(store.root)] == [Path(store.path_of(identity()))]
    assert os.listdir(store.root / ".cachy") == [".gitignore"]


def test_a_link_out_of_the_folder_is_not_followed(store: Store, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    store.root.mkdir()
    (store.root / "api.example.com").symlink_to(outside)
    with pytest.raises(CachyError, match=r"leads out of .* by a link\. Remove that link\."):
        store.save(identity(), document(), {})
    assert os.listdir(outside) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CachyError, match=r"can't be written: Not a directory\."):
        Store(tmp_path / "file").save(identity(), document(), {})


@pytest.mark.parametrize("name", ["../../etc/passwd", "a.png", "/etc/passwd", "0" * 16 + "/../x"])
def test_a_blob_outside_the_blobs_is_not_read(store: Store, name: str) -> None:
    with pytest.raises(CachyError, match="names no blob"):
        store.load_blob(name)


def test_contracts_and_blobs_are_no_fixtures(store: Store) -> None:
    path = store.save(identity(), document(), {})
    (path.parent / "_contract.POST.json").write_text("{}")
    (store.root / "blobs").mkdir()
    (store.root / "blobs" / "0123456789abcdef.json").write_text("{}")
    assert [*list_fixtures(store.root)] == [path]
