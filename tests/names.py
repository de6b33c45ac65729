"""`ciwen` where names lead elsewhere: `python -m tests.names intranet.example.cn=127.0.0.1 crawl …`."""

import socket
import sys

from ciwen_crawler import cli


def lead(name: str, address: str) -> None:
    """Let this process find a name at an address."""
    by_name = socket.gethostbyname

    def gethostbyname(host: str) -> str:
        return address if host == name else by_name(host)

    socket.gethostbyname = gethostbyname


if __name__ == "__main__":
    lead(*sys.argv.pop(1).split("="))
    cli.main()
