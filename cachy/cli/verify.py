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
    "output_format",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="Format of the findings",
)
@click.option("--fix", is_flag=True, help="Apply unambiguous fixes, then update contract files")
def command(paths: tuple[Path, ...], output_format: str, fix: bool) -> int:
    """Check the committed fixtures offline: complete, in place, without secrets.

    Exits 1 on an error and 3 if there is nothing to check; warnings do not fail.

    Example: cachy verify --format github
    """
    from cachy.verify import count_fixtures, list_checked, report, verify, write_contracts
    from cachy.verify import fix as apply_fixes

    config = load_config()
    findings = verify(config, paths)
    if fix:
        done = apply_fixes(config, findings)
        done += write_contracts(config, list_checked(config, paths))
        for line in done:
            say(line, err=True)
        findings = verify(config, paths) if done else findings
    render = {
        "text": report.render_text,
        "json": report.render_json,
        "github": report.render_github,
        "sarif": report.render_sarif,
    }[output_format]
    show = say if output_format == "text" else click.echo
    show(render(findings, count_fixtures(config, paths)))
    return int(any(finding.severity == "error" for finding in findings))
