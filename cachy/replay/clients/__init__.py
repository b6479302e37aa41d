"""One module for each client library, and what they share.

A module has one function, `open_door(library, current, patches)`, which `install` calls when
its library is loaded. It replaces the method that sends a single request, below the library's
own redirects, retries, cookies and hooks, with `patches.replace(owner, name, make)`. What it puts
there does this for each request:

1. Ask `current()` for the session. Call the original where there is none, where `is_inside()`,
   where the session does not cover the host and port, or where `other_recorders` says that a
   test double answers.
2. Read the body whole, once, and leave it as it can be sent again; make a `Request` of it, with
   the URL as it goes over the wire.
3. Call `respond.answer(session, request)`. It raises the miss; let that through. Where a test
   wants a fault it raises `NetworkFault`: raise the library's own read timeout or reset instead.
4. A `Response` is replayed: make the library's own response of it, one piece for each of its
   `chunks`. Where it is `truncated`, raise `dns_guard.past_the_end()` after the last piece, or
   where it `is_cut` the library's own error. Wait `delay` seconds before the first piece, but no
   longer than the client does.
5. A `Recording` goes live: call the original inside `sending(recording)`, then pass the body on
   piece by piece through a `RecordingBuffer`: `add` each piece, `end(whole=True)` at the end,
   `give_up(error)` where it fails. Where the program closes early, read on for `DRAIN_SECONDS`.

A library that is only guarded (pycurl, gRPC) calls `dns_guard.check(session, host, port)` before
it connects. Add the module to `install`, and an adapter of two functions to
`tests/support/client_adapters.py`; then run `pytest tests/replay/clients -k conformance`.
"""
