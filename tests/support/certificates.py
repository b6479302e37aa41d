"""One certificate for all clients: no test talks to the world, and to load a hundred is slow."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import certifi

_OF_THE_SYSTEM = "TESTS_SSL_CERT_FILE"  # what SSL_CERT_FILE was before the first of our processes


def trust_one_certificate() -> None:
    """Let this process and those that it starts load one certificate instead of a hundred."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    end = "-----END CERTIFICATE-----\n"
    first = Path(certifi.where()).read_text(encoding="utf-8").partition(end)[0] + end
    bundle = Path(folder, "one.pem")
    bundle.write_text(first, encoding="utf-8")
    certifi.where = lambda: str(bundle)
    os.environ.setdefault(_OF_THE_SYSTEM, os.environ.get("SSL_CERT_FILE", ""))
    os.environ["SSL_CERT_FILE"] = str(bundle)


def trusting_the_system() -> dict[str, str]:
    """Return the environment of a program that does talk to the world: one that installs."""
    ours = ("SSL_CERT_FILE", _OF_THE_SYSTEM)
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    before = os.environ.get(_OF_THE_SYSTEM, "")
    return {**kept, "SSL_CERT_FILE": before} if before else kept
