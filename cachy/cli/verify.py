"""`cachy verify`: offline health of the fixtures."""

from __future__ import annotations

from pathlib import Path

import click

from cachy.cli.terminal import say
from cachy.config import load_config


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]…")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="How the findings are printed",
)
@click.option(
    "--fix", "fixes", is_flag=True, help="Mend first what has one right answer; write the contracts"
)
def command(paths: tuple[Path, ...], form: str, fixes: bool) -> int:
    """Check the committed fixtures offline: whole, in place, free of secrets.

    Exits 1 on an error, 3 where there is nothing to check; warnings don't fail.

    Example: cachy verify --format github
    """
    from cachy.verify import count_fixtures, fix, list_checked, report, verify, write_contracts

    config = load_config()
    findings = verify(config, paths)
    if fixes:
        done = fix(config, findings)
        done += write_contracts(config, list_checked(config, paths))
        for line in done:
            say(line, err=True)
        findings = verify(config, paths) if done else findings
    render = {
        "text": report.render_text,
        "json": report.render_json,
        "github": report.render_github,
        "sarif": report.render_sarif,
    }[form]
    (say if form == "text" else click.echo)(render(findings, count_fixtures(config, paths)))
    return int(any(finding.severity == "error" for finding in findings))
