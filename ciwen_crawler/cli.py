"""The command line: a table of commands, each a few lines over the core."""

import json
import os
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from ciwen_crawler import __version__, channels, ending, usage
from ciwen_crawler.errors import CannotWrite, CiwenError, UsageError
from ciwen_crawler.legible import legible
from ciwen_crawler.lock import Lock, held_still
from ciwen_crawler.log import FORMAT, LogFormat, speak_as_asked
from ciwen_crawler.notice import notify
from ciwen_crawler.overrides import archive_of, parsed
from ciwen_crawler.warc.files import WARC, exists, must_hold_warcs

app = typer.Typer(
    help="Archives the news channel 瓷闻天下: every byte in WARC files, every article in SQLite.",
    cls=usage.Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _folder(text: str | Path) -> Path:
    """What a variable that is not set leaves of `--archive "$FOLDER"` would mean the folder that one stands in."""
    if text == "":
        raise UsageError("--archive is empty: it must name a folder")
    return Path(text)


Archive = Annotated[
    Path,
    typer.Option(parser=_folder, envvar="CIWEN_ARCHIVE", help="The archive's folder.", metavar="DIR"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing where the exit is 0.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print Scrapy's log.")]
LogForm = Annotated[
    LogFormat,
    typer.Option(
        FORMAT,
        metavar="FORM",
        help="What standard error is told: text, or json, an object a line.",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("-s", "--set", metavar="NAME=VALUE", help="A Scrapy setting; wins over everything. Repeatable."),
]
_DEFAULT = Path("archive")


@app.command(epilog=usage.EXITS)
def crawl(
    channel: Annotated[str, typer.Argument(help=f"A channel; your own stand in {channels.own_file()}.")] = "ciwen",
    archive: Archive = _DEFAULT,
    start: Annotated[
        list[str] | None, typer.Option(help="Begin at this page, not at the channel's. Repeatable.", metavar="URL")
    ] = None,
    max_articles: Annotated[int | None, typer.Option(min=1, metavar="N", help="Ask for N articles at most.")] = None,
    max_requests: Annotated[
        str | None, typer.Option(metavar="N", help="End after N requests, redirects and robots.txt included.")
    ] = None,
    max_time: Annotated[str | None, typer.Option(metavar="TIME", help="End after so long: 90s, 30m, 2h.")] = None,
    max_bytes: Annotated[
        str | None, typer.Option(metavar="SIZE", help="End once so much was received: 500MB, 2GB.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Walk every list page, look at every article, due for it or not.")
    ] = False,
    images: Annotated[bool, typer.Option("--images/--no-images", help="Archive the images of articles.")] = True,
    assets: Annotated[
        bool, typer.Option("--assets/--no-assets", help="Archive stylesheets, scripts and what else pages show.")
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Fetch lists, say what would be fetched, write nothing.")
    ] = False,
    set_: Set = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_format: LogForm = LogFormat.TEXT,
    as_json: Json = False,
) -> None:
    """Crawl a channel into the archive."""
    known = channels.channel(channel)
    starts = [channels.start_url(url) for url in start or ()]
    overrides = parsed(set_ or ())
    with nullcontext() if dry_run else Lock(archive_of(overrides, archive)) as lock:
        from ciwen_crawler.crawling import run  # Scrapy takes a second to import, and who waits for the lock has none
        from ciwen_crawler.spiders.channel import ChannelSpider

        ended = run(
            ChannelSpider,
            archive,
            overrides,
            lock=lock,
            quiet=quiet or as_json,
            verbose=verbose and not quiet,
            log_format=log_format,
            channel=channel,
            start=starts,
            max_articles=max_articles,
            max_requests=max_requests,
            max_time=max_time,
            max_bytes=max_bytes,
            full=full,
            images=images,
            assets=assets,
            dry_run=dry_run,
        )
    from ciwen_crawler.telling.run import crawled, would_fetch

    if dry_run:
        _print(would_fetch(ended.spider.would_fetch), ended.spider.would_fetch, as_json, quiet)  # type: ignore[attr-defined]
    else:
        _print(crawled(known.name, ended.archive, ended.tally, ended.result), ended.result.facts, as_json, quiet)
    _leave(ended.result.exit_code, ended.result.lines)


@app.command(epilog=usage.EXITS)
def replay(
    sources: Annotated[
        list[str], typer.Argument(help=".warc, .warc.gz, .wacz, .html, folders of them.", metavar="SOURCE…")
    ],
    archive: Archive = _DEFAULT,
    set_: Set = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_format: LogForm = LogFormat.TEXT,
    as_json: Json = False,
) -> None:
    """Archive pages that are saved already, without a network."""
    overrides = parsed(set_ or ())
    with Lock(archive_of(overrides, archive)) as lock:
        from ciwen_crawler.crawling import run
        from ciwen_crawler.spiders.replay import ReplaySpider

        ended = run(
            ReplaySpider,
            archive,
            overrides,
            lock=lock,
            quiet=quiet or as_json,
            verbose=verbose and not quiet,
            log_format=log_format,
            sources=sources,
        )
    from ciwen_crawler.telling.run import replayed

    _print(replayed(ended.archive, ended.tally, ended.result), ended.result.facts, as_json, quiet)
    _leave(ended.result.exit_code, ended.result.lines)


@app.command()
def rebuild(
    archive: Archive = _DEFAULT,
    jobs: Annotated[int, typer.Option(min=1, metavar="N", help="Processes that read.")] = os.cpu_count() or 1,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Make the database again from warc/ alone."""
    must_hold_warcs(archive)
    with Lock(archive):
        from ciwen_crawler.store import queries, upkeep
        from ciwen_crawler.store.state import state
        from ciwen_crawler.telling.state import counts
        from ciwen_crawler.warc.recovery import recover

        recover(archive / WARC)
        upkeep.rebuild(archive, jobs)
    facts = state(queries.opened(archive), archive)
    _print(counts(facts), facts, as_json, quiet)


@app.command()
def verify(
    archive: Archive = _DEFAULT,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only what was fetched since: 2025-06-04, or with a time.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, metavar="N", help="Processes that read.")] = os.cpu_count() or 1,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Prove the archive: every byte of its WARC files, every row against its record."""
    with held_still(archive) if exists(archive) else nullcontext():  # who is refused need not wait for the imports
        from ciwen_crawler import period
        from ciwen_crawler.progress import Progress
        from ciwen_crawler.verify import verification
        from ciwen_crawler.verify.proof import as_text

    moment = period.parse_since(since) if since else None
    proof = verification.verify(archive, moment, jobs, Progress(quiet=quiet or as_json))
    _print(as_text(proof), proof.facts, as_json, quiet=quiet and not proof.findings)
    if proof.findings:
        sys.exit(proof.exit_code)


@app.command()
def status(
    archive: Archive = _DEFAULT,
    html: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write it as one page of HTML, there when it is whole.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What is archived, how the last runs went, what is missing."""
    from rich.console import Console

    from ciwen_crawler.exports.output import opened
    from ciwen_crawler.store import queries
    from ciwen_crawler.store.state import state
    from ciwen_crawler.telling.state import pictured

    facts = state(queries.opened(archive), archive)
    if html is not None:
        from ciwen_crawler.telling.page import page  # Jinja takes a while to import

        with opened(html, is_text=True) as output:
            output.write(page(facts).encode())
        return
    _print("" if as_json else pictured(facts, Console(highlight=False)), facts, as_json, commands=True)


@app.command()
def show(
    article: Annotated[str, typer.Argument(help="By URL, id or the id's number: 43135627.")],
    archive: Archive = _DEFAULT,
    version: Annotated[int | None, typer.Option(min=1, metavar="N", help="The version; else the newest.")] = None,
    html: Annotated[bool, typer.Option("--html", help="Print the clean HTML of the body.")] = False,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Print which rule gave each field, and where its records lie.")
    ] = False,
    as_json: Json = False,
) -> None:
    """One article."""
    from ciwen_crawler.store import queries
    from ciwen_crawler.telling.article import as_evidence, as_text

    facts = queries.article(queries.opened(archive), article, version)
    text = facts["body_html"] or "" if html else as_evidence(facts) if evidence else as_text(facts)
    _print(text, facts, as_json)


@app.command()
def history(
    article: Annotated[str, typer.Argument(help="By URL, id or the id's number: 43135627.")],
    archive: Archive = _DEFAULT,
    as_json: Json = False,
) -> None:
    """An article's versions, when it was not there, what became of its images."""
    from ciwen_crawler.store import queries
    from ciwen_crawler.store.history import history as history_of
    from ciwen_crawler.telling.history import as_table, as_text
    from ciwen_crawler.terminal import is_terminal

    facts = history_of(queries.opened(archive), article)
    _print(as_table(facts) if is_terminal() else as_text(facts), facts, as_json, commands=True)


@app.command()
def diff(
    article: Annotated[str, typer.Argument(help="By URL, id or the id's number: 43135627.")],
    first: Annotated[int | None, typer.Argument(metavar="A", help="A version; else the last but one.")] = None,
    second: Annotated[int | None, typer.Argument(metavar="B", help="Another; else the newest.")] = None,
    archive: Archive = _DEFAULT,
    as_json: Json = False,
) -> None:
    """What changed between two versions of an article, by words."""
    from ciwen_crawler.store import queries
    from ciwen_crawler.store.history import revision
    from ciwen_crawler.telling.revision import as_colours, as_text
    from ciwen_crawler.terminal import has_colours

    facts = revision(queries.opened(archive), article, first, second)
    _print(as_colours(facts) if has_colours() else as_text(facts), facts, as_json, commands=True)


class Format(StrEnum):
    """What an archive can be exported as."""

    CDXJ = "cdxj"
    WACZ = "wacz"


@app.command()
def export(
    format_: Annotated[
        Format,
        typer.Argument(
            metavar="FORMAT", help="cdxj: an index, as pywb reads it. wacz: all in one file, for ReplayWeb.page."
        ),
    ],
    archive: Archive = _DEFAULT,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="Else standard output; there when it is whole.")
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="What was fetched on this day or later.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="What was fetched on this day or before.")] = None,
    quiet: Quiet = False,
) -> None:
    """Write the archive in a form that other programs read."""
    from ciwen_crawler.exports import cdxj, wacz
    from ciwen_crawler.period import period
    from ciwen_crawler.store import queries
    from ciwen_crawler.telling.export import exported

    write = {Format.CDXJ: cdxj.write, Format.WACZ: wacz.write}[format_]
    written = write(queries.opened(archive), archive, output, period(since, until))
    if written and output not in (None, "-") and not quiet:
        notify(exported(output, *written))


def _version(wanted: bool) -> None:
    if wanted:
        print(f"ciwen {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    del version  # its callback has done what there is to do


def _print(text: str, facts: Any, as_json: bool, quiet: bool = False, commands: bool = False) -> None:
    """`commands`: the text holds a terminal's, and no other than our own."""
    if quiet:
        return
    try:
        if as_json:
            print(legible(json.dumps(facts, ensure_ascii=False, indent=1)), flush=True)
        else:
            print(text if commands else legible(text), flush=True)
    except BrokenPipeError:
        # `| head` has read enough. What is left must not be flushed into the pipe at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise CannotWrite(f"cannot write to standard output: {error.strerror}") from error


def _leave(code: int, lines: Iterable[str]) -> None:
    for line in lines:
        notify(line)
    if code:
        sys.exit(code)


def main() -> NoReturn:
    """The console script."""
    ending.answer_signals()
    usage.reword(app)
    speak_as_asked(sys.argv)
    if isinstance(sys.stdout, TextIOWrapper):  # a service may have none
        # A terminal that speaks GBK knows no Turkish letters.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.exit(ending.orderly(_exit_code))
    finally:
        ending.ignore_signals()


def _exit_code() -> int:
    try:
        # Typer makes a code of a KeyboardInterrupt; commands leave by sys.exit.
        interrupted = app(standalone_mode=False)
    except CiwenError as error:
        notify(str(error))
        return error.exit_code
    except typer.TyperException as error:
        notify(_misused(error))
        return UsageError.exit_code
    if interrupted:
        notify(ending.TOLD)
    return int(interrupted or 0)


def _misused(error: typer.TyperException) -> str:
    """What is wrong with a command line, and where the right use is told."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "ciwen"
    return f"{error.format_message().rstrip('.') or 'no command given'}: `{command} --help` tells how"
