"""Everything a user can be told, each with the exit code of the command line.

The message is one line that names the thing and the way out; the command line prints it to standard
error as it is. A fault in the program itself stays an ordinary exception and ends in exit code 1.
"""


class CiwenError(Exception):
    """The root; never raised itself."""

    exit_code = 1


class WorkerLost(CiwenError):
    """A process that did a part of the work was killed, by the system where memory ran out."""


class UsageError(CiwenError):
    """The request cannot be met as it was put: unknown channel, no such article, no archive."""

    exit_code = 2


class UnreadableInput(CiwenError):
    """A source given by the user cannot be read as what it claims to be."""

    exit_code = 2


class SchemaMismatch(CiwenError):
    """The database is of another schema, or no database at all."""

    exit_code = 2


class Unhealthy(CiwenError):
    """The crawl ran and what it got was kept, but the result is not what a healthy channel yields."""

    exit_code = 3


class ArchiveLocked(CiwenError):
    """Another process is writing the archive."""

    exit_code = 4


class Interrupted(CiwenError):
    """A signal ended the run. What was committed stays, and the next run goes on."""

    exit_code = 130


class CannotWrite(CiwenError):
    """The archive cannot be written: disk full, no permission. What was committed stays."""

    exit_code = 6
