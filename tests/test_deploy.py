"""The files in `deploy/`: their programs take what is given to them, and systemd and logrotate accept them."""

import getpass
import grp
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.program import ROOT, ciwen

DEPLOY = ROOT / "deploy"
HOME = "/srv/ciwen"
UNITS = ("ciwen.service", "ciwen.timer", "ciwen-alarm@.service")
_PATH = f"{os.environ['PATH']}:/usr/sbin"


def read(name: str) -> str:
    """A file of `deploy/`."""
    return (DEPLOY / name).read_text(encoding="utf-8")


def command_of(text: str) -> list[str]:
    """The words that the first `ciwen` command of a text is followed by."""
    line = next(line for line in text.splitlines() if ".venv/bin/ciwen " in line and not line.startswith("#"))
    return shlex.split(line.partition(".venv/bin/ciwen ")[2])


def as_installed(folder: Path) -> list[Path]:
    """The units, as if this checkout were where they look for one."""
    for name in UNITS:
        (folder / name).write_text(read(name).replace(HOME, str(ROOT)), encoding="utf-8")
    return [folder / name for name in UNITS]


def judged(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """What a system's own program says; the test is skipped where there is none."""
    found = shutil.which(program, path=_PATH)
    if not found:
        pytest.skip(f"{program} is missing: apt-get install it to hear this judge")
    line = [found, *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C"})


@pytest.mark.parametrize("name", ["ciwen.service", "crontab"])
def test_command_takes_the_options_that_it_is_given(name: str) -> None:
    words = command_of(read(name))
    assert words[:2] == ["crawl", "--quiet"]
    assert ciwen(*words, "--help", pace=()).out.strip().startswith("Usage: ciwen crawl")


def test_command_of_the_log_takes_its_options() -> None:
    words = shlex.split(re.search(r"`ciwen (.*?) 2>>", read("logrotate"))[1])  # type: ignore[index]
    assert words == ["crawl", "-v", "--log-format", "json"]
    assert ciwen(*words, "--help", pace=()).out.strip().startswith("Usage: ciwen crawl")


def test_crontab_has_a_line_that_cron_understands() -> None:
    lines = [line for line in read("crontab").splitlines() if line and not line.startswith("#")]
    assert [line.partition("=")[0] for line in lines[:-1]] == ["MAILTO", "CIWEN_ARCHIVE"]
    minute, hour, *days, user, command = lines[-1].split(maxsplit=6)
    assert (0 <= int(minute) < 60, hour, days, user) == (True, "*", ["*", "*", "*"], "ciwen")
    assert "%" not in command  # which ends a command there


def test_an_orderly_end_is_no_failure() -> None:
    service = read("ciwen.service")
    assert "\nType=oneshot\n" in service
    assert "\nSuccessExitStatus=130\n" in service
    assert "\nOnFailure=ciwen-alarm@%n.service\n" in service
    # cffi's callbacks, by which pyOpenSSL speaks https, are refused by it.
    assert "\nMemoryDenyWriteExecute=" not in service


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    ended = judged("systemd-analyze", "verify", *as_installed(tmp_path))
    assert (ended.returncode, ended.stderr) == (0, "")


def test_systemd_finds_the_service_well_shut(tmp_path: Path) -> None:
    ended = judged("systemd-analyze", "security", "--offline=true", "--threshold=20", as_installed(tmp_path)[0])
    assert ended.returncode == 0, ended.stdout
    assert re.search(r"Overall exposure level for ciwen.service: [01]\.\d OK", ended.stdout)


def test_systemd_understands_the_hour(tmp_path: Path) -> None:
    calendar = re.search(r"^OnCalendar=(.*)$", read("ciwen.timer"), re.MULTILINE)
    assert calendar
    ended = judged("systemd-analyze", "calendar", calendar[1])
    assert "Normalized form: *-*-* *:00:00" in ended.stdout


def test_logrotate_accepts_its_rule(tmp_path: Path) -> None:
    log = tmp_path / "crawl.log"
    log.write_text("{}\n" * 1000, encoding="utf-8")
    user, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
    rule = read("logrotate").replace("/var/log/ciwen", str(tmp_path)).replace("ciwen ciwen", f"{user} {group}")
    (tmp_path / "rule").write_text(rule, encoding="utf-8")
    (tmp_path / "rule").chmod(0o644)
    ended = judged("logrotate", "--force", "--state", tmp_path / "state", tmp_path / "rule")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert (log.read_text(encoding="utf-8"), len(list(tmp_path.glob("crawl.log.*")))) == ("", 1)


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_readers_are_told_of_every_file(name: str) -> None:
    told = read(name)
    assert all(
        f"`{path.name}`" in told or f"deploy/{path.name}" in told for path in DEPLOY.iterdir() if path.suffix != ".md"
    )
    command = re.search(r"^ciwen (status .*)$", told, re.MULTILINE)
    assert command
    assert ciwen(*shlex.split(command[1]), "--help").out.strip().startswith("Usage: ciwen status")
