"""`cachy serve`: the fixtures over HTTP, for programs in any language."""

from __future__ import annotations

import shlex
import signal
import threading

import click

from cachy.cli.fitted_table import say_summary
from cachy.cli.terminal import say
from cachy.config import Mode, environment, load_config
from cachy.errors import CachyError
from cachy.replay.placeholder_keys import PLACEHOLDER
from cachy.replay.run.served_variables import URL
from cachy.replay.run.summary_lines import run_counts, run_details
from cachy.serve.server import serving
from cachy.serve.service import Service


@click.command()
@click.option(
    "--mode",
    type=click.Choice(["record", "replay", "refresh"]),
    help="What to do with requests [default: from the settings; replay in CI]",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port on 127.0.0.1 [default: a free one]",
)
def command(mode: str | None, port: int) -> int:
    """Serve the fixtures over HTTP on this machine, for programs in any language.

    Prints `export` lines for the variables to set, and runs until Ctrl-C; then it prints a
    summary. Requests are answered as `cachy run` answers those of Python programs. Exits 1 on a
    miss.

    Example: cachy serve --mode record --port 8100
    """
    config = load_config(mode=mode)
    if mode:
        config = config._replace(mode_from="--mode")
    if config.mode is Mode.OFF:
        raise CachyError(
            f"Mode off, from {config.mode_from}, serves nothing.",
            advice="Choose --mode record or --mode replay.",
        )
    how = f"cachy serve --mode record{f' --port {port}' if port else ''}"
    with serving(config, environment(), how, port) as service:
        _print_variables(service)
        _wait_for_the_end()
    totals = service.totals()
    say_summary((*run_details(totals), ", ".join(run_counts(totals))))
    return int(bool(totals.missed))


def _print_variables(service: Service) -> None:
    config = service.session.config
    for name, value in sorted({**service.variables, URL: service.address.url}.items()):
        # The terminal that loads these lines may have the key that recording needs.
        if config.mode is Mode.REPLAY or not value.startswith(PLACEHOLDER):
            click.echo(f"export {name}={shlex.quote(value)}")
    click.echo(f"# Any other covered host: ${URL}/HOST/PATH")
    say(f"cachy: serving {config.fixtures}, mode {config.mode.value}; Ctrl-C ends it", err=True)


def _wait_for_the_end() -> None:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        while not ended.wait(0.5):  # a wait without an end would not hear Ctrl-C on Windows
            pass
    except KeyboardInterrupt:
        return
