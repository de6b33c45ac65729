"""The bytes that the download handler keeps, against the log of the server that sent and read them."""

import dataclasses
import gzip
import re
import signal
import socket
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from fastwarc.warc import ArchiveIterator

from ciwen_crawler import clock
from ciwen_crawler.exchange import BY_DISCONNECT, BY_LENGTH, BY_TIME, Exchange
from tests.odd_messages import OddMessages
from tests.odd_server import CLOSE, RESET, WAIT, Answer, Logged, OddServer
from tests.wire_crawl import REFUSED, Fetch, Job, Outcome, begin, run

SEED = 20250604
FEWEST = 300
PAGE = "<html>伊兹尼克 · İznik</html>".encode()
ZIPPED = gzip.compress(PAGE)
# Seconds; all that a server sends before it falls silent must arrive in them, on a busy machine too.
TIMED = {"download_timeout": 1.5, "dont_retry": True}
ONCE = {"dont_retry": True}
MEGABYTE = 1024 * 1024
LARGE = ["/0/3", "/1/6", "/2/9", "/3/12"]  # one in each way to the server


# --- Every exchange of a generated crawl, byte for byte out of the WARC files ---------------------------------------


class Bytes(NamedTuple):
    """What went over the wire for one request."""

    request: bytes
    interim: tuple[bytes, ...]
    response: bytes


KINDS = "whole " * 24 + "empty " * 3 + "redirect " * 3 + "retry " * 5 + "cut " * 6 + "wait"


def generated(messages: OddMessages, server: OddServer, answers: dict[str, list[Answer]]) -> list[list[Fetch]]:
    """Chains of fetches in every way to a server, and what it answers to each."""
    ways = [
        (server.origin, {}),
        (server.tls_origin, {}),
        ("http://odd.example", {"proxy": server.origin}),
        ("https://odd.example", {"proxy": server.origin}),
    ]
    return [
        [_generated(messages, f"/{chain}/{place}", *ways[chain % 4], answers) for place in range(15)]
        for chain in range(20)
    ]


def _generated(
    messages: OddMessages,
    path: str,
    origin: str,
    meta: dict[str, object],
    answers: dict[str, list[Answer]],
) -> Fetch:
    method = messages.random.choice(["GET"] * 6 + ["HEAD", "POST"])
    body = messages.random.randbytes(messages.random.choice([0, 10, 100_000])) if method == "POST" else b""
    kind = messages.random.choice(KINDS.split())

    def whole(status: int | None = None, *fields: bytes) -> Answer:
        return messages.answer(messages.message(status, method, *fields))

    def cut() -> Answer:
        return messages.cut(messages.message(200, method))

    if path in LARGE:
        given = [messages.answer(messages.message(200, "GET", large=True))]
        method, body = "GET", b""
    elif kind == "empty":
        given = [whole(messages.random.choice([204, 304]))]
    elif kind == "redirect":
        given = [whole(messages.random.choice([301, 302, 303, 307, 308]), b"Location: " + path.encode() + b"/moved")]
        # A POST may go on as a GET, which is answered alike.
        answers[path + "/moved"] = [whole()]
    elif kind == "retry":
        given = [whole(status) for status in (503, 500)][messages.random.choice([0, 1]) :] + [whole()]
    elif kind == "cut":
        # Where nothing came on a kept connection, Twisted asks once more by itself.
        given = [cut(), whole(), whole()]
    elif kind == "wait":
        given = [dataclasses.replace(cut(), then=WAIT)]
        meta = {**meta, **TIMED}
    else:
        given = [whole()]
    answers[path] = given
    return Fetch(origin + path, method, body, meta)


def sent(server: OddServer) -> dict[str, list[Bytes]]:
    """What the server's log has for each path."""
    found = defaultdict(list)
    for entry in server.log:
        found[entry.path].append(Bytes(entry.request, entry.interim, entry.response))
    return found


def kept(folder: Path) -> dict[str, list[Bytes]]:
    """What the WARC files have for each path: records as they stand, joined by WARC-Concurrent-To."""
    requests: dict[str, tuple[str, bytes]] = {}
    interims, responses = defaultdict(list), {}
    for path in sorted((folder / "warc").glob("*.warc.gz")):
        with path.open("rb") as file:
            for record in ArchiveIterator(file, parse_http=False):
                kind, block = record.headers["WARC-Type"], record.reader.read()
                concurrent = record.headers.get("WARC-Concurrent-To")
                if kind == "request":
                    requests[record.headers["WARC-Record-ID"]] = (record.headers["WARC-Target-URI"], block)
                elif kind == "response":
                    responses[concurrent] = block
                elif concurrent:
                    interims[concurrent].append(block)
    assert {*interims, *responses} <= {*requests}
    found = defaultdict(list)
    for record_id, (url, block) in requests.items():
        path = re.sub(r"^https?://[^/]+", "", url)
        found[path].append(Bytes(block, tuple(interims[record_id]), responses.get(record_id, b"")))
    return found


class Generated(NamedTuple):
    """A generated crawl that is over."""

    server: OddServer
    archive: Path
    outcomes: list[Outcome]


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    folder = tmp_path_factory.mktemp("generated")
    answers: dict[str, list[Answer]] = {}
    with OddServer(answers, folder) as server:
        chains = generated(OddMessages(SEED), server, answers)
        outcomes, _ = run(Job(chains, folder / "archive"), folder)
    return Generated(server, folder / "archive", outcomes)


def test_every_exchange_is_in_the_warc_files_byte_for_byte(crawled: Generated) -> None:
    expected, found = sent(crawled.server), kept(crawled.archive)
    assert found.keys() == expected.keys()
    differing = [path for path in expected if found[path] != expected[path]]
    assert differing == []
    assert sum(map(len, found.values())) >= FEWEST


def test_the_generated_crawl_has_every_oddity(crawled: Generated) -> None:
    log = crawled.server.log
    heads = [entry.response.partition(b"\r\n\r\n")[0].lower() for entry in log]
    assert {len(entry.interim) for entry in log} == {0, 1, 2, 3}
    assert any(len(entry.response) > 5_000_000 for entry in log)
    assert any(entry.extra for entry in log)
    assert any(entry.response == b"" for entry in log)
    for oddity in b"HTTP/1.0 ", b"HTTP/1.1 204", b"HTTP/1.1 304", b"HTTP/1.1 30[12378]", b"HTTP/1.1 50[03]":
        assert any(re.match(oddity, entry.response) for entry in log), oddity
    for oddity in b"chunked", b"gzip", "瓷闻天下".encode("gbk"), b"set-cookie", b"without colon":
        assert any(oddity in head for head in heads), oddity
    for oddity in rb"\r\n0[^\r]*\r\nX-", rb"\r\n0*[0-9a-fA-F]+[ ;]":
        assert any(re.search(oddity, entry.response[-3000:], re.IGNORECASE) for entry in log), oddity
    assert {entry.request.split(b" ")[0] for entry in log} == {b"GET", b"HEAD", b"POST"}
    assert any(entry.request.startswith(b"GET http://odd.example/") for entry in log)
    assert len(log) - crawled.server.connections > 100, "connections were kept alive"


def test_the_generated_crawl_ends_every_fetch(crawled: Generated) -> None:
    assert len(crawled.outcomes) == 300
    assert {outcome.error for outcome in crawled.outcomes} == {"", "DownloadTimeoutError"}
    whole = [outcome for outcome in crawled.outcomes if not outcome.error]
    assert len(whole) > 280
    assert all(outcome.capture and outcome.body == outcome.capture.body for outcome in whole)


# --- Each case by itself -------------------------------------------------------------------------------------------


def page(*lines: bytes, body: bytes = PAGE, first: bytes = b"HTTP/1.1 200 OK", ends: bool = True) -> bytes:
    """A response; with its length unless it is not to say where it ends."""
    length = (b"Content-Length: %d" % len(body),) if ends else ()
    return b"\r\n".join([first, b"Content-Type: text/html", *length, *lines, b"", body])


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """A chunked response, each chunk given with its framing."""
    return page(b"Transfer-Encoding: chunked", body=b"".join(chunks) + end, ends=False)


WHOLE = Answer(page())
EARLY, CONTINUE = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"
ENDLESS = page(b"Transfer-Encoding: chunked", body=(b"10000\r\n" + b"x" * 0x10000 + b"\r\n") * 64, ends=False)
FRAMING = page(b"Transfer-Encoding: chunked", body=(b"1;" + b"e" * 1000 + b"\r\nx\r\n") * 5000, ends=False)
SMALL = {"download_maxsize": 100_000}

# name: what its path answers, one after the other; what is asked differently than by a plain GET
CASES: dict[str, tuple[list[Answer], dict[str, object]]] = {
    "page": ([Answer(page(b"Content-Encoding: gzip", body=ZIPPED))], {"ciwen_kind": "article", "ciwen_via": "http://a/"}),
    "missing": ([Answer(page(first=b"HTTP/1.1 404 Not Found"))], {}),
    "redirect": ([Answer(page(b"Location: /missing2", first=b"HTTP/1.1 301 Moved"))], {}),
    "missing2": ([Answer(page(b"Location: /missing3", first=b"HTTP/1.1 302 Found", body=b""))], {}),
    "missing3": ([WHOLE], {}),
    "retried": ([Answer(page(first=b"HTTP/1.1 503 Busy")), Answer(page(first=b"HTTP/1.1 500 \xff")), WHOLE], {}),
    "broken": ([Answer(page(body=PAGE * 9)[:-50], then=CLOSE), WHOLE], {}),
    "broken-chunks": ([Answer(chunked(b"5\r\nhello\r\n", end=b"5\r\nhe"), then=CLOSE), WHOLE], {}),
    "broken-head": ([Answer(page()[:30], then=CLOSE), WHOLE], {}),
    "reset-without-length": ([Answer(page(ends=False), then=RESET)], {}),
    "slow-head": ([Answer(b"", then=WAIT)], TIMED),
    "slow-body": ([Answer(page()[:-5], then=WAIT)], TIMED),
    "slow-interim": ([Answer(interim=(CONTINUE, EARLY[:-10]), then=WAIT)], TIMED),
    "announced-too-long": ([Answer(page(body=b"x" * 2_000_000))], SMALL),
    "found-too-long": ([Answer(ENDLESS)], SMALL),
    "framing-too-long": ([Answer(FRAMING)], SMALL),
    "head-too-long": ([Answer(b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 100_000)], SMALL),
    "short-but-too-long": ([Answer(page(body=b"x" * 200))], {"download_maxsize": 100}),
    "no-http": ([Answer(b"\x00\x01garbage\r\n\r\n", then=CLOSE)], ONCE),
    "other-protocol": ([Answer(page(first=b"ICY/1.1 200 OK"))], ONCE),
    "odd-names": (
        [Answer(page("名字: 瓷".encode("gbk"), b"Odd Name: 1", b": no name", b"no colon", b"Content-Encoding : gzip", body=ZIPPED))],
        {},
    ),
    "blank-before-colon": ([Answer(page(b"Content-Length : %d" % len(PAGE), ends=False))], {}),
    "interim": ([Answer(page(), interim=(CONTINUE, EARLY, EARLY))], {}),
    "http-1.0": ([Answer(page(first=b"HTTP/1.0 200 OK", ends=False), then=CLOSE)], {}),
    "until-close": ([Answer(page(ends=False), then=CLOSE)], {}),
    "no-content": ([Answer(b"HTTP/1.1 204 No Content\r\n\r\n")], {}),
    "not-modified": ([Answer(b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 999\r\n\r\n')], {}),
    "chunks": (
        [Answer(chunked(b"5\r\nhello\r\n", b'006 ;n="v"\r\n world\r\n', b"1  \r\n!\r\n", end=b"0;x\r\nX-Sum: 1\r\nx-sum:2\r\n\r\n"))],
        {},
    ),
    "stray": ([Answer(page(), extra=b"HTTP/1.1 200 stray\r\nContent-Length: 0\r\n\r\n")], {}),
    "long-line": ([Answer(page(b"X-Long: " + b"x" * 100_000))], {}),
    "refused/disk": ([WHOLE, WHOLE], {}),
}  # fmt: skip
METHODS = {"head": "HEAD", "posted": "POST", "posted-nothing": "POST", "no-answer": "POST"}
POSTED = bytes(range(256)) * 1000
WAYS = ["tls", "through-proxy", "through-tunnel"]
# Chains over one connection of a server of their own.
KEPT_ALIVE = ["first", "second", "stale", "after-stale"]


class Special(NamedTuple):
    """The crawl of all cases, over."""

    server: OddServer
    lone: OddServer
    outcomes: dict[str, Outcome]
    exchanges: dict[str, list[Exchange]]

    def one(self, name: str) -> tuple[Outcome, Exchange, Logged]:
        """A case of one exchange."""
        (exchange,), (logged,) = self.exchanges[name], self.logged(name)
        return self.outcomes[name], exchange, logged

    def logged(self, name: str) -> list[Logged]:
        """What the server has of a case."""
        return self.server.of("/" + name) + self.lone.of("/" + name)


def name_of(url: str) -> str:
    """The case that a URL is of."""
    return re.sub(r"^https?://[^/]+/", "", url.partition("#")[0])


@pytest.fixture(scope="module")
def special(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Special]:
    folder = tmp_path_factory.mktemp("special")
    answers = {"/" + name: given for name, (given, _) in CASES.items()}
    answers |= {"/" + name: [WHOLE] for name in (*METHODS, *WAYS, *KEPT_ALIVE)}
    answers["/no-answer"] = [Answer(then=CLOSE)]
    answers["/head"] = [Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")]
    answers["/stale"] = [Answer(b"", then=CLOSE), WHOLE]
    with OddServer(answers, folder) as server, OddServer(answers, folder) as lone, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and does not listen
        closed = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        answers["/to-nowhere"] = [
            Answer(page(b"Location: " + closed.encode() + b"/nowhere", first=b"HTTP/1.1 302 Found"))
        ]
        fetches = [Fetch(f"{server.origin}/{name}", meta=meta) for name, (_, meta) in CASES.items()]
        fetches += [
            Fetch(f"{server.origin}/{name}", method, POSTED if name == "posted" else b"", ONCE)
            for name, method in METHODS.items()
        ]
        fetches += [
            Fetch(server.tls_origin + "/tls#fragment"),
            Fetch("http://odd.example/through-proxy", meta={"proxy": server.origin}),
            Fetch("https://odd.example/through-tunnel", meta={"proxy": server.origin}),
            Fetch(server.origin + "/to-nowhere", meta=ONCE),
            Fetch(closed + "/no-connection", meta=ONCE),
            Fetch(server.origin.replace("http:", "https:") + "/no-handshake", meta=ONCE),
        ]
        chains = [[fetch] for fetch in fetches if name_of(fetch.url) not in ("missing2", "missing3")]
        chains.append([Fetch(f"{lone.origin}/{name}") for name in KEPT_ALIVE])
        outcomes, exchanges = run(Job(chains), folder)
    by_name = defaultdict(list)
    for exchange in exchanges:
        by_name[name_of(exchange.url)].append(exchange)
    yield Special(server, lone, {name_of(outcome.url): outcome for outcome in outcomes}, by_name)


def same(exchanges: list[Exchange], logged: list[Logged]) -> bool:
    """Whether exchanges are those of the server's log."""
    return [Bytes(e.request, e.interim, e.response) for e in exchanges] == [
        Bytes(entry.request, entry.interim, entry.response) for entry in logged
    ]


LONG = {"announced-too-long", "found-too-long", "framing-too-long", "head-too-long"}
UNKEPT = {"refused/disk"}


@pytest.mark.parametrize("name", sorted({*CASES, *METHODS, *WAYS, *KEPT_ALIVE, "to-nowhere"} - LONG - UNKEPT))
def test_each_exchange_once_and_as_the_server_has_it(special: Special, name: str) -> None:
    assert special.logged(name)
    assert same(special.exchanges[name], special.logged(name))


def test_a_page(special: Special) -> None:
    outcome, exchange, _ = special.one("page")
    assert (exchange.ip, exchange.truncated, exchange.kind, exchange.via) == ("127.0.0.1", None, "article", "http://a/")
    assert exchange.url == special.server.origin + "/page"
    assert clock.written(clock.read(exchange.sent_at)) == exchange.sent_at
    assert (outcome.body, outcome.kind) == (PAGE, "HtmlResponse")
    assert outcome.capture and outcome.capture.body == PAGE
    assert b"Content-Encoding" not in outcome.headers


def test_an_error_page(special: Special) -> None:
    outcome, exchange, _ = special.one("missing")
    assert (outcome.status, outcome.body, exchange.truncated, exchange.kind) == (404, PAGE, None, "other")


def test_each_hop_of_a_redirect(special: Special) -> None:
    hops = [special.one(name)[1] if name != "redirect" else special.exchanges[name][0] for name in ("redirect",)]
    hops += [special.exchanges[name][0] for name in ("missing2", "missing3")]
    assert [hop.response.split(b" ")[1] for hop in hops] == [b"301", b"302", b"200"]
    assert [hop.sent_at for hop in hops] == sorted(hop.sent_at for hop in hops)
    outcome = special.outcomes["redirect"]
    assert outcome.capture and outcome.capture.url.endswith("/missing3")


def test_each_attempt_of_a_retried_request(special: Special) -> None:
    attempts = special.exchanges["retried"]
    assert [attempt.response[:12] for attempt in attempts] == [b"HTTP/1.1 503", b"HTTP/1.1 500", b"HTTP/1.1 200"]
    assert special.outcomes["retried"].status == 200


@pytest.mark.parametrize("name", ["broken", "broken-chunks", "broken-head"])
def test_what_broke_off_is_kept_and_asked_for_again(special: Special, name: str) -> None:
    assert [attempt.truncated for attempt in special.exchanges[name]] == [BY_DISCONNECT, None]
    outcome = special.outcomes[name]
    assert (outcome.status, outcome.error) == (200, "")
    assert outcome.capture and outcome.capture.is_whole


def test_a_reset_is_no_end_of_a_message(special: Special) -> None:
    _, exchange, _ = special.one("reset-without-length")
    assert exchange.truncated == BY_DISCONNECT


@pytest.mark.parametrize("name", ["slow-head", "slow-body", "slow-interim"])
def test_what_came_before_a_time_out_is_kept(special: Special, name: str) -> None:
    outcome, exchange, _ = special.one(name)
    assert (outcome.error, exchange.truncated) == ("DownloadTimeoutError", BY_TIME)


def test_an_interim_message_that_was_cut_is_no_response(special: Special) -> None:
    _, exchange, _ = special.one("slow-interim")
    assert (exchange.interim, exchange.response) == ((CONTINUE, EARLY[:-10]), b"")


@pytest.mark.parametrize("name", sorted(LONG))
def test_what_arrived_of_a_response_that_is_too_long_is_kept(special: Special, name: str) -> None:
    outcome, exchange, logged = special.one(name)
    assert (outcome.error, exchange.truncated) == ("DownloadCancelledError", BY_LENGTH)
    assert logged.response.startswith(exchange.response)
    assert exchange.response
    assert len(exchange.response) < SMALL["download_maxsize"] + MEGABYTE + 2 * 65536
    assert outcome.capture is None or not outcome.capture.is_whole


def test_a_refused_response_is_never_a_whole_page(special: Special) -> None:
    outcome, exchange, _ = special.one("short-but-too-long")
    assert (outcome.error, exchange.truncated) == ("DownloadCancelledError", BY_LENGTH)


def test_a_request_without_an_answer(special: Special) -> None:
    outcome, exchange, _ = special.one("no-answer")
    assert (outcome.error, outcome.capture, exchange.response) == ("DownloadFailedError", None, b"")


@pytest.mark.parametrize("name", ["no-connection", "no-handshake", "nowhere"])
def test_nothing_is_kept_of_what_was_not_sent(special: Special, name: str) -> None:
    assert special.exchanges[name] == special.logged(name) == []
    assert name == "nowhere" or special.outcomes[name].error


def test_a_capture_is_never_that_of_an_earlier_exchange(special: Special) -> None:
    outcome = special.outcomes["to-nowhere"]
    assert (outcome.error, outcome.capture) == ("DownloadConnectionRefusedError", None)
    assert len(special.exchanges["to-nowhere"]) == 1


@pytest.mark.parametrize("name", ["no-http", "other-protocol"])
def test_an_answer_that_is_no_http(special: Special, name: str) -> None:
    outcome, exchange, logged = special.one(name)
    assert (outcome.error, outcome.capture) == ("DownloadFailedError", None)
    assert exchange.response == logged.response


def test_odd_header_names_pass_by(special: Special) -> None:
    outcome, _, _ = special.one("odd-names")
    assert (outcome.status, outcome.body) == (200, PAGE)


def test_a_blank_before_a_colon(special: Special) -> None:
    outcome, exchange, _ = special.one("blank-before-colon")
    assert (outcome.body, exchange.truncated) == (PAGE, None)


def test_interim_messages_are_apart(special: Special) -> None:
    outcome, exchange, _ = special.one("interim")
    assert (exchange.interim, exchange.response, outcome.body) == ((CONTINUE, EARLY, EARLY), page(), PAGE)


@pytest.mark.parametrize("name", ["http-1.0", "until-close"])
def test_a_message_that_ends_with_its_connection(special: Special, name: str) -> None:
    outcome, exchange, _ = special.one(name)
    assert (outcome.body, exchange.truncated) == (PAGE, None)


@pytest.mark.parametrize(("name", "status"), [("no-content", 204), ("not-modified", 304), ("head", 200)])
def test_a_message_without_body(special: Special, name: str, status: int) -> None:
    outcome, exchange, _ = special.one(name)
    assert (outcome.status, outcome.body, exchange.truncated) == (status, b"", None)


def test_chunks_with_extensions_and_trailers(special: Special) -> None:
    outcome, exchange, _ = special.one("chunks")
    assert outcome.body == b"hello world!"
    assert exchange.response.endswith(b"!\r\n0;x\r\nX-Sum: 1\r\nx-sum:2\r\n\r\n")


def test_bytes_after_the_end_belong_to_no_response(special: Special) -> None:
    outcome, exchange, logged = special.one("stray")
    assert (outcome.body, exchange.response, exchange.truncated) == (PAGE, page(), None)
    later = [entry for entry in special.server.log[special.server.log.index(logged) + 1 :]]
    assert logged.connection not in {entry.connection for entry in later}


def test_a_header_line_as_long_as_browsers_take(special: Special) -> None:
    assert special.outcomes["long-line"].body == PAGE


@pytest.mark.parametrize("name", ["posted", "posted-nothing"])
def test_the_body_of_a_request(special: Special, name: str) -> None:
    _, exchange, _ = special.one(name)
    assert exchange.request.startswith(b"POST /" + name.encode())
    assert exchange.request.endswith(b"\r\n\r\n" + (POSTED if name == "posted" else b""))


def test_tls(special: Special) -> None:
    outcome, exchange, _ = special.one("tls")
    assert (exchange.url, exchange.ip) == (special.server.tls_origin + "/tls", "127.0.0.1")
    assert outcome.body == PAGE


def test_a_proxy(special: Special) -> None:
    _, exchange, _ = special.one("through-proxy")
    assert exchange.request.startswith(b"GET http://odd.example/through-proxy HTTP/1.1\r\n")
    assert exchange.ip is None


def test_a_tunnel_through_a_proxy(special: Special) -> None:
    outcome, exchange, _ = special.one("through-tunnel")
    assert exchange.request.startswith(b"GET /through-tunnel HTTP/1.1\r\n")
    assert (exchange.ip, exchange.response, outcome.body) == (None, page(), PAGE)


def test_a_connection_is_kept_and_mixes_nothing(special: Special) -> None:
    first, second, stale, again, after = (entry.connection for name in KEPT_ALIVE for entry in special.logged(name))
    assert first == second == stale
    assert again == after != stale


def test_a_request_that_twisted_sends_again_is_two_exchanges(special: Special) -> None:
    lost, answered = special.exchanges["stale"]
    assert (lost.response, answered.response) == (b"", page())
    assert lost.request == answered.request
    assert lost.sent_at < answered.sent_at
    assert special.outcomes["stale"].body == PAGE


def test_what_cannot_be_written_is_not_asked_for_again(special: Special) -> None:
    name = REFUSED[1:] + "/disk"
    outcome = special.outcomes[name]
    assert (outcome.error, outcome.capture) == ("CannotWrite", None)
    assert len(special.logged(name)) == 1


def test_a_crawl_that_is_stopped_at_once_lets_go_of_its_downloads(tmp_path: Path) -> None:
    with OddServer({"/slow": [Answer(page()[:-5], then=WAIT)]}, tmp_path) as server:
        program = begin(Job([[Fetch(server.origin + "/slow")]]), tmp_path)
        server.wait_for("/slow")
        program.send_signal(signal.SIGINT)
        log = ""
        while "Send again to force" not in log:
            log += (line := program.stderr.readline())
            assert line, log
        program.send_signal(signal.SIGINT)
        _, rest = program.communicate(timeout=60)
    assert program.returncode == 0
    assert "Traceback" not in log + rest
