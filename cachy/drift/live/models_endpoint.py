"""What a provider's models endpoint says about a model that it refused."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from cachy.drift.live.case import Case
from cachy.drift.live.resend import Connection
from cachy.interaction import Request, Response
from cachy.providers import find_provider

_FIELD = "{model}"


def ask_for_model(case: Case, connection: Connection) -> str:
    """Return a sentence on what the models endpoint of a provider says; empty where unknown."""
    provider = find_provider(case.host)
    paths = [row.path for row in provider.surfaces if row.method == "GET"] if provider else []
    path = next((path for path in paths if path.endswith(f"/models/{_FIELD}")), "")
    if not path or not case.model:
        return ""
    parts = urlsplit(case.request.url)
    place = path.replace(_FIELD, quote(case.model, safe=""))
    found = connection.ask(Request("GET", f"{parts.scheme}://{parts.netloc}{place}"))
    if not isinstance(found, Response):
        return ""
    if found.status in (404, 410):
        return "The models endpoint does not know the model either."
    return "The models endpoint still lists the model." if found.status == 200 else ""
