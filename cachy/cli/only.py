"""What the globs of `--only` are matched against, said where one matches nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cachy.config import Config
from cachy.display import counted
from cachy.fixture.store.files import is_chosen, list_fixtures


def explain_path_glob(only: str, config: Config) -> str:
    """Return what a glob for paths is matched against, and one that matches something here."""
    paths, bases = list(list_fixtures(config.fixtures)), (config.root, config.fixtures)

    def number(glob: str) -> int:
        return sum(is_chosen(path, glob, bases) for path in paths)

    shown = [path.relative_to(config.fixtures).as_posix() for path in paths]
    return explain_glob(only, shown, number, "the whole path of a fixture")


def explain_glob(
    only: str, paths: Sequence[str], number: Callable[[str], int], matched: str
) -> str:
    """Return the advice for a glob that matches nothing.

    `paths` are those of the fixtures, `number` counts what a glob matches, and `matched` names
    what it is matched against.
    """
    if not paths:
        return f"A glob is matched against {matched}, and none is recorded yet."
    word = only.strip("*/")
    hosts = {path.partition("/")[0]: None for path in paths}
    globs = (f"*{word}*", f"*{word.lower()}*", *(f"{host}/*" for host in hosts))
    example = next((glob for glob in globs if word and number(glob)), f"{next(iter(hosts))}/*")
    return (
        f"A glob is matched against {matched}, such as {min(paths, key=len)}: "
        f"'{example}' matches {counted(number(example), 'fixture')}."
    )
