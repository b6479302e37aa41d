"""Invented credentials of many providers, and every way to read a text that may hide one."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from urllib.parse import quote, unquote_plus

from hypothesis import strategies as st

# kind -> what such a key looks like (the providers' own documentation)
SHAPES = {
    "openai-key": r"sk-(proj|svcacct|admin)-[A-Za-z0-9_-]{20,80}[A-Za-z0-9]",
    "openai-key ": r"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
    "openai-key  ": r"sk-[0-9a-f]{16}[0-9][a-f]{15}",
    "anthropic-key": r"sk-ant-(api03|oat01|admin01)-[A-Za-z0-9_-]{40,93}AA",
    "openrouter-key": r"sk-or-v1-[0-9a-f]{64}",
    "google-key": r"AIza[A-Za-z0-9_-]{34}[A-Za-z0-9]",
    "google-token": r"ya29\.a0[A-Za-z0-9_-]{60,100}",
    "google-secret": r"GOCSPX-[A-Za-z0-9_-]{27}[A-Za-z0-9]",
    "aws-key": r"(AKIA|ASIA)[A-Z2-7]{16}",
    "github-token": r"(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})",
    "gitlab-token": r"glpat-[A-Za-z0-9_-]{19}[A-Za-z0-9]",
    "huggingface-token": r"hf_[A-Za-z]{34}",
    "slack-token": r"xox[bp]-[0-9]{12}-[0-9]{13}-[A-Za-z0-9]{24}",
    "stripe-key": r"((sk|rk)_(live|test)_[A-Za-z0-9]{24,99}|whsec_[A-Za-z0-9]{32})",
    "groq-key": r"gsk_[A-Za-z0-9]{52}",
    "xai-key": r"xai-[A-Za-z0-9]{80}",
    "replicate-token": r"r8_[A-Za-z0-9]{37}",
    "perplexity-key": r"pplx-[A-Za-z0-9]{48}",
    "nvidia-key": r"nvapi-[A-Za-z0-9_-]{63}[A-Za-z0-9]",
    "sendgrid-key": r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{42}[A-Za-z0-9]",
    "npm-token": r"npm_[A-Za-z0-9]{36}",
    "jwt": r"eyJ[A-Za-z0-9]{20}\.eyJ[A-Za-z0-9]{40}\.[A-Za-z0-9_-]{42}[A-Za-z0-9]",
    "private-key": r"-----BEGIN (RSA |EC |)PRIVATE KEY-----\n([A-Za-z0-9+/]{64}\n){2}"
    r"[A-Za-z0-9+/]{30}==\n-----END (RSA |EC |)PRIVATE KEY-----",
}


def secrets(*kinds: str) -> st.SearchStrategy[str]:
    """Make keys of these kinds, or of all."""
    return st.one_of(*(_keys(SHAPES[kind]) for kind in kinds or SHAPES))


@cache
def _keys(pattern: str) -> st.SearchStrategy[str]:
    """Make keys of a pattern, which is parsed once."""
    return st.from_regex(f"\\A{pattern}\\Z")


def _percent(text: str, digits: str = "{:02X}") -> str:
    return "".join("%" + digits.format(ord(letter)) for letter in text)


def _split(text: str) -> str:
    return re.sub("[-_.]", lambda sign: f"\\u{ord(sign[0]):04x}", text)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda key: key,
    "in prose": lambda key: f"Incorrect API key provided: {key}. See the docs.",
    "after a line break": lambda key: f"one\n{key}\ntwo",
    "quoted in JSON": lambda key: json.dumps({"said": f"\t{key}"}),
    "JSON in JSON": lambda key: json.dumps(json.dumps({"said": f'"{key}"\n'})),
    "in an event": lambda key: f"data: {json.dumps({'delta': key})}\n\n",
    "percent-encoded": lambda key: "q=" + quote(f"my {key}", safe=""),
    "percent-encoded throughout": lambda key: _percent(key),
    "percent-encoded in lower case": lambda key: _percent(key, "{:02x}"),
    "percent-encoded twice": lambda key: quote(_percent(key), safe=""),
    "in base64": _base64,
    "in base64 among others": lambda key: _base64(json.dumps({"id": 7, "said": key})),
    "in base64 for URLs": lambda key: base64.urlsafe_b64encode(f"a:{key}".encode()).decode(),
    "in base64 twice": lambda key: _base64(_base64(f"a:{key}")),
    "as basic credentials": lambda key: f"Basic {_base64(f'me:{key}')}",
    "as bearer credentials": lambda key: f"AUTHORIZATION: BEARER {key}",
    "in a query": lambda key: f"https://h.example/p?x=1&api_key={quote(key, safe='')}&y=2",
    "as a URL's password": lambda key: f"https://me:{quote(key, safe='')}@h.example/p",
}
SPLIT = {"split by JSON's escapes": _split}


def readings(text: str, depth: int = 2) -> Iterator[str]:
    """Yield a text as its readers may see it: decoded in every way, and repeatedly."""
    yield text
    if depth == 0:
        return
    unquoted = unquote_plus(unquote_plus(text))
    unescaped = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), text)
    for reading in {unquoted, unescaped.replace("\\/", "/").replace("\\n", "\n")} - {text}:
        yield from readings(reading, depth - 1)
    for run in re.findall(r"[A-Za-z0-9+/_-]{16,}", text):
        for start in range(4):
            yield from readings(_decoded(run[start:]), depth - 1)


def _decoded(run: str) -> str:
    standard = run.replace("-", "+").replace("_", "/")
    standard = standard[: len(standard) - (len(standard) % 4 == 1)]
    return binascii.a2b_base64(standard + "=" * (-len(standard) % 4)).decode("latin-1")


def is_hidden(secret: str, text: str) -> bool:
    """Return whether no reading of a text shows a telling part of a secret."""
    middle = len(secret) // 2
    parts = (secret[middle - 6 : middle + 6], secret[-12:])
    if secret.startswith("-----"):
        parts = (secret[40:60], secret[110:130])
    return not any(part in reading for reading in readings(text) for part in parts)
