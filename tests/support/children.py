"""What a test's child processes run; a spawned one imports this module, and so it is light."""

from __future__ import annotations

import requests

import cachy


def start() -> None:
    cachy.enable_cachy(doms=["127.0.0.1"], mode="replay")


def ask(url: str) -> None:
    requests.get(url, timeout=60)


def start_and_ask(url: str) -> None:
    start()
    ask(url)
