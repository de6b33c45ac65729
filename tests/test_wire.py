"""The bytes that the download handler keeps, against the log of the server that sent and read them."""

import dataclasses
import re
import signal
import socket
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web._newclient import Request as WireRequest
from twisted.web.http_headers import Headers

from ciwen_crawler import clock
from ciwen_crawler.exchange import BY_DISCONNECT, BY_LENGTH, BY_TIME, Exchange
from ciwen_crawler.wire import _Connection, _Recording, _Request
from tests.odd_messages import OddMessages
from tests.odd_server import CLOSE, WAIT, Answer, Logged, OddServer
from tests.records import Found, entity_of, found_in, head_of
from tests.wire_cases import (
    CASES,
    CONTINUE,
    CUT_EARLY,
    EARLY,
    FOLLOWED,
    KEPT_ALIVE,
    MAXSIZE,
    ONCE,
    PAGE,
    POSTED,
    TIMED,
    WAYS,
    page,
)
from tests.wire_crawl import REFUSED, Fetch, Job, Outcome, begin, run

SEED = 20250604
FEWEST = 300
LARGE = ["/0/3", "/1/6", "/2/9", "/3/12"]  # paths with 5 MB, one in each way to the server
KINDS = ("whole " * 24 + "empty " * 3 + "redirect " * 3 + "retry " * 5 + "cut " * 6 + "wait").split()
# What may have been read beyond a limit when the download is refused.
BEYOND = 1024 * 1024 + 2 * 65536


class Bytes(NamedTuple):
    """What went over the wire for one request."""

    request: bytes
    interim: tuple[bytes, ...]
    response: bytes


class Kept(NamedTuple):
    """What the WARC files have of one exchange."""

    request: bytes
    interim: tuple[bytes, ...]
    response: bytes  # of a revisit the head alone
    original: bytes | None  # the response that a revisit refers to

    def is_of(self, sent: Bytes) -> bool:
        """Whether these are the bytes; a revisit's payload is its original's, however each of the two was framed."""
        if self[:2] != sent[:2] or self.original is None:
            return self[:3] == sent
        entity = entity_of(sent.response)
        return sent.response.startswith(self.response) and entity == entity_of(self.original) != b""


def bytes_of(exchanges: list[Exchange] | list[Logged]) -> list[Bytes]:
    """The bytes alone, of exchanges or of a server's log."""
    return [Bytes(each.request, each.interim, each.response) for each in exchanges]


def path_of(url: str) -> str:
    """The path of a URL."""
    return re.sub(r"^https?://[^/]+", "", url.partition("#")[0])


# Every exchange of a generated crawl, byte for byte out of the WARC files.


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


def generated(messages: OddMessages, server: OddServer, answers: dict[str, list[Answer]]) -> list[list[Fetch]]:
    """Chains of fetches in every way to a server; what it answers to each is put into `answers`."""
    ways = [
        (server.origin, {}),
        (server.tls_origin, {}),
        ("http://odd.example", {"proxy": server.origin}),
        ("https://odd.example", {"proxy": server.origin}),
    ]
    chains = []
    for number in range(20):
        origin, meta = ways[number % len(ways)]
        chains.append([one_generated(messages, f"/{number}/{place}", origin, meta, answers) for place in range(15)])
    return chains


def one_generated(
    messages: OddMessages, path: str, origin: str, meta: dict[str, object], answers: dict[str, list[Answer]]
) -> Fetch:
    """A fetch of some kind, and its answers."""
    choice = messages.random.choice
    kind, method = ("large", "GET") if path in LARGE else (choice(KINDS), choice(["GET"] * 6 + ["HEAD", "POST"]))
    body = messages.random.randbytes(choice([0, 10, 100_000])) if method == "POST" else b""

    def answer(status: int | None = None, *fields: bytes) -> Answer:
        return messages.answer(messages.message(status, method, *fields, large=kind == "large"))

    def cut() -> Answer:
        return messages.cut(messages.message(200, method))

    if kind == "empty":
        answers[path] = [answer(choice([204, 304]))]
    elif kind == "redirect":
        answers[path] = [answer(choice([301, 302, 303, 307, 308]), b"Location: " + path.encode() + b"/moved")]
        # A POST may go on as a GET, which is answered alike.
        answers[path + "/moved"] = [answer()]
    elif kind == "retry":
        answers[path] = [answer(503), answer(500), answer()][choice([0, 1]) :]
    elif kind == "cut":
        # Where nothing came on a kept connection, Twisted asks once more by itself.
        answers[path] = [cut(), answer(), answer()]
    elif kind == "wait":
        answers[path] = [dataclasses.replace(cut(), then=WAIT)]
        meta = {**meta, **TIMED}
    else:
        answers[path] = [answer()]
    return Fetch(origin + path, method, body, meta)


def sent(server: OddServer) -> dict[str, list[Bytes]]:
    """What the server's log has for each path."""
    return {path: bytes_of(server.of(path)) for path in {entry.path for entry in server.log}}


def kept(archive: Path) -> dict[str, list[Kept]]:
    """What the WARC files have for each path: blocks as they stand, joined by WARC-Concurrent-To."""
    records = {record.id: record for record in found_in(archive)}
    interims: dict[str, list[bytes]] = defaultdict(list)
    answers: dict[str, Found] = {}
    for record in records.values():
        concurrent = record.field("WARC-Concurrent-To")
        if record.type in ("response", "revisit"):
            answers[concurrent] = record
        elif record.type == "metadata" and concurrent:
            interims[concurrent].append(record.block)
    assert {records[each].type for each in {*interims, *answers}} == {"request"}
    found = defaultdict(list)
    for record in records.values():
        if record.type == "request":
            answer = answers.get(record.id)
            original = records[answer.field("WARC-Refers-To")] if answer and answer.type == "revisit" else None
            exchange = Kept(
                record.block,
                tuple(interims[record.id]),
                answer.block if answer else b"",
                original.block if original else None,
            )
            found[path_of(record.field("WARC-Target-URI"))].append(exchange)
    return found


def test_every_exchange_is_in_the_warc_files_byte_for_byte(crawled: Generated) -> None:
    expected, found = sent(crawled.server), kept(crawled.archive)
    assert found.keys() == expected.keys()
    differing = [
        path
        for path, exchanges in expected.items()
        if len(exchanges) != len(found[path])
        or not all(one.is_of(other) for one, other in zip(found[path], exchanges, strict=True))
    ]
    assert differing == []
    assert sum(map(len, found.values())) >= FEWEST


def test_the_generated_crawl_has_revisits_of_every_framing(crawled: Generated) -> None:
    revisits = [each for exchanges in kept(crawled.archive).values() for each in exchanges if each.original]
    framings = {(framing_of(each.response), framing_of(each.original)) for each in revisits}
    assert {one for pair in framings for one in pair} == {"chunked", "length", "close"}
    assert any(one != other for one, other in framings), "framed otherwise than its original"
    assert len(revisits) > 40


def framing_of(message: bytes) -> str:
    """How a message says where its body ends."""
    head = head_of(message).lower()
    return "chunked" if b"chunked" in head else "length" if b"content-length:" in head else "close"


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


# One connection alone, its bytes cut into pieces at will.


class Talk:
    """A request for `/` sent, its answer to come."""

    def __init__(self, method: bytes = b"GET", maxsize: int = 0) -> None:
        self.transport = StringTransport()
        self.pool: list[_Connection] = []
        recording = _Recording(maxsize, is_kept=False)
        self.connection = _Connection(self.pool.append)
        self.connection.makeConnection(self.transport)
        request = WireRequest(method, b"/", Headers({b"Host": [b"a"]}), None, persistent=True)
        self.connection.request(_Request.of(request, recording))
        (self.attempt,) = recording.attempts

    def read(self, data: bytes) -> None:
        """Bytes arrive, unless we have begun to close."""
        if not self.transport.disconnecting:
            self.connection.dataReceived(data)


@given(seed=st.integers(0, 1_000_000), method=st.sampled_from([b"GET", b"HEAD"]), data=st.data())
def test_pieces_make_no_difference(seed: int, method: bytes, data: st.DataObject) -> None:
    messages = OddMessages(seed)
    answer = messages.answer(messages.message(method=method.decode()))
    talk = Talk(method)
    for piece in pieces(b"".join((*answer.interim, answer.response, answer.extra)), data):
        talk.read(piece)
    if answer.then == CLOSE:
        talk.connection.connectionLost(Failure(ConnectionDone()))
    assert b"".join(talk.attempt.sent) == talk.transport.value()
    assert talk.attempt.is_whole
    assert talk.attempt.answer() == (answer.response, answer.interim)
    assert talk.transport.disconnecting or not answer.extra, "a connection with bytes after the end is not kept"


def test_single_bytes_make_no_difference() -> None:
    (answer,) = CASES["chunks"].answers
    talk = Talk()
    for byte in answer.response:
        talk.read(bytes([byte]))
    assert talk.attempt.is_whole
    assert talk.pool == [talk.connection]


def test_a_connection_that_is_being_aborted_is_not_kept() -> None:
    talk = Talk(maxsize=10)
    talk.read(page())
    assert talk.attempt.is_whole
    assert talk.pool == []


def pieces(raw: bytes, data: st.DataObject) -> list[bytes]:
    """The bytes, cut at places of Hypothesis's choice."""
    cuts = sorted(data.draw(st.sets(st.integers(1, max(len(raw) - 1, 1)), max_size=20)))
    return [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]


# Each case by itself.


class Special(NamedTuple):
    """The crawl of all cases, over."""

    server: OddServer
    lone: OddServer  # has one connection at a time
    outcomes: dict[str, Outcome]
    exchanges: dict[str, list[Exchange]]

    def one(self, name: str) -> tuple[Outcome, Exchange, Logged]:
        """A case of one exchange."""
        (exchange,), (logged,) = self.exchanges[name], self.logged(name)
        return self.outcomes[name], exchange, logged

    def logged(self, name: str) -> list[Logged]:
        """What the servers have of a case."""
        return self.server.of("/" + name) + self.lone.of("/" + name)


@pytest.fixture(scope="module")
def special(tmp_path_factory: pytest.TempPathFactory) -> Special:
    folder = tmp_path_factory.mktemp("special")
    scripted = {name: case.answers for name, case in CASES.items()} | FOLLOWED | WAYS
    answers = {"/" + name: given for name, given in scripted.items()}
    kept_alive = {"/" + name: given for name, given in KEPT_ALIVE.items()}
    with OddServer(answers, folder) as server, OddServer(kept_alive, folder) as lone, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and does not listen
        closed = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        moved = page(b"Location: " + closed.encode() + b"/nowhere", first=b"HTTP/1.1 302 Found")
        answers["/to-nowhere"] = [Answer(moved)]
        fetches = [Fetch(f"{server.origin}/{name}", c.method, c.body, c.meta) for name, c in CASES.items()]
        fetches += [
            Fetch(server.tls_origin + "/tls#fragment"),
            Fetch("http://odd.example/through-proxy", meta={"proxy": server.origin}),
            Fetch("https://odd.example/through-tunnel", meta={"proxy": server.origin}),
            Fetch(server.origin + "/to-nowhere", meta=ONCE),
            Fetch(closed + "/no-connection", meta=ONCE),
            Fetch(server.origin.replace("http:", "https:") + "/no-handshake", meta=ONCE),
        ]
        chains = [[fetch] for fetch in fetches]
        chains.append([Fetch(f"{lone.origin}/{name}") for name in KEPT_ALIVE])
        outcomes, exchanges = run(Job(chains), folder)
    by_name = defaultdict(list)
    for exchange in exchanges:
        by_name[path_of(exchange.url)[1:]].append(exchange)
    return Special(server, lone, {path_of(outcome.url)[1:]: outcome for outcome in outcomes}, by_name)


LONG = ["announced-too-long", "found-too-long", "framing-too-long", "head-too-long"]
UNKEPT = ["refused/disk"]


@pytest.mark.parametrize("name", sorted({*CASES, *FOLLOWED, *WAYS, *KEPT_ALIVE, "to-nowhere"}.difference(LONG, UNKEPT)))
def test_each_exchange_once_and_as_the_server_has_it(special: Special, name: str) -> None:
    assert special.logged(name)
    assert bytes_of(special.exchanges[name]) == bytes_of(special.logged(name))


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
    hops = [special.exchanges[name][0] for name in ("hop-1", "hop-2", "hop-3")]
    assert [hop.response.split(b" ")[1] for hop in hops] == [b"301", b"302", b"200"]
    assert [hop.sent_at for hop in hops] == sorted(hop.sent_at for hop in hops)
    outcome = special.outcomes["hop-1"]
    assert outcome.capture and outcome.capture.url.endswith("/hop-3")


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
    assert (exchange.interim, exchange.response) == ((CONTINUE, CUT_EARLY), b"")


@pytest.mark.parametrize("name", LONG)
def test_what_arrived_of_a_response_that_is_too_long_is_kept(special: Special, name: str) -> None:
    outcome, exchange, logged = special.one(name)
    assert (outcome.error, exchange.truncated) == ("DownloadCancelledError", BY_LENGTH)
    assert exchange.response
    assert logged.response.startswith(exchange.response)
    assert len(exchange.response) < MAXSIZE + BEYOND
    assert outcome.capture is None or not outcome.capture.is_whole


def test_a_refused_response_is_never_a_whole_page(special: Special) -> None:
    outcome, exchange, _ = special.one("short-but-too-long")
    assert (outcome.error, exchange.truncated) == ("DownloadCancelledError", BY_LENGTH)


def test_a_request_without_an_answer(special: Special) -> None:
    outcome, exchange, _ = special.one("no-answer")
    assert (outcome.error, outcome.capture, exchange.response) == ("DownloadFailedError", None, b"")


@pytest.mark.parametrize("name", ["no-connection", "no-handshake"])
def test_nothing_is_kept_of_what_was_not_sent(special: Special, name: str) -> None:
    assert special.exchanges[name] == special.logged(name) == []
    assert special.outcomes[name].error


def test_a_capture_is_never_that_of_an_earlier_exchange(special: Special) -> None:
    outcome, exchange, _ = special.one("to-nowhere")
    assert exchange.response.startswith(b"HTTP/1.1 302")
    assert (outcome.error, outcome.capture) == ("DownloadConnectionRefusedError", None)


@pytest.mark.parametrize("name", ["no-http", "other-protocol"])
def test_an_answer_that_is_no_http(special: Special, name: str) -> None:
    outcome, exchange, logged = special.one(name)
    assert (outcome.error, outcome.capture) == ("DownloadFailedError", None)
    assert exchange.response == logged.response


@pytest.mark.parametrize("name", ["odd-names", "blank-before-colon", "long-line"])
def test_header_lines_that_browsers_take(special: Special, name: str) -> None:
    outcome, exchange, _ = special.one(name)
    assert (outcome.status, outcome.body, exchange.truncated) == (200, PAGE, None)


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
    assert exchange.response.endswith(b"!\r\n0;x\r\nX-Sum: 1\r\n\r\n")


def test_bytes_after_the_end_belong_to_no_response(special: Special) -> None:
    outcome, exchange, logged = special.one("stray")
    assert (outcome.body, exchange.response, exchange.truncated) == (PAGE, page(), None)
    later = special.server.log[special.server.log.index(logged) + 1 :]
    assert logged.connection not in {entry.connection for entry in later}


@pytest.mark.parametrize(("name", "body"), [("posted", POSTED), ("posted-nothing", b"")])
def test_the_body_of_a_request(special: Special, name: str, body: bytes) -> None:
    _, exchange, _ = special.one(name)
    assert exchange.request.startswith(b"POST /" + name.encode())
    assert exchange.request.endswith(b"\r\n\r\n" + body)


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
