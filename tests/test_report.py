"""Reports of runs: each key is described, and every run's report is as described."""

import dataclasses
import importlib.util
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from ciwen_crawler.health.sample import Sample
from ciwen_crawler.tally import Tally
from fixtures.markup import Article, channel_pages
from fixtures.server import Channel
from tests.chronicle import Chronicle
from tests.database import select
from tests.program import ROOT, ciwen, started

SCHEMA = json.loads((ROOT / "ciwen_crawler" / "report.schema.json").read_text(encoding="utf-8"))
ARTICLES = [Article(number, f"第{number}篇") for number in range(43000001, 43000007)]


def reports(archive: Path) -> list[dict[str, Any]]:
    """What lies in `runs/`, each of which is as described; oldest first."""
    found = [json.loads(path.read_bytes()) for path in sorted((archive / "runs").glob("*.json"))]
    for each in found:
        Draft202012Validator(SCHEMA).validate(each)
    return found


def described(schema: dict[str, Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key that the schema has, and what it says of it."""
    for key, each in schema.get("properties", {}).items():
        yield f"{where}.{key}", each
        yield from described(each, f"{where}.{key}")
        yield from described(each.get("items", {}), f"{where}.{key}")


def test_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_every_key_says_what_it_means() -> None:
    keys = dict(described(SCHEMA, ""))
    keys |= {key: each for name, schema in SCHEMA["$defs"].items() for key, each in described(schema, name)}
    assert len(keys) > 100
    assert not [key for key, each in keys.items() if not each.get("description") and "$ref" not in each]
    assert all(each["description"] for each in SCHEMA["$defs"].values())


def test_nothing_is_told_that_is_not_described() -> None:
    objects = [SCHEMA, *SCHEMA["$defs"].values()]
    assert all(each["additionalProperties"] is False for each in objects if "properties" in each)
    assert set(SCHEMA["$defs"]["stats"]["properties"]) == {*Tally.__slots__, "samples"}
    assert set(SCHEMA["$defs"]["look"]["properties"]) == {each.name for each in dataclasses.fields(Sample)}


def test_page_for_readers_is_made_of_the_schema() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec
    assert spec.loader
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    page = generate.PAGE.read_text(encoding="utf-8")
    assert page == generate.report_page(), "`python docs/generate.py` writes it again"
    assert all(f"| `stats.{name}` |" in page for name in SCHEMA["$defs"]["stats"]["properties"])


def test_reports_of_a_channel_that_changes(chronicle: Chronicle) -> None:
    told = reports(chronicle.archive)
    assert {each["outcome"] for each in told} == {"done"}
    rows = select(chronicle.archive, "SELECT id, stats FROM crawls ORDER BY id")
    assert [(row["id"], json.loads(row["stats"])) for row in rows] == [(each["id"], each["stats"]) for each in told]
    assert {"walks", "samples", "quarantines", "incomplete", "revisits"} <= {
        key for each in told for key in each["stats"]
    }
    assert any("attempts" in failure for each in told for failure in each["stats"].get("failures", ()))


def test_report_of_a_run_that_got_nothing(tmp_path: Path) -> None:
    ended = ciwen("crawl", archive=tmp_path, code=3)
    (told,) = reports(tmp_path)
    assert (told["outcome"], told["exit_code"]) == ("unhealthy", 3)
    assert [f"ciwen: {line}" for line in told["lines"]] == ended.err.splitlines()
    assert [finding["line"] for finding in told["health"]] == told["lines"]


def test_report_of_a_run_that_was_interrupted(tmp_path: Path) -> None:
    with (
        Channel(channel_pages(ARTICLES)) as channel,
        channel.hold(ARTICLES[0].url) as hold,
        started("crawl", archive=tmp_path, channel=channel) as run,
    ):
        hold.arrived()
        run.send_signal(signal.SIGTERM)
        hold.release()
        run.communicate()
    (told,) = reports(tmp_path)
    assert (told["outcome"], told["exit_code"], len(told["lines"])) == ("interrupted", 130, 1)


def test_reports_of_replays(tmp_path: Path, chronicle: Chronicle) -> None:
    saved = next((chronicle.archive / "warc").glob("*.warc.gz"))
    ciwen("replay", saved, archive=tmp_path)
    (tmp_path / "cut.warc.gz").write_bytes(saved.read_bytes()[:-20])
    ciwen("replay", tmp_path / "cut.warc.gz", archive=tmp_path, code=2)
    done, unreadable = reports(tmp_path)
    assert (done["mode"], done["outcome"], done["channel"], done["health"]) == ("replay", "done", None, [])
    assert (unreadable["outcome"], unreadable["exit_code"]) == ("input unreadable", 2)
    assert "cut.warc.gz" in unreadable["lines"][0]
