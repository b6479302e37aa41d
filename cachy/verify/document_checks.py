"""What a fixture's own document shows of its response: whether it is whole, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cachy.fixture.format.event import is_stream, stream_of, wire_name
from cachy.fixture.format.text import AMBIGUOUS
from cachy.interaction import Json
from cachy.providers import find_operation


def find_in_response(document: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield what makes a recorded response of little or no use: a rule, and the detail."""
    response = document["response"]
    if places := document["request"].get(AMBIGUOUS):
        yield "ambiguous", f"requests differ only in {', '.join(places)}"
    if response.get("truncated"):
        yield "truncated", "the stream was cut while recording"
    elif is_stream(response):
        yield from _find_in_stream(document)


def _find_in_stream(document: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    if document["response"].get("open"):  # which its server had no need to say anything in
        return
    events = [*stream_of(document["response"])]
    if not events:
        yield "empty-stream", "no event was recorded"
        return
    request = document["request"]
    found = find_operation(str(request["method"]).upper(), str(request["url"]).partition("?")[0])
    wanted = found[1].stream_ends if found else ()
    last: Mapping[str, Json] = next(
        (event for event in reversed(events) if "data" in event or "event" in event), {}
    )
    is_ended = _event_name(last) in wanted
    if wanted and document["response"]["status"] == 200 and not is_ended:
        yield "no-terminator", f"the last event is not {wanted[0]}"


def _event_name(event: Mapping[str, Json]) -> str:
    data = event.get("data")
    named = data.get("type") if isinstance(data, dict) else data
    return wire_name(event) or str(named)
