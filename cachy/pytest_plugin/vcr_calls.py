"""Calls of vcrpy in tests (`use_cassette`), taken for scopes of cachy's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cachy.interaction import Json, Request
from cachy.pytest_plugin.asserting import interactions_of
from cachy.pytest_plugin.vcr_markers import advise, is_on
from cachy.replay.owner import current_owner
from cachy.replay.scope import current_session, in_session
from cachy.replay.session import Session

if TYPE_CHECKING:
    from cachy.importers.playback import Playback

_MODULE = "vcr.cassette"
_DECORATES = "is_cachy_decorator"  # on the settings of a decorator, whose cassette few tests see


class _SharedSession(Session):
    """The session of all cassettes of one test, so that its equal requests are counted on."""

    def close(self) -> None:
        """Go on: only one of its cassettes is closed."""

    def end(self) -> None:
        """End with the test."""
        super().close()


class VcrCalls:
    """Keep vcrpy from answering where cachy answers in its place."""

    def __init__(self, config: pytest.Config, *, is_migrating: bool) -> None:
        self._config = config
        self._is_migrating = is_migrating
        self._has_looked = False
        self._has_marked = False
        self._item: pytest.Item | None = None  # the test that runs
        self._session: _SharedSession | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Look whether the modules of the tests have imported vcrpy, and for its markers."""
        self._look()
        if self._config.getoption("--cachy"):
            self._has_marked = any(item.get_closest_marker("vcr") for item in session.items)

    def advice(self) -> list[str]:
        """Return what is left to do so that cachy answers in vcrpy's place."""
        mode = self._config.getoption("--cachy") or ""
        uses_it = self._has_marked or (self._is_migrating and self._has_looked)
        line = advise(self._config, mode, is_migrating=self._is_migrating, has_marked=uses_it)
        return [line] if line else []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Look again, and begin a try of a test without a session."""
        self._item = item
        self._look()
        self._end()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self) -> None:
        """End the session of the test."""
        self._end()

    def _end(self) -> None:
        former, self._session = self._session, None
        if former is not None:
            former.end()

    def _look(self) -> None:
        module: Any = sys.modules.get(_MODULE)
        if module is None or self._has_looked or not hasattr(module, "Cassette"):
            return
        self._has_looked = True
        if self._is_migrating or is_on(self._config.rootpath):
            self._config.add_cleanup(_replace(module, self._scope, self._view))

    def _view(self, cassette: Any) -> Any:
        from cachy.pytest_plugin.cassette_view import CassetteView

        return CassetteView(interactions_of(self._item), cassette) if self._item else cassette

    @contextmanager
    def _scope(self, cassette: Any) -> Iterator[None]:
        session = current_session()
        if session is None:
            self._session = self._session or _shared_session()
            with in_session(self._session):
                yield
        elif cassettes := getattr(session, "cassettes", None):  # it migrates
            with cassettes.opened(_playback(cassette, session)):
                yield
        else:
            yield


def _replace(
    module: Any, scope: Callable[[Any], Any], view: Callable[[Any], Any]
) -> Callable[[], None]:
    """Let cassettes open a scope, without reading their files; return what undoes that."""
    decorator, cassette = module.CassetteContextDecorator, module.Cassette
    former_play, former_load = decorator._patch_generator, vars(cassette)["load"]
    former_name = decorator._build_args_getter_for_decorator

    def play(context: Any, cassette: Any) -> Iterator[Any]:
        is_hidden = hasattr(context._args_getter, _DECORATES) and not cassette.inject
        with scope(cassette):
            yield cassette if is_hidden else view(cassette)

    def name(context: Any, function: Any) -> Any:
        getter = former_name(context, function)
        setattr(getter, _DECORATES, True)
        return getter

    def undo() -> None:
        decorator._patch_generator, cassette.load = former_play, former_load
        decorator._build_args_getter_for_decorator = former_name

    decorator._patch_generator, decorator._build_args_getter_for_decorator = play, name
    cassette.load = classmethod(lambda kind, **given: kind(**given))
    return undo


def _shared_session() -> _SharedSession:
    from cachy.config import load_config

    owner = current_owner()
    folders = [owner.path.parent] if owner and owner.path else []

    return _SharedSession(load_config(*folders, Path.cwd()))


def _playback(cassette: Any, session: Session) -> Playback:
    from cachy.importers.playback import BODY_MATCHERS, Playback

    def filtered(request: Request) -> Request:
        kept = cassette._before_record_request(_theirs(request))
        if not kept:  # vcrpy would have left it to the network
            return request
        body = kept.body if isinstance(kept.body, bytes) else request.body
        return request._replace(method=kept.method, url=kept.uri, body=body)

    return Playback(
        session.config,
        [Path(cassette._path)],
        repeats=bool(getattr(cassette, "allow_playback_repeats", False)),
        by_body=any(one.__name__ in BODY_MATCHERS for one in cassette._match_on),
        filtered=filtered,
        matches=partial(_matches, cassette._match_on),
        entries=None if _is_plain(cassette) else _read(cassette),
    )


def _theirs(request: Request) -> Any:
    from vcr.request import Request as Theirs

    return Theirs(request.method, request.url, request.body, dict(request.headers))


def _matches(matchers: Any, recorded: Request, asked: Request) -> bool:
    """Return whether two requests are equal for vcrpy, by matchers of the project's own."""
    from vcr.matchers import requests_match

    return bool(requests_match(_theirs(recorded), _theirs(asked), matchers))


def _is_plain(cassette: Any) -> bool:
    """Return whether a cassette is a file of YAML or JSON, without hooks for its content."""
    from vcr.persisters.filesystem import FilesystemPersister
    from vcr.serializers import jsonserializer, yamlserializer

    is_file = cassette._persister is FilesystemPersister
    is_hooked = bool(getattr(cassette, "_after_load_interaction", ()))
    return is_file and not is_hooked and cassette._serializer in (jsonserializer, yamlserializer)


def _read(cassette: Any) -> list[Json]:
    """Return the interactions of a cassette that vcrpy reads by code of the project's own."""
    cassette._load()
    return [
        {"request": request._to_dict(), "response": response} for request, response in cassette.data
    ]
