"""`cachy doctor`: which settings apply, and whether cachy catches the installed clients."""

from __future__ import annotations

import click

from cachy.cli.terminal import say


@click.command()
def command() -> int:
    """Show which settings and hosts apply here, and test that requests are really caught.

    Each installed client library sends a request to a server on loopback, once recorded and once
    replayed. Exits 1 if one of them is not caught.

    Example: cachy doctor
    """
    from cachy.cli.doctor.checks import (
        describe_ci,
        describe_hosts,
        describe_keys,
        describe_libraries,
        describe_project,
    )
    from cachy.cli.doctor.self_test import run_self_test
    from cachy.config import environment, load_config

    config, environ = load_config(), environment()
    results = run_self_test()
    sections = {
        "Settings": describe_project(config),
        "Hosts": describe_hosts(config),
        "Client libraries": describe_libraries(results),
        "Keys": describe_keys(environ),
        "In CI": describe_ci(environ),
    }
    for title, lines in sections.items():
        say("\n".join([title, *(f"  {line}" for line in lines)]))
    return int(any(result.is_missed for result in results))
