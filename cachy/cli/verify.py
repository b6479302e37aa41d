"""`cachy verify`: offline health of the fixtures."""

from __future__ import annotations

from pathlib import Path

import click

from cachy.config import load_config


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]…")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How the findings are printed",
)
def command(paths: tuple[Path, ...], form: str) -> int:
    """Check the committed fixtures offline: whole, in place, free of secrets.

    Exits 1 on an error, 3 where there is nothing to check; warnings don't fail.

    Example: cachy verify --format github
    """
    from cachy.verify import count_fixtures, report, verify

    config = load_config()
    findings = verify(config, paths)
    render = {
        "text": report.render_text,
        "json": report.render_json,
        "github": report.render_github,
    }[form]
    click.echo(render(findings, count_fixtures(config, paths)))
    return int(any(finding.severity == "error" for finding in findings))
