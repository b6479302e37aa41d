"""Rooms import only downwards, and each outside thing has its door."""

from __future__ import annotations

import ast
import builtins
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from places import ROOT

import cachy
import cachy.errors
from cachy.compare.catalogue.rules import RULES as CHANGES
from cachy.providers.registry import PROVIDERS, STREAM_ENDS
from cachy.redact.newer_shapes import NEWER
from cachy.redact.shapes import WORDS
from cachy.verify.rules import RULES as FINDINGS

PACKAGE = Path(cachy.__file__).parent
ACTION = ROOT / "action"
# From the lowest room to the highest: the one place where the order is written.
ROOMS = [
    "display",
    "errors",
    "interaction",
    "providers",
    "config",
    "redact",
    "fixture",
    "importers",
    "structure",
    "compare",
    "replay",
    "drift",
    "verify",
    "pull_request",
    "pytest_plugin",
    "serve",
    "cli",
]
DOORS = {
    "httpx": {"drift.live.resend", "pull_request.rest", "cli.demo.chat", "serve.live"},
    "httpx2": set(),
    "aiohttp": set(),
    "requests": set(),
    "uvloop": set(),
    "pycurl": set(),
    "urllib3": set(),
    "grpc": set(),
    "pytest": {"pytest_plugin"},
    "click": {"cli"},
    "rich": {"cli"},
    "deepdiff": {"compare.bodies.structures"},
    "jsonschema": {"fixture.format.schema", "structure.json_schema"},
    "subprocess": {
        *("pull_request.git", "cli.run", "cli.demo", "cli.doctor.self_test"),
        *("drift.outcome.blast_radius", "replay.children"),
    },
    "tomllib": {"config.project", "importers.cassettes"},
    "yaml": {"importers.yaml_loader"},
}
FRONT = {"__init__", "__main__", "core"}


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def trees() -> dict[Path, ast.Module]:
    return {path: parse(path) for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def nodes() -> dict[Path, list[ast.AST]]:
    """Return all that is in the trees: to walk through one takes as long as to parse it."""
    return {path: [*ast.walk(tree)] for path, tree in trees().items()}


@cache
def modules() -> dict[str, tuple[str, ...]]:
    """The modules by their names, with what each imports."""
    found = {}
    for path, inner in nodes().items():
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if "autostart" not in parts:
            name = ".".join(part for part in parts if part != "__init__" or len(parts) == 1)
            found[name] = tuple(imports(inner))
    return found


def imports(inner: Iterable[ast.AST]) -> Iterator[str]:
    """Every import, those in functions and under TYPE_CHECKING too."""
    for node in inner:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(name: str) -> str:
    return name.split(".")[0]


def test_rooms_import_only_downwards() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, targets in modules().items()
        if room(name) not in FRONT
        for target in targets
        if target.startswith("cachy.")
        and room(target.removeprefix("cachy.")) in ROOMS
        and ROOMS.index(room(target.removeprefix("cachy."))) > ROOMS.index(room(name))
    ]
    assert wrong == []


def test_every_room_is_in_the_order() -> None:
    assert {room(name) for name in modules()} - FRONT == set(ROOMS)


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: set(_modules_of(targets)) for name, targets in modules().items()}
    for start in graph:
        reached, pending = set(), set(graph[start])
        while pending:
            found = pending.pop()
            if found not in reached:
                reached.add(found)
                pending |= graph[found]
        assert start not in reached, f"{start} imports itself by way of {sorted(reached)}"


def _modules_of(targets: Iterable[str]) -> Iterator[str]:
    for target in targets:
        inner = target.removeprefix("cachy.")
        for candidate in (inner, inner.rpartition(".")[0]):
            if target.startswith("cachy.") and candidate in modules():
                yield candidate
                break


@pytest.mark.parametrize("library", DOORS)
def test_an_outside_thing_has_its_door(library: str) -> None:
    users = {
        name
        for name, targets in modules().items()
        if any(target.split(".")[0] == library for target in targets)
    }
    allowed = DOORS[library]
    assert {name for name in users if name not in allowed and room(name) not in allowed} == set()


def test_files_and_functions_can_be_seen_whole() -> None:
    for path, inner in nodes().items():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path
        for node in inner:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert lines_of(node) <= 30, f"{path}: {node.name}"


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines a function has without its docstring."""
    docstring = function.body[0] if ast.get_docstring(function) is not None else None
    described = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - described


# Names that modules of several rooms have, and why.
SHARED_NAMES = {
    "__init__": "Python's name for a folder",
    "__main__": "Python's name for what `python -m` runs",
    "sitecustomize": "Python's name for what a child process imports at its start",
    "check": "what a room's flow is called: of settings, of fixtures offline, of live APIs",
    "report": "the report of drift, of verify, and what the action reads of both",
    "rules": "the catalogues of drift and of verify",
}


def test_a_module_has_a_name_of_its_own() -> None:
    counts = Counter(path.stem for path in (*trees(), *ACTION.glob("*.py")))
    shared = {name for name, count in counts.items() if count > 1}
    assert shared == set(SHARED_NAMES)


def test_the_tests_share_one_conftest() -> None:
    """Tests import from it by name, and a second one would take its place."""
    found = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("conftest.py")}
    assert found == {"tests/conftest.py"}


def public_types(tree: ast.Module) -> Iterator[str]:
    """Yield the public classes and type aliases of a module."""
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name) if name[0] != "_":
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if name[0].isupper() and not name.isupper():
                    yield name


def test_a_public_type_has_a_name_of_its_own() -> None:
    both = [*trees().values(), *(parse(path) for path in ACTION.glob("*.py"))]
    counts = Counter(name for tree in both for name in public_types(tree))
    assert [name for name, count in counts.items() if count > 1] == []
    assert {"Request", "Headers", "ReportedChange"} <= set(
        counts
    )  # a class, an alias, the action's


BROAD = {"Exception", "BaseException", "TypeError", "AttributeError"}  # they hide mistakes of ours
# Where one is caught and not raised again, and why.
CAUGHT = {
    "compare.bodies.sdk_models._load": "importing an SDK runs its code, which may fail in any way",
    "cli.doctor.self_test._test_one": "the test is whether a library fails",
    "drift.live.by_host.run": "the thread that reads the results raises it",
    "fixture.hooks._call": "a hook is the code of a user, which may fail in any way",
    "fixture.hooks._find_fault": "what json.dumps raises for what a hook returns",
    "fixture.hooks._import": "importing a module of the user runs its code",
    "importers.parse._dumped": "what json.dumps raises for a key that is not text",
    "replay.clients.aiohttp_client._pump": "the caller's reader raises it",
    "replay.clients.http_wire._drain": "the caller has closed the response already",
    "replay.clients.tee._drain": "the caller has closed the response already",
    "replay.clients.tee._read_rest": "the caller has closed the response already",
    "replay.streams.event_loop.in_this_loop": "there is no asyncio where trio runs",
    "replay.clients.tee.end": "a body that is not what its headers say is reported, not recorded",
    "replay.clients.urllib3_client._whole": "memoryview says so of a body that is not bytes",
    "action.report.parse_report": "a report of any other shape ends in one line",
}


def broad_catches(inner: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the functions that catch what hides mistakes, and do not raise it again."""
    for function in inner:
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            last: ast.AST
            for node in ast.walk(function):
                match node:
                    case ast.ExceptHandler(type=None, body=[*_, last]):
                        is_broad = True
                    case ast.ExceptHandler(type=kind, body=[*_, last]):
                        is_broad = bool(names_in(kind) & BROAD)
                    case ast.Call(func=ast.Name("suppress") | ast.Attribute(attr="suppress")):
                        last, is_broad = node, bool(names_in(node) & BROAD)
                    case _:
                        continue
                if is_broad and not (isinstance(last, ast.Raise) and last.exc is None):
                    yield function.name


def names_in(tree: ast.AST | None) -> set[str]:
    return {node.id for node in ast.walk(tree or ast.Pass()) if isinstance(node, ast.Name)}


def test_no_error_of_ours_is_caught_unseen() -> None:
    both = [
        (".".join(path.relative_to(PACKAGE).with_suffix("").parts), inner)
        for path, inner in nodes().items()
    ]
    both += [(f"action.{path.stem}", [*ast.walk(parse(path))]) for path in ACTION.glob("*.py")]
    caught = {f"{module}.{name}" for module, inner in both for name in broad_catches(inner)}
    assert caught == set(CAUGHT)


def test_every_exception_is_made_in_one_module() -> None:
    """Those of the action are its own: it imports nothing of cachy."""
    known = {name for name, kind in vars(builtins).items() if is_error(kind)}
    known |= {name for name, kind in vars(cachy.errors).items() if is_error(kind)}
    made = {
        f"{path.name}: {node.name}"
        for path, inner in nodes().items()
        for node in inner
        if isinstance(node, ast.ClassDef) and any(names_in(base) & known for base in node.bases)
    }
    assert {name for name in made if not name.startswith("errors.py: ")} == set()
    assert len(made) > 10


ONE_TEXT = {"CachyError", "Inconclusive", "GitHubUnanswered", "NotComparable"}
ADVICE_WITHIN = re.compile(r"[.;] [A-Z`]|^\{(?:path|file|folder|root|fixture|keep)\}")


def texts_of(value: ast.expr, tree: ast.Module) -> Iterator[str]:
    """Yield what the text of an error may be, as `problem` may be set before; `{}` for values."""
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(next(texts_of(part, tree), "") for part in parts)
        case ast.FormattedValue(value=inner, conversion=-1):
            yield f"{{{ast.unparse(inner)}}}"
        case ast.Name(id=name):
            for node in ast.walk(tree):
                match node:
                    case ast.Assign(targets=[ast.Name(id=found)], value=given) if found == name:
                        yield from texts_of(given, tree)


def test_an_error_carries_its_path_and_its_advice_apart() -> None:
    """What a caller would have to cut out of the text is an argument of its own."""
    texts = [
        (f"{path.name}:{call.lineno}", text)
        for path, tree in trees().items()
        for call in nodes()[path]
        if isinstance(call, ast.Call) and call.args and names_in(call.func) & ONE_TEXT
        for text in texts_of(call.args[0], tree)
    ]
    assert [where for where, text in texts if ADVICE_WITHIN.search(text)] == []
    assert len(texts) > 100


def is_error(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseException)


def test_the_docstring_draws_the_whole_tree_of_exceptions() -> None:
    drawn = re.findall(r"^ *[*+-] (\w+)  ", cachy.errors.__doc__ or "", re.MULTILINE)
    made = [
        node.name for node in trees()[PACKAGE / "errors.py"].body if isinstance(node, ast.ClassDef)
    ]
    assert sorted(drawn) == sorted(made)


MOST_MODULES = 18


def test_no_folder_holds_too_many_modules() -> None:
    counts = Counter(path.parent for path in trees() if path.name != "__init__.py")
    crowded = {str(folder): count for folder, count in counts.items() if count > MOST_MODULES}
    assert crowded == {}
    assert max(counts.values()) > MOST_MODULES // 2  # the modules were counted


HEAVY = (
    "deepdiff",
    "jsonschema",
    "rich",
    "click",
    "httpx",
    "httpx2",
    "aiohttp",
    "requests",
    "yaml",
)


def test_enabling_cachy_loads_no_http_library_and_nothing_heavy() -> None:
    code = (
        "import sys, cachy\n"
        "cachy.enable_cachy(mode='replay')\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_public_names_are_sorted_and_there() -> None:
    assert sorted(cachy.__all__) == list(cachy.__all__)
    assert all(hasattr(cachy, name) for name in cachy.__all__)


def literals(inner: list[ast.AST]) -> Iterator[str]:
    """Yield the strings of a module but for the docstrings."""
    owners = [owner for owner in inner if isinstance(owner, DOCUMENTED)]
    bodies = [node for owner in owners for node in owner.body]
    documents = {id(node.value) for node in bodies if isinstance(node, ast.Expr)}
    for node in inner:
        match node:
            case ast.Constant(value=str(text)) if id(node) not in documents:
                yield text


DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def literals_by_room() -> dict[str, set[str]]:
    """Return the strings of each room, of each module outside of any, and of the action."""
    found = defaultdict[str, set[str]](set)
    for path, inner in nodes().items():
        found[path.relative_to(PACKAGE).parts[0]].update(literals(inner))
    for path in ACTION.glob("*.py"):
        found["action"].update(literals([*ast.walk(parse(path))]))
    return found


def rooms_with(is_wanted: Callable[[str], bool]) -> set[str]:
    """Return the rooms that hold a string of some kind."""
    return {room for room, texts in literals_by_room().items() if any(map(is_wanted, texts))}


def test_the_shape_of_a_key_is_known_in_one_room() -> None:
    """The action has some of its own, as it imports nothing of cachy."""
    gates = {shape.gate for shape in (*WORDS, *NEWER) if len(shape.gate) > 4}
    assert rooms_with(lambda text: any(gate in text for gate in gates)) == {"action", "redact"}


def test_a_providers_hosts_are_known_in_one_room() -> None:
    hosts = {host for provider in PROVIDERS for host in provider.hosts if ":" not in host}
    assert rooms_with(lambda text: any(host in text for host in hosts)) == {"providers"}


def test_a_providers_variables_are_known_in_one_room() -> None:
    """`cachy init` writes a comment that names one as an example."""
    variables = {
        name
        for provider in PROVIDERS
        for name in (*provider.key_variables, *provider.base_url_variables)
    }
    assert rooms_with(lambda text: any(name in text for name in variables)) == {"cli", "providers"}


def test_the_events_that_end_a_stream_are_known_in_one_room() -> None:
    ends = {end for end in STREAM_ENDS if "." in end or "_" in end}
    assert rooms_with(ends.__contains__) == {"cli", "providers"}  # the demo plays a provider


@pytest.mark.parametrize(("room", "rules"), [("compare", CHANGES), ("verify", FINDINGS)])
def test_the_id_of_a_rule_is_known_in_one_room(room: str, rules: Mapping[str, object]) -> None:
    """An id of one word is a word like any other."""
    ids = {rule for rule in rules if "-" in rule}
    assert rooms_with(ids.__contains__) == {room}


# The folders of a room, and the modules beside them that have a floor: from the lowest up.
SUBROOMS = {
    "redact": ["placeholders", "shapes", "names", "texts", "redact_text", "json_values"],
    "compare": ["catalogue", "envelope", "bodies", "documents", "compare", "compared_files"],
    "drift": ["live", "outcome", "check"],
    "fixture": ["format", "document", "identity", "transcript", "store", "compose"],
    "replay": [
        *("counters", "process", "streams", "coverage", "misses", "journal", "session", "respond"),
        *("clients", "run", "scope"),
    ],
}


@pytest.mark.parametrize("name", SUBROOMS)
def test_the_folders_of_a_room_import_only_downwards(name: str) -> None:
    order = SUBROOMS[name]
    floors = {f"{name}.{part}": floor for floor, part in enumerate(order)}
    wrong = [
        f"{module} imports {target}"
        for module, targets in modules().items()
        for target in _modules_of(targets)
        if floors.get(_subroom(target), -1) > floors.get(_subroom(module), len(order))
    ]
    assert wrong == []
    assert {part for part in order if f"{name}.{part}" in map(_subroom, modules())} == set(order)


def _subroom(name: str) -> str:
    return ".".join(name.split(".")[:2])
