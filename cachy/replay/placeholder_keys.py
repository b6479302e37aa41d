"""Placeholder keys, so that SDKs start without an account; never sent anywhere."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from cachy.config import Mode
from cachy.interaction import Request
from cachy.redact import secret_values

PLACEHOLDER = "cachy-placeholder-for-"  # followed by the variable's name
_VARIABLES = (
    "OPENAI_API_KEY",
    "AZURE_OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GOOGLE_API_KEY",
    "GROQ_API_KEY",
    "TOGETHER_API_KEY",
    "CO_API_KEY",
)
_AWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
# Any of these configures a source of credentials that a placeholder would shadow.
_AWS_SOURCES = (
    *_AWS,
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_MAKER = Path("/sys/devices/virtual/dmi/id/sys_vendor")  # of the machine, on Linux
_CARRIED = re.compile(PLACEHOLDER + "([A-Z_]+)")
_placed: set[str] = set()


def place(mode: Mode) -> None:
    """Set a placeholder for every known provider whose variable is unset."""
    if mode is Mode.OFF:
        return
    is_safe = not _has_aws_source() and (mode is Mode.REPLAY or not _may_have_aws_role())
    wanted = [*_VARIABLES, *(_AWS if is_safe else ())]
    for name in wanted:
        if name == "GOOGLE_API_KEY" and os.environ.get("GEMINI_API_KEY"):
            continue  # google-genai warns where both are set
        if not os.environ.get(name):
            os.environ[name] = PLACEHOLDER + name
            _placed.add(name)


def remove() -> None:
    """Take back every placeholder that is still ours."""
    for name in _placed:
        if os.environ.get(name) == PLACEHOLDER + name:
            del os.environ[name]
    _placed.clear()


def missing_for(request: Request) -> str:
    """Name the variable whose placeholder a request carries: it must not go live. Or nothing."""
    for text in (request.url, *(value for _, value in request.headers)):
        if found := _CARRIED.search(text):
            return found[1]
    return ""


def secrets() -> tuple[str, ...]:
    """Give the values of the environment that must never be written."""
    return tuple(value for value in secret_values(os.environ) if not value.startswith(PLACEHOLDER))


def _may_have_aws_role() -> bool:
    """Whether this is an EC2 instance, whose role only the network tells of.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
    """
    with suppress(OSError):
        return "Amazon EC2" in _MAKER.read_text(encoding="utf-8", errors="replace")
    return False


def _has_aws_source() -> bool:
    if any(os.environ.get(name) for name in _AWS_SOURCES):
        return True
    return any(
        os.path.exists(os.environ.get(name) or Path.home() / ".aws" / default)
        for name, default in (
            ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            ("AWS_CONFIG_FILE", "config"),
        )
    )
