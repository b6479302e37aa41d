"""`cachy verify`: offline health of the fixtures."""

from __future__ import annotations

from pathlib import Path

import click

from cachy.cli.project_config import config_of
from cachy.cli.terminal import format_option, say
from cachy.config import suggest
from cachy.errors import CachyError


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]…")
@format_option("Format of the findings", "github", "sarif")
@click.option("--fix", is_flag=True, help="Apply unambiguous fixes, then update contract files")
@click.option(
    "--fail-on",
    metavar="RULE",
    multiple=True,
    help="Rule, such as too-old, or severity whose findings fail too  [default: error]",
)
def command(
    paths: tuple[Path, ...], output_format: str, fix: bool, fail_on: tuple[str, ...]
) -> int:
    """Check the committed fixtures offline: complete, in place, without secrets.

    Checks the settings too. Exits 1 on an error and 3 if there is nothing to check; warnings do
    not fail unless --fail-on names them.

    Example: cachy verify --format github
    """
    from cachy.drift.outcome.policy import check_policy
    from cachy.verify import count_fixtures, list_checked, report, verify, write_contracts
    from cachy.verify import fix as apply_fixes

    _check_rules(fail_on)
    config = config_of(paths)
    check_policy(config.drift)
    findings = verify(config, paths)
    if fix:
        done = apply_fixes(config, findings)
        done += write_contracts(config, list_checked(config, paths))
        for line in done:
            say(line, err=True)
        left = verify(config, paths) if done else findings
        findings = [finding.after_fix() for finding in left]
    render = {
        "text": report.render_text,
        "json": report.render_json,
        "github": report.render_github,
        "sarif": report.render_sarif,
    }[output_format]
    show = say if output_format == "text" else click.echo
    show(render(findings, count_fixtures(config, paths)))
    failing = {"error", *fail_on}
    return int(any({one.severity, one.rule} & failing for one in findings))


def _check_rules(names: tuple[str, ...]) -> None:
    from cachy.verify import RULES

    known = [*RULES, "error", "warning", "info"]
    for name in names:
        if name not in known:
            advice = suggest(name, known) or "`cachy explain` lists the rules."
            raise CachyError(f"--fail-on: unknown rule {name!r}", advice=advice)
