"""Placeholder keys, so that SDKs start without an account; never sent anywhere."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from cachy.config import Mode
from cachy.interaction import Request
from cachy.providers import PROVIDERS, Provider
from cachy.providers.bedrock import BEDROCK
from cachy.providers.provider import STAND_IN
from cachy.replay.process import PROCESS

PLACEHOLDER = STAND_IN  # followed by the variable's name
_MAKER = Path("/sys/devices/virtual/dmi/id/sys_vendor")  # of the machine, on Linux


def place(mode: Mode) -> None:
    """Set a placeholder for every known provider whose variable is unset."""
    for name in () if mode is Mode.OFF else unset(mode, PROVIDERS):
        os.environ[name] = PLACEHOLDER + name
        PROCESS.placeholders.add(name)


def unset(mode: Mode, providers: Iterable[Provider]) -> list[str]:
    """Return the variables without which the SDKs of these providers would not start."""
    return [
        name
        for provider in providers
        if provider.placeholders and not _has_source(provider, mode)
        for name in provider.placeholders
        if not os.environ.get(name)
    ]


def remove() -> None:
    """Take back every placeholder that is still ours."""
    for name in PROCESS.placeholders:
        if os.environ.get(name) == PLACEHOLDER + name:
            del os.environ[name]
    PROCESS.placeholders.clear()


def missing_for(request: Request) -> str:
    """Name the variable whose placeholder a request carries: it must not go live. Or nothing."""
    for text in (request.url, *[value for _, value in request.headers]):
        if PLACEHOLDER in text and (found := re.search(PLACEHOLDER + "([A-Z0-9_]+)", text)):
            return found[1]
    return ""


def secrets() -> tuple[str, ...]:
    """Return the values of the environment that must never be written."""
    from cachy.redact import secret_values  # for what is recorded or missed

    return tuple(value for value in secret_values(os.environ) if not value.startswith(PLACEHOLDER))


def _may_have_aws_role() -> bool:
    """Return whether this is an EC2 instance, whose role only the network tells of.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
    """
    with suppress(OSError):
        return "Amazon EC2" in _MAKER.read_text(encoding="utf-8", errors="replace")
    return False


def _has_source(provider: Provider, mode: Mode) -> bool:
    """Return whether there may be other credentials that a placeholder would shadow."""
    if any(os.environ.get(name) for name in provider.credential_sources):
        return True
    if provider is not BEDROCK:
        return False
    return _has_aws_file() or (mode is not Mode.REPLAY and _may_have_aws_role())


_AWS_FILES = (("AWS_SHARED_CREDENTIALS_FILE", "credentials"), ("AWS_CONFIG_FILE", "config"))
# A file may also hold nothing but a region.
_AWS_SOURCE = (
    r"(?m)^\s*(?:aws_access_key_id|role_arn|credential_process|credential_source|sso_\w+"
    r"|web_identity_token_file|login_session)\s*="
)


def _has_aws_file() -> bool:
    """Return whether a file of AWS names a source of credentials, or cannot be read."""
    for name, default in _AWS_FILES:
        path = Path(os.environ.get(name) or Path.home() / ".aws" / default).expanduser()
        try:
            if re.search(_AWS_SOURCE, path.read_text(encoding="utf-8", errors="replace")):
                return True
        except FileNotFoundError:
            continue
        except OSError:
            return True
    return False
