"""Refuse every host but this machine as Python starts, for `cachy drift --check`."""

import importlib.machinery
import importlib.util
import os
import re
import socket
import sys
from collections.abc import Callable
from typing import Any

_LOCAL = re.compile(r"localhost|127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3}|0\.0\.0\.0|::")
_connect, _connect_ex = socket.socket.connect, socket.socket.connect_ex
_sendto, _resolve, _by_name = socket.socket.sendto, socket.getaddrinfo, socket.gethostbyname


def _refuse(host: object) -> None:
    name = host.decode() if isinstance(host, bytes) else str(host or "")
    if name and not _LOCAL.fullmatch(name.lower()):
        raise ConnectionRefusedError(f"cachy drift --check allows no network: {name}")


def _guarded(inner: Callable[..., Any]) -> Any:
    def connect(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse(address[0])
        return inner(self, address)

    return connect


def _send_locally(self: socket.socket, *arguments: Any) -> Any:
    if self.family in (socket.AF_INET, socket.AF_INET6):
        _refuse(arguments[-1][0])
    return _sendto(self, *arguments)


def _look_up_local(host: Any) -> Any:
    _refuse(host)
    return _by_name(host)


def _resolve_local(host: Any, *arguments: Any, **chosen: Any) -> Any:
    _refuse(host)
    return _resolve(host, *arguments, **chosen)


def _hand_over() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    others = [path for path in sys.path if os.path.abspath(path or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


socket.socket.connect = _guarded(_connect)  # type: ignore[method-assign]
socket.socket.connect_ex = _guarded(_connect_ex)  # type: ignore[method-assign]
socket.socket.sendto = _send_locally  # type: ignore[method-assign,assignment]
socket.getaddrinfo = _resolve_local
socket.gethostbyname = _look_up_local
_hand_over()
