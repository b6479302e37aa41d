"""The server of `cachy serve`: it listens on loopback, with a thread for each connection."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from secrets import token_urlsafe

from cachy.config import Config
from cachy.errors import CachyError, MalformedMessage
from cachy.replay.process import PROCESS
from cachy.replay.session import Session
from cachy.serve.address import Address
from cachy.serve.base_urls import find_base_urls, schemes_of, served_variables
from cachy.serve.exchange import exchange, refuse_message
from cachy.serve.http_message import ClientConnection
from cachy.serve.service import Service

_IDLE = 120.0  # seconds between two requests of a connection
_END = 5.0  # seconds in which responses that have begun may end with the run
_MOST = 512  # connections


class Server:
    """What accepts connections, and answers their requests one after the other."""

    def __init__(self, service: Service, listener: socket.socket) -> None:
        self.service = service
        self._listener = listener
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._busy = 0  # connections with a request in hand
        self._is_over = False

    def start(self) -> None:
        """Accept connections from now on."""
        threading.Thread(target=self._accept, name="cachy serve", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                if self._is_over:
                    return
                continue
            with self._changed:
                is_taken = not self._is_over and len(self._open) < _MOST
                self._open.update([sock] if is_taken else [])
            if not is_taken:
                sock.close()
            else:
                threading.Thread(target=self._converse, args=(sock,), daemon=True).start()
            if self._is_over:
                return

    def _converse(self, sock: socket.socket) -> None:
        """Answer the requests of a connection, one after the other."""
        connection = ClientConnection(sock)
        try:
            with sock, suppress(OSError):  # the client has gone
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    while self._answer_next(sock, connection):
                        pass
                except MalformedMessage as error:
                    refuse_message(connection, error)
        finally:
            with self._changed:
                self._open.discard(sock)

    def _answer_next(self, sock: socket.socket, connection: ClientConnection) -> bool:
        sock.settimeout(_IDLE)
        head = connection.read_head()
        if head is None:
            return False
        with self._in_hand():
            return exchange(self.service, connection, head)

    @contextmanager
    def _in_hand(self) -> Iterator[None]:
        with self._changed:
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Let responses that have begun end, then end every connection."""
        self._is_over = True
        with suppress(OSError), socket.create_connection(self._listener.getsockname(), _END):
            pass  # wakes the thread that accepts
        with self._changed:
            self._changed.wait_for(lambda: not self._busy, _END)
            sockets = [*self._open]
        self._listener.close()
        for sock in sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self.service.close()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name != "nt":  # where it would let two programs have one port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or error
        raise CachyError(
            f"Cannot listen on 127.0.0.1:{port}: {why}.", advice="Choose another --port."
        ) from None
    return listener


@contextmanager
def serving(
    config: Config, environ: Mapping[str, str], how_to_record: str, port: int = 0
) -> Iterator[Service]:
    """Serve until the block ends.

    Raises:
        CachyError: the port is taken.
    """
    rows, listener = find_base_urls(config, environ), _listen(port)
    address = Address(listener.getsockname()[1], token_urlsafe(16), schemes_of(rows))
    service = Service(Session(config), address, served_variables(rows, address, config, environ))
    server = Server(service, listener)
    before, PROCESS.run.recording_command = PROCESS.run.recording_command, how_to_record
    try:
        server.start()
        yield service
    finally:
        server.close()
        PROCESS.run.recording_command = before
