"""The types of what we know of an API: its wire format, its hosts, its surfaces."""

from typing import NamedTuple

from cachy.interaction import Json

STAND_IN = "cachy-placeholder-for-"
"""How the keys begin that cachy sets where a provider's variable is unset."""


class Polling(NamedTuple):
    """The field that says how far a job is, and the states in which it has ended."""

    field: str
    final: tuple[str, ...]

    def is_final(self, body: Json) -> bool:
        """Return whether a body shows a state in which the job has ended."""
        state = body.get(self.field) if isinstance(body, dict) else None
        named = str(state).lower() if isinstance(state, bool) else state
        return named in self.final


class Surface(NamedTuple):
    """One method and path template of a provider.

    `generates`: a completion, message, response or embedding, which drift may re-send unasked.
    `polling`: set where the surface tells a job's state, so that equal requests are answered in
    turn.
    `is_data`: the body is a file of the caller's, whose structure the API does not promise.
    """

    method: str
    path: str
    generates: bool = False
    polling: Polling | None = None
    is_data: bool = False


class Operation(NamedTuple):
    """A kind of request, recognised by the end of its path on any host.

    `stream_ends` names the events of which one ends a whole stream; empty where the format has
    no such event.
    """

    ending: str
    generates: bool = True
    stream_ends: tuple[str, ...] = ()


class WireFormat(NamedTuple):
    """How requests and responses are written, by every host that speaks the format.

    Args:
        match_headers: the request headers that choose the shape of a response.
        required_header: the API refuses a request without it.
        server_side: request fields that make the provider act by itself: tools that it runs,
            responses that it stores.
        server_side_models: patterns of the names of models that do so, as fnmatch reads them.
        client_tools: the types of tools that the caller runs.
        client_tool_fields: all fields of such a tool where tools have neither type nor name.
        references: request fields that name what an earlier response or an upload gave.
        noise: request fields that vary from run to run without meaning.
        often_filtered: what recorders are often configured to leave out of a request: a header,
            or a query parameter with "?" before it.
    """

    name: str
    operations: tuple[Operation, ...] = ()
    match_headers: tuple[str, ...] = ()
    required_header: tuple[str, str] | None = None
    server_side: tuple[str, ...] = ()
    server_side_models: tuple[str, ...] = ()
    client_tools: tuple[str, ...] = ()
    client_tool_fields: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    noise: tuple[str, ...] = ()
    often_filtered: tuple[str, ...] = ()


class Provider(NamedTuple):
    """An API that we know: its hosts, how it authenticates and what its surfaces are.

    `key_variables`: the first that is set is the credential, written as `auth` says;
    `key_parameters` are those of a URL that may hold it instead.
    `placeholders` are the variables that the SDK cannot start without; none is set in place of
    one of `credential_sources`. `base_url` is where its SDKs send without a base-URL variable;
    `left_out_path` is what some of them leave out of a path below any other base URL.
    `sdk_prefixes` and `sdk_models` say what the SDK parses a response into: what path templates
    begin with, and rows of "ENDING MODEL EVENT_MODEL", a model being "module:Name" or "-".
    """

    name: str
    hosts: tuple[str, ...]
    wire: WireFormat
    key_variables: tuple[str, ...] = ()
    auth: str = "authorization: Bearer {key}"
    key_parameters: tuple[str, ...] = ()
    placeholders: tuple[str, ...] = ()
    credential_sources: tuple[str, ...] = ()
    base_url_variables: tuple[str, ...] = ()
    base_url: str = ""
    left_out_path: str = ""
    surfaces: tuple[Surface, ...] = ()
    sdk_prefixes: tuple[str, ...] = ()
    sdk_models: tuple[str, ...] = ()


def parse_surfaces(*rows: str) -> tuple[Surface, ...]:
    """Return surfaces from rows: "POST /v1/responses generates", "GET /v1/jobs/{id} status=done".

    A row ends in "generates", in "data", in the field of a job's state with the final states, or
    in nothing.
    """
    return tuple(_parse_surface(*row.split()) for row in rows)


def _parse_surface(method: str, path: str, mark: str = "") -> Surface:
    field, is_polling, final = mark.partition("=")
    polling = Polling(field, tuple(final.split("|"))) if is_polling else None
    return Surface(method, path, mark == "generates", polling, mark == "data")
