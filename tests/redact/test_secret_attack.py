"""An attack: a provider that echoes everything, keys in every place and spelling; then a search."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aws_messages
import httpx
import pytest
from aws_messages import stream, text_header
from conftest import Scope, fixtures_in, forgotten
from hypothesis import given
from hypothesis import strategies as st
from sample_credentials import KINDS
from scripted_server import (
    ScriptedResponse,
    ScriptedServer,
    SeenRequest,
    json_response,
    sse_response,
    text_response,
)
from secret_shapes import SPELLINGS, SPLIT, readings

import cachy
from cachy.cli import run_program
from cachy.config import Config, load_config
from cachy.fixture.compose import compose
from cachy.fixture.environment_advice import guard_identity
from cachy.fixture.format.render import render_fixture
from cachy.fixture.identity.fingerprint import identify_settled
from cachy.interaction import Request, Response
from cachy.verify import verify

pytest_plugins = ["pytester"]
Send = Callable[[Any, str, str], httpx.Response]
ANSWERS = ("json", "sse", "ndjson", "text", "error", "headers", "binary", "html", "eventstream")


def binary_echo(form: str, said: dict[str, Any], shown: str) -> ScriptedResponse:
    """Send back what was sent among other bytes, or in every place of a message of AWS."""
    if form == "binary":
        kind = (("Content-Type", "application/octet-stream"),)
        return ScriptedResponse(b"\x00\xff\xfe" + shown.encode() + b"\x00\x81", 200, kind)
    headers = [text_header(f"h{at}", shown[at : at + 9000]) for at in range(0, 20_000, 9000)]
    return stream(
        aws_messages.event("said", said, "exception"),
        aws_messages.chunk({"delta": shown}),
        aws_messages.message(headers, b"\xff\x00" + shown.encode()),
        aws_messages.message([text_header(":event-type", "Records")], shown.encode()),
    )


def echo(asked: SeenRequest) -> ScriptedResponse:
    """Send back what was sent, in the form that the path names."""
    said: dict[str, Any] = {
        "url": asked.path,
        "headers": dict(asked.headers),
        "body": asked.body.decode("utf-8", "replace"),
    }
    shown = json.dumps(said)
    match asked.path.split("/")[1].partition("?")[0]:
        case "sse":
            lines = b": %s\nid: %s\ndata: %s\n\n" % ((shown.encode(),) * 3)
            return sse_response(lines, b'data: {"delta": %s}\n\n' % json.dumps(shown).encode())
        case "ndjson":
            line = f"{json.dumps({'said': shown})}\n"
            return text_response(line * 2, kind="application/x-ndjson")
        case "text":
            return text_response("\n".join(f"{key}: {value}" for key, value in said.items()))
        case "error":
            last = said["body"].split("\r\n\r\n")[-1]  # no boundary: it looks like a key itself
            message = f"Incorrect API key provided: {last}. See the docs."
            return json_response({"error": {"message": message, "was": said}}, 400)
        case "headers":
            named = ("Location", "Link", "X-Request-Id", "WWW-Authenticate", "ETag", "Set-Cookie")
            text = quote(said["body"]) or quote(asked.path)
            return ScriptedResponse(b"", 201, tuple((name, f"/next?a={text}") for name in named))
        case "binary" | "eventstream" as form:
            return binary_echo(form, said, shown)
        case "html":
            link = f"<a href='https://me:{quote(said['body'], safe='')}@h.example/'>"
            return text_response(link, kind="text/html")
        case _:
            return json_response(said)


PLACES: dict[str, Send] = {
    "headers": lambda client, url, text: client.post(
        url,
        headers={
            "authorization": f"Bearer {quote(text, safe='+/=')}",
            "x-api-key": quote(text, safe="+/="),
            "anthropic-beta": quote(text, safe=""),
            "cookie": f"session={quote(text)}",
        },
    ),
    "what signs a request to AWS": lambda client, url, text: client.post(
        f"{url}?X-Amz-Signature={quote(text)}&X-Amz-Credential={quote(text, safe='')}%2Fs3"
        f"&X-Amz-Date=20261124T091500Z&X-Amz-Security-Token={quote(text)}",
        headers={
            "authorization": f"AWS4-HMAC-SHA256 Credential={quote(text)}, Signature={quote(text)}",
            "x-amz-security-token": quote(text, safe="+/="),
            "x-amz-content-sha256": quote(text, safe=""),
            "x-amz-target": f"Service.{quote(text, safe='')}",
            "x-amz-copy-source": f"/bucket/{quote(text)}",
        },
        json={"SecretString": text, "Value": text, "Type": "SecureString"},
    ),
    "an upload in chunks": lambda client, url, text: client.put(
        url,
        headers={"content-encoding": "aws-chunked"},
        content=b"%x;chunk-signature=%s\r\n%s\r\n0\r\n\r\n"
        % (len(text.encode()), quote(text, safe="").encode(), text.encode()),
    ),
    "query": lambda client, url, text: client.get(url, params={"q": text, "key": text}),
    "path": lambda client, url, text: client.get(f"{url}/of/{quote(text, safe='')}/send"),
    "JSON": lambda client, url, text: client.post(
        url, json={"messages": [{"role": "user", "content": f"my key is {text}"}, [[text]]]}
    ),
    "JSON's keys and named fields": lambda client, url, text: client.post(
        url, json={"api_key": text, "more": {text: 1}}
    ),
    "a form": lambda client, url, text: client.post(url, data={"said": text, "token": text}),
    "multipart": lambda client, url, text: client.post(
        url,
        data={"said": text},
        files={"file": ("a.txt", text.encode()), "raw": ("b.bin", b"\xff\x00" + text.encode())},
    ),
    "text": lambda client, url, text: client.post(
        url, content=text.encode(), headers={"content-type": f"text/plain; of={quote(text)}"}
    ),
    "bytes": lambda client, url, text: client.post(url, content=b"\xff\x00" + text.encode()),
    "a URL's user": lambda client, url, text: client.get(
        url.replace("://", f"://me:{quote(text, safe='')}@")
    ),
}


def attempts(name: str) -> Iterator[tuple[str, str, str]]:
    """Pair every place with every spelling, a ninth of them for each kind of key."""
    for at, place in enumerate(PLACES):
        for number, spelling in enumerate(SPELLINGS | SPLIT):
            if (at + number + len(name)) % 9 == 0:
                yield place, spelling, ANSWERS[(at + number // 9 + len(name)) % len(ANSWERS)]


def send_all(secret: str, name: str, url: str) -> Iterator[httpx.Response | BaseException]:
    with httpx.Client() as client:
        for place, spelling, answer in attempts(name):
            text = (SPELLINGS | SPLIT)[spelling](secret)
            try:
                yield PLACES[place](client, f"{url}/{answer}/{quote(spelling)}", text)
            except cachy.UnrecordedRequest as error:
                yield error


def everything(folder: Path) -> Iterator[str]:
    """Yield the texts and the names of all files below a folder."""
    for file in sorted(folder.rglob("*")):
        yield str(file.relative_to(folder))
        if file.is_file():
            yield file.read_bytes().decode("latin-1")


def found_in(text: str, *secrets: str) -> list[str]:
    """Return the secrets of which some reading of a text contains a part, in either case."""
    bare = "\n".join(map(_bare, set(readings(text))))
    return [secret for secret in secrets if any(part in bare for part in _telling(secret))]


def _telling(secret: str) -> set[str]:
    middle = len(secret) // 2
    return {_bare(secret[middle - 8 : middle + 8]), _bare(secret[-20:-4])}


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def assert_nothing_of(secrets: Iterable[str], texts: Iterable[str]) -> None:
    found = [(text[:3000], held) for text in texts if (held := found_in(text, *secrets))]
    assert found == []


class Builder:
    """Builds the requests that a client would send."""

    def __init__(self) -> None:
        self.client = httpx.Client()

    def post(self, url: str, **arguments: Any) -> httpx.Request:
        return self.client.build_request("POST", url, **arguments)

    def put(self, url: str, **arguments: Any) -> httpx.Request:
        return self.client.build_request("PUT", url, **arguments)

    def get(self, url: str, **arguments: Any) -> httpx.Request:
        return self.client.build_request("GET", url, **arguments)


@given(
    name=st.sampled_from(list(KINDS)),
    seed=st.integers(),
    place=st.sampled_from(list(PLACES)),
    spelling=st.sampled_from(list(SPELLINGS | SPLIT)),
    answer=st.sampled_from(ANSWERS),
)
def test_no_key_is_in_what_a_recording_would_write(
    name: str, seed: int, place: str, spelling: str, answer: str
) -> None:
    secret = KINDS[name].make(str(seed))
    guarded = (secret,) if KINDS[name].variable else ()
    text = (SPELLINGS | SPLIT)[spelling](secret)
    built: Any = PLACES[place](Builder(), f"http://h.example/{answer}", text)
    sent = Request(built.method, str(built.url), tuple(built.headers.items()), built.read())
    asked = SeenRequest(sent.method, built.url.raw_path.decode(), dict(sent.headers), sent.body)
    said = echo(asked)
    body = said.body if isinstance(said.body, bytes) else b"".join(said.body)
    config = Config()
    named, advice = guard_identity(sent, identify_settled(sent, config), config, guarded)
    response = Response(said.status or 200, said.headers, body)
    document, _ = compose(sent, response, {"test": f"t[{text}]"}, config, guarded)
    assert_nothing_of([secret], [render_fixture(document), named.name, advice])


@pytest.fixture
def told(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let everything be logged."""
    monkeypatch.setenv("CACHY_LOG", str(project / "log.jsonl"))
    return project / "log.jsonl"


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_no_key_is_written_wherever_it_was_sent_and_however_it_was_spelled(
    name: str,
    project: Path,
    told: Path,
    origin: ScriptedServer,
    recording: Scope,
    replaying: Scope,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    first, second = (KINDS[name].make(name + at) for at in "12")
    variable = KINDS[name].variable
    origin.otherwise = echo
    monkeypatch.setenv("PYTEST_CURRENT_TEST", f"tests/test_a.py::test_b[{first}] (call)")
    with monkeypatch.context() as environment, recording(debug=True):
        if variable:
            environment.setenv(variable, first)
        recorded = list(send_all(first, name, origin.url))
    count = origin.count
    assert count == len(recorded) == len(list(attempts(name)))
    assert len(fixtures_in(project)) == count
    written = [*everything(project), *capfd.readouterr()]

    monkeypatch.setenv("PYTEST_CURRENT_TEST", "tests/test_a.py::test_b (call)")
    with monkeypatch.context() as environment, replaying(debug=True):
        if variable:
            environment.setenv(variable, second)
        replayed = list(send_all(second, name, origin.url))
    assert origin.count == count
    missed = [answer for answer in replayed if isinstance(answer, BaseException)]
    assert bool(missed) == bool(variable)  # what only its value tells is a part of the request
    said = [text for error in missed for text in (str(error), repr(vars(error)))]
    pickled = [pickle.dumps(error).decode("latin-1") for error in missed]
    written += [told.read_text(), *capfd.readouterr(), *said, *pickled, *forgotten()]
    assert_nothing_of((first, second), written)
    assert {finding.rule for finding in verify(load_config())} <= {"wrong-place", "edited-request"}


REPORTS = (
    *(["verify", "--format", kind] for kind in ("text", "json", "sarif", "github")),
    ["ls"],
    ["ls", "--format", "json"],
    ["diff", "cachy_fixtures", "cachy_fixtures"],
    ["drift", "--report", "report.json"],
    ["drift", "--format", "json"],
)


UNRECORDED = """
import os
import aws_messages
import httpx
import pytest
from aws_messages import stream, text_header

@pytest.mark.cachy(doms=["127.0.0.1"], mode="replay")
def test_it():
    key = os.environ["SAID"]
    with httpx.Client(headers={"authorization": f"Bearer {key}"}) as client:
        client.post(f"http://127.0.0.1:9/{key}", params={"key": key}, json={"said": key})
"""


# In the long style httpx's own arguments are shown.
@pytest.mark.parametrize("style", ["auto", "short", "native"])
def test_pytests_report_of_a_miss_tells_no_key(style: str, pytester: pytest.Pytester) -> None:
    secret = KINDS["groq"].make("told")
    pytester.makepyprojecttoml("")
    pytester.makepyfile(UNRECORDED)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SAID", secret)
        result = pytester.runpytest_inprocess(f"--tb={style}", "-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    forgotten()
    result.stdout.fnmatch_lines(["*No fixture answers POST *"])
    assert secret not in "\n".join([*result.outlines, *result.errlines])


@pytest.fixture
def made(
    project: Path, origin: ScriptedServer, recording: Scope, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Record a project in which every kind of key was sent in every place; give the keys."""
    origin.otherwise = echo
    made = {name: kind.make(f"told {name}") for name, kind in KINDS.items()}
    for name, kind in KINDS.items():
        if kind.variable:
            monkeypatch.setenv(kind.variable, made[name])
    with recording(), httpx.Client() as client:
        for number, secret in enumerate(made.values()):
            for at, place in enumerate(PLACES):
                answer = ANSWERS[(number + at) % len(ANSWERS)]
                PLACES[place](client, f"{origin.url}/{answer}/{number}", secret)
    return list(made.values())


@pytest.mark.slow
def test_no_report_tells_a_key(
    project: Path, made: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    shown = [["show", str(path)] for path in fixtures_in(project)[::10]]
    for report in (*REPORTS, *shown):
        run_program(report)
    output = capfd.readouterr()
    assert len(output.out) > 10_000
    assert_nothing_of(made, output)


@pytest.mark.slow
def test_a_scanner_finds_nothing_in_what_was_recorded(project: Path, made: list[str]) -> None:
    folder = project / "cachy_fixtures"
    assert len(fixtures_in(project)) > len(made) * 5
    assert scan(folder) == []
    (folder / "planted.json").write_text(json.dumps({"said": made[0]}))
    assert scan(folder) != []


def scan(folder: Path) -> list[str]:
    """Name what betterleaks takes for a secret below a folder."""
    command = [str(Path(sys.executable).parent / "betterleaks"), str(folder), "--jsonl"]
    done = subprocess.run(
        [*command, "--log-level=error"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode in (0, 1), done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines() if '"finding"' in line]
    return [str(one["finding"]["rule_id"]) for one in found]
