"""What `cachy doctor` says of the settings, the hosts, the keys and CI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cachy.cli.doctor.self_test import LibraryResult
from cachy.config import Config, Mode, in_ci, is_loopback, load_config
from cachy.display import counted, shown_path
from cachy.fixture.store.files import list_fixtures
from cachy.providers import DOMS, PROVIDERS


def describe_project(config: Config) -> Iterator[str]:
    """Yield which settings apply, and why."""
    pyproject = config.root / "pyproject.toml"
    if config.has_table:
        yield f"from {shown_path(pyproject)}: the nearest with [tool.cachy]"
    else:
        why = "its pyproject.toml has no [tool.cachy]" if pyproject.exists() else "no settings"
        yield f"defaults, in {config.root}: {why}"
    number = sum(1 for _ in list_fixtures(config.fixtures))
    yield f"fixtures: {shown_path(config.fixtures)} ({counted(number, 'fixture')})"
    yield f"mode: {config.mode.value}, from {_source(config.mode_from)}"


def _source(mode_from: str) -> str:
    return "the default outside of CI" if mode_from == "default" else mode_from


def describe_hosts(config: Config) -> Iterator[str]:
    """Yield which hosts are covered, and why."""
    known = [dom for dom in config.doms if dom in DOMS]
    added = {*config.extend_doms, *config.base_url_hosts, *config.alias}
    chosen = [dom for dom in config.doms if dom not in DOMS and dom not in added]
    if known:
        some = ", ".join(known[:3])
        yield f"{counted(len(known), 'host')} of known providers: {some} and others"
    if chosen:
        yield f"from doms: {', '.join(chosen)}"
    if config.extend_doms:
        yield f"from extend-doms: {', '.join(config.extend_doms)}"
    for host, variable in config.base_url_hosts.items():
        yield f"{host}, from {variable}"
    for host, name in config.alias.items():
        yield f"{host}, which shares the fixtures of {name}"
    if config.uncovered == "refuse":
        passed = ", ".join(("loopback", *config.passed))
        yield f"requests to other hosts are refused in replay mode, except for {passed}"
    else:
        yield "requests to other hosts go live, and the summary of a run counts them"
        if not _covers_loopback(config):
            yield (
                "an API on this machine is not covered, and its requests are not counted; to cover "
                'one: extend-doms = ["127.0.0.1:8000"]'
            )


def _covers_loopback(config: Config) -> bool:
    names = [dom.rpartition(":")[0] or dom for dom in config.doms if dom not in DOMS]
    return any(name == "*" or is_loopback(name) for name in names)


def describe_libraries(results: Sequence[LibraryResult]) -> Iterator[str]:
    """Yield a line for each installed client library."""
    width = max(len(result.name) for result in results)
    for result in results:
        yield f"{result.name:{width}}  {result.version:10}  {result.verdict}"


def describe_keys(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield which variables of keys and base URLs are set, by name only."""
    names = {row: row.key_variables for row in PROVIDERS}
    found = [name for row in names.values() for name in row if environ.get(name)]
    yield f"set: {', '.join(dict.fromkeys(found)) or 'none'}"
    if not found:
        yield "replaying needs none; recording needs the key of the API that you call"


def describe_ci(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what would happen in CI with these settings."""
    yield "CI is set here" if in_ci(environ) else "CI is not set here"
    config = load_config(environ={**environ, "CI": "true"})
    source = f"mode {config.mode.value}, from {_source(config.mode_from)}"
    if config.mode is Mode.REPLAY:
        yield f"in CI: {source}; no request to a covered host goes live, and a miss fails the run"
    else:
        yield f"in CI: {source}; requests to covered hosts may go live. Unset it for CI."
    yield "programs that are not Python are watched under `cachy run` and by `cachy serve`"
