"""The errors of a replayed connection: what the program did, and what is recorded there."""

from __future__ import annotations

from pathlib import Path

from cachy.config import Mode
from cachy.errors import UnrecordedRequest
from cachy.fixture.environment_advice import explain_message
from cachy.fixture.format.stream_lines import dump_spaced
from cachy.fixture.identity.fingerprint import Identity
from cachy.fixture.identity.request_diff import describe_differences
from cachy.fixture.identity.same_message import readable
from cachy.interaction import Json, Request
from cachy.redact import redact_text, redact_values
from cachy.replay import misses, placeholder_keys
from cachy.replay.hint import how_to_record, users_path
from cachy.replay.session import Session
from cachy.replay.websocket.conversation import Miss

_SHOWN = 200  # characters of a message


def unrecorded_frame(
    session: Session, asked: Request, wanted: Identity, miss: Miss
) -> UnrecordedRequest:
    """Make the error of a frame that is not recorded, or does not come; say one line of it."""
    config = session.config
    shown, nearest = misses.shown(asked, config), miss.nearest.fixture.path
    why = f"mode replay, from {config.mode_from}"
    if config.mode is not Mode.REPLAY:
        why = f"mode {config.mode.value}, and a replayed connection cannot go on live"
    differences = _differences(session, miss)
    # In record mode too: what is recorded has to be replaced.
    how = redact_values(redact_text(how_to_record(mode="refresh"), config.redact), _secrets())
    lines = [
        f"No fixture answers {shown}: {miss.problem} ({why}).",
        f"Nearest: {users_path(Path(nearest))}",
        *(f"  {line}" for line in differences),
        f"Record it: {how}",
    ]
    error = misses.raised_class()(
        "\n  ".join(lines),
        method=asked.method,
        url=shown.partition(" ")[2],
        nearest=nearest,
        differences=differences,
        how_to_record=how,
    )
    misses.remember(error)
    session.journal.missed(error)
    return error


def _secrets() -> tuple[str, ...]:
    return placeholder_keys.secrets()


def _differences(session: Session, miss: Miss) -> list[str]:
    if miss.sent is None:
        return [f"recorded: {_short(session, miss.recorded)}"] if miss.recorded is not None else []
    if miss.recorded is None:
        return [f"no frame {miss.number} is sent there; now: {_short(session, miss.sent)}"]
    advice = explain_message(miss.recorded, session.config.match.ignore)
    old, new = (readable(one, session.config, _secrets()) for one in (miss.recorded, miss.sent))
    return [*_changes(session, miss, old, new), *([advice] if advice else [])]


def _changes(session: Session, miss: Miss, old: Json, new: Json) -> list[str]:
    is_other = isinstance(old, dict) and isinstance(new, dict) and _kind(old) != _kind(new)
    if is_other:
        return [f"recorded: {_short(session, miss.recorded)}", f"now: {_short(session, miss.sent)}"]
    name = "" if isinstance(old, (dict, list)) and isinstance(new, (dict, list)) else "frame"
    return describe_differences({name: old} if name else old, {name: new} if name else new)


def _kind(message: dict[str, Json]) -> Json:
    return message.get("type") or [*message][:1]


def _short(session: Session, message: str | bytes | None) -> str:
    value = readable(message or "", session.config, _secrets())
    text = value if isinstance(value, str) else dump_spaced(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
