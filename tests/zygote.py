"""Runs of `ciwen` out of one process that has imported everything: each is a fork of it, with its clock set, and saves
the second that imports take.

    with Zygote() as zygote:
        zygote.ciwen("crawl", archive=archive, channel=channel, at="2025-06-04T08:00:00Z")

As in `tests.program`, a run is a process of its own, with its own environment, output and exit code.
"""

import gc
import importlib
import json
import os
import pkgutil
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from fixtures.server import Channel
from tests.program import PACE, ROOT, Ended, arguments_of, environment_of


class Running:
    """A run that goes on."""

    def __init__(self, zygote: "Zygote", pid: int) -> None:
        self.is_over = False
        self._zygote = zygote
        self._pid = pid

    def kill(self) -> None:
        """End it as the system does. Its id is no one else's before it was waited for."""
        os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> Ended:
        """What it leaves behind; the exit code of one that a signal ended is the negative number of that."""
        self.is_over = True
        return self._zygote.ended()


class Zygote:
    """The process to fork from. One run at a time."""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()
        line = [sys.executable, "-m", "tests.zygote"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(line, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process, self._folder:
            self._tell(None)

    def ciwen(self, command: str, *arguments: object, code: int = 0, **how: Any) -> Ended:
        """Run `ciwen COMMAND ARGUMENT…` to its end, and see that it exits with `code` and without a traceback; `how` is
        as in `started`.
        """
        with self.started(command, *arguments, **how) as running:
            found = running.wait()
        assert found.code == code, f"exit {found.code}, not {code}\n{found.out}\n{found.err}"
        assert "Traceback" not in found.err, found.err
        return found

    @contextmanager
    def started(
        self,
        command: str,
        *arguments: object,
        at: str,
        archive: Path | None = None,
        channel: Channel | None = None,
        pace: Sequence[str] = PACE,
    ) -> Iterator[Running]:
        """The same run while it goes on; killed at the end of the block if it still does."""
        self._tell(
            {
                "arguments": arguments_of(command, *arguments, archive=archive, pace=pace),
                "environment": environment_of(channel),
                "at": at,
                "out": self._output("out"),
                "err": self._output("err"),
            }
        )
        running = Running(self, self._answer()["pid"])
        try:
            yield running
        finally:
            if not running.is_over:
                running.kill()
                running.wait()

    def ended(self) -> Ended:
        """How the run ended that goes on."""
        code = self._answer()["code"]
        out, err = (Path(self._output(name)).read_text("utf-8") for name in ("out", "err"))
        return Ended(code, out, err)

    def _output(self, name: str) -> str:
        return str(Path(self._folder.name, name))

    def _tell(self, order: dict[str, Any] | None) -> None:
        assert self._process.stdin
        print(json.dumps(order), file=self._process.stdin, flush=True)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


# In the process itself


def _serve() -> None:
    _import_everything()
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        if order is None:
            return
        pid = os.fork()
        if pid == 0:
            _run(order)
        print(json.dumps({"pid": pid}), flush=True)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status)}), flush=True)


def _import_everything() -> None:
    """All but the reactor, which belongs to one run alone."""
    from scrapy.settings import Settings
    from scrapy.utils.misc import load_object

    import ciwen_crawler
    import pipelines

    for package in (ciwen_crawler, pipelines):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    for value in Settings().values():
        names = value if hasattr(value, "keys") else [value]
        for name in names:
            if isinstance(name, str) and name.startswith("scrapy."):
                load_object(name)
    assert "twisted.internet.reactor" not in sys.modules


def _run(order: dict[str, Any]) -> NoReturn:
    from ciwen_crawler import cli
    from tests.at import set_clock

    code = 1
    try:
        for number, path in enumerate((os.devnull, order["out"], order["err"])):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(path, flags), number)
        os.environ.clear()
        os.environ.update(order["environment"])
        random.seed()  # else all runs would draw the same
        sys.argv = ["ciwen", *order["arguments"]]
        set_clock(order["at"])
        cli.main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:  # noqa: BLE001 - as Python's own end would tell it
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
