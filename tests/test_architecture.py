"""The core stands on its own: imports run one way, Scrapy stays in the shell, nothing is claimed that is not ours."""

import ast
import importlib.metadata
import importlib.util
import json
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.program import ROOT

PACKAGE = "ciwen_crawler"
# What may import Scrapy: modules and packages of `ciwen_crawler`, and `pipelines`.
SHELL = {"archiving", "commands", "crawling", "middlewares", "pipelines", "settings", "spiders", "turns", "wire"}
# Scrapy loads these by the names that `settings.py` gives; those who start a crawl put them together.
LOADED_BY_NAME = {"middlewares", "pipelines", "settings", "spiders", "turns", "wire"}
# Each knows those before it, and none beside or behind it.
ORDER = [
    {"errors"},
    {"capture", "items", "text", "dates", "charset"},
    {"pages", "warc"},
    {"health"},
    {"store"},
    {"due", "exports", "telling", "verify"},
    SHELL | {"cli"},
]
SCRAPY = ("scrapy", "twisted")


@cache
def sources() -> dict[str, Path]:
    """Every module of ours, by its name."""
    paths = [*(ROOT / PACKAGE).rglob("*.py"), *(ROOT / "pipelines").rglob("*.py")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def unit(module: str) -> str:
    """What a module is part of: a module or package of `ciwen_crawler`, or `pipelines`."""
    return module.removeprefix(PACKAGE + ".").split(".")[0]


@cache
def imports(module: str) -> frozenset[str]:
    """Every module that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(sources()[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by a relative name"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(found)


@cache
def known() -> dict[str, frozenset[str]]:
    """The units that each unit imports."""
    graph: dict[str, set[str]] = {unit(module): set() for module in sources()}
    for module in sources():
        ours = {unit(name) for name in imports(module) if name.startswith((PACKAGE + ".", "pipelines."))}
        graph[unit(module)] |= ours.intersection(graph) - {unit(module)}
    return {name: frozenset(others) for name, others in graph.items()}


def reached(name: str) -> set[str]:
    """All that a unit imports, and what that imports."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = known()[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_what_is_looked_at_is_there() -> None:
    assert len(sources()) > 50
    assert "errors" in known()["store"]
    assert set().union(*ORDER) <= known().keys()


def test_imports_run_one_way() -> None:
    for place, level in enumerate(ORDER):
        not_before = set().union(*ORDER[place:])
        for name in level - SHELL - {"cli"}:
            assert reached(name) & not_before == set(), name


def test_nothing_is_imported_in_a_circle() -> None:
    assert list(TopologicalSorter(known()).static_order())


def test_what_scrapy_loads_by_name_knows_nothing_of_the_rest_of_the_shell() -> None:
    for name in LOADED_BY_NAME:
        assert known()[name] & SHELL == set(), name


@pytest.mark.parametrize("module", sorted(sources()))
def test_only_the_shell_imports_scrapy(module: str) -> None:
    if unit(module) not in SHELL:
        assert not any(name.split(".")[0] in SCRAPY for name in imports(module))


def test_the_core_loads_without_scrapy() -> None:
    """Nor does the command line load it before it knows that there is something to crawl."""
    core = sorted(module for module in sources() if unit(module) not in SHELL)
    program = (
        "import importlib, json, sys\n"
        "for module in json.load(sys.stdin):\n"
        "    importlib.import_module(module)\n"
        f"    loaded = [name for name in {SCRAPY} if name in sys.modules]\n"
        "    assert not loaded, f'{module} loads {loaded}'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(core), cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert f"{PACKAGE}.cli" in core
    assert f"{PACKAGE}.store.store" in core


# Names

FOUNDATION = """
scrapy.cfg pyproject.toml Makefile README.md README.zh-CN.md CONTRIBUTING.md CHANGELOG.md LICENSE .ci/run
ciwen_crawler/__init__.py ciwen_crawler/settings.py ciwen_crawler/channels.toml ciwen_crawler/channels.py
ciwen_crawler/errors.py ciwen_crawler/capture.py ciwen_crawler/items.py ciwen_crawler/text.py ciwen_crawler/dates.py
ciwen_crawler/charset.py ciwen_crawler/wire.py ciwen_crawler/middlewares/robots.py ciwen_crawler/cli.py
ciwen_crawler/pages/__init__.py ciwen_crawler/pages/article.py ciwen_crawler/pages/enp.py
ciwen_crawler/pages/listing.py ciwen_crawler/pages/captions.py
ciwen_crawler/warc/writer.py ciwen_crawler/warc/reader.py ciwen_crawler/warc/recovery.py
ciwen_crawler/store/schema.py ciwen_crawler/store/articles.py ciwen_crawler/store/queries.py
ciwen_crawler/spiders/channel.py ciwen_crawler/spiders/replay.py
pipelines/validate.py pipelines/deduplicate.py pipelines/store.py
fixtures/server.py fixtures/html/README.md archive/README.md bench/README.md
""".split()


@pytest.mark.parametrize("name", FOUNDATION)
def test_files_that_people_look_for_are_there(name: str) -> None:
    assert (ROOT / name).is_file()


@pytest.mark.parametrize("module", sorted(sources()))
def test_every_module_says_what_it_is(module: str) -> None:
    path = sources()[module]
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    vague = {"util", "utils", "helper", "helpers", "common", "misc", "base_utils", "tools", "lib"}
    assert not vague & set(module.split("."))


def test_pipelines_are_ours_alone() -> None:
    owners = set(importlib.metadata.packages_distributions().get("pipelines", ()))
    assert owners <= {"ciwen"}
    found = importlib.util.find_spec("pipelines")
    assert found
    assert found.origin == str(ROOT / "pipelines" / "__init__.py")


def test_a_wheel_is_told_to_hold_the_package_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"] == {"wheel": {"packages": [PACKAGE]}}
    assert "Private :: Do Not Upload" in project["project"]["classifiers"]


def test_a_wheel_holds_the_package_alone(tmp_path: Path) -> None:
    wheel = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed")
    (built,) = wheel.WheelBuilder(str(ROOT)).build(directory=str(tmp_path))
    names = zipfile.ZipFile(built).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {PACKAGE}
    assert {f"{PACKAGE}/{name}" for name in ("channels.toml", "report.schema.json", "telling/status.html")} <= set(
        names
    )
    modules = {str(path.relative_to(ROOT)) for path in sources().values() if path.is_relative_to(ROOT / PACKAGE)}
    assert modules <= set(names)
