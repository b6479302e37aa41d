"""WebSocket connections: recorded frame by frame, and replayed without a network.

`opening.open_link(session, request)` decides and returns a link: a `MessageTape` where a connection
goes live, a `Conversation` where it is replayed. A door of a client library does this:

1. Make a `Request` of the opening (`GET`, the URL, the headers) and call `open_link`, which raises
   the miss.
2. Notify the link of each whole message: `sent(payload)` as the program sends it, before it is
   written (it raises the miss of a frame), `received(payload)` as the program is given it. The
   order of these calls is the order of the recording, whatever the network does in between.
3. A `MessageTape` goes live: connect inside `reentrancy.inside()`; call `opened(headers)` after the
   handshake, `lost(error)` where that fails, and `ended(…)` once the connection is closed.
4. A `Conversation` is replayed: give the library a connection to a `Peer`, which speaks the
   server's side of RFC 6455 over any transport; where the program waits for a message, wait
   `patience()` seconds at most, then raise `overdue()`.
"""
