"""The server that plays the channel, asked through real sockets."""

import gzip
import http.client
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fixtures.page import Page
from fixtures.server import Channel
from fixtures.site import CASES, HOME, bundled_pages, cases, pictures

ROOT = Path(__file__).parent.parent
PLAIN = "http://ci.china.com.cn/2024-03/11/content_42685423.html"
SEED = "http://ci.china.com.cn/2025-06/04/content_43135627.html"
SSI = "http://ci.china.com.cn/2024-12/10/content_42962926.shtml"
PICTURE = "http://ci.china.com.cn/pic/2025-06/04/0765bfde-57d2-53bd-b7bb-ad3608f4938d.jpg"
ROBOTS = "http://ci.china.com.cn/robots.txt"
GZIP = {"Accept-Encoding": "gzip, deflate"}
PATIENCE = 20  # seconds that no test needs; a socket without it would hang the suite


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def content(self) -> bytes:
        return gzip.decompress(self.body) if self.headers["Content-Encoding"] == "gzip" else self.body


def get(channel: Channel, url: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", channel.port, timeout=PATIENCE)
    try:
        connection.request(method, url, headers=headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def connected(channel: Channel) -> socket.socket:
    return socket.create_connection(("127.0.0.1", channel.port), timeout=PATIENCE)


def talk(channel: Channel, message: bytes) -> bytes:
    """All that comes back for a message, until the server closes."""
    with connected(channel) as connection:
        connection.sendall(message)
        return read_to_end(connection)


def read_to_end(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def read_bytes(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        assert piece, f"closed after {len(data)} of {count} bytes"
        data += piece
    return data


def asking(url: str, *headers: str, close: bool = True) -> bytes:
    lines = [f"GET {url} HTTP/1.1", *headers, *(["Connection: close"] if close else [])]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


# What it serves


@pytest.mark.parametrize("name", cases())
def test_serves_each_saved_page(shared_channel: Channel, name: str) -> None:
    answer = get(shared_channel, cases()[name]["url"], GZIP)
    assert answer.status == 200
    assert answer.headers.get_content_type() == "text/html"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.content == (CASES / f"{name}.html").read_bytes()


@pytest.mark.parametrize("name", [name for name, case in cases().items() if case.get("expected", {}).get("images")])
def test_serves_the_images_of_each_article(shared_channel: Channel, name: str) -> None:
    for image in cases()[name]["expected"]["images"]:
        answer = get(shared_channel, image["url"])
        kind, start = ("image/png", b"\x89PNG") if image["url"].endswith(".png") else ("image/jpeg", b"\xff\xd8\xff")
        assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
        assert answer.body.startswith(start)
        assert int(answer.headers["Content-Length"]) == len(answer.body)


def test_pictures_differ_by_address_and_stay_the_same() -> None:
    pages = bundled_pages()
    urls = [image["url"] for image in cases()["seed"]["expected"]["images"]]
    assert len({pages[url].body for url in urls}) > 3
    alone = pictures({SEED: pages[SEED]})
    assert all(alone[url].body == pages[url].body for url in urls)


@pytest.mark.parametrize("host", ["ci.china.com.cn", "news.china.com.cn", "images.china.cn"])
def test_each_host_has_its_robots_txt(shared_channel: Channel, host: str) -> None:
    answer = get(shared_channel, f"http://{host}/robots.txt")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain")
    assert b"Disallow: /search/\n" in answer.body
    assert f"Sitemap: http://{host}/sitemap.xml\n".encode() in answer.body


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("http://ci.china.com.cn", HOME),
        ("http://CI.China.com.cn:80/", HOME),
        (PLAIN + "?from=timeline", PLAIN),
        (
            "http://ci.china.com.cn/pic/2025-06/04/t2_%2835X17X591X397%2910435912-553f-54d6-b71a-5e4112eab946.jpg",
            "http://ci.china.com.cn/pic/2025-06/04/t2_(35X17X591X397)10435912-553f-54d6-b71a-5e4112eab946.jpg",
        ),
    ],
)
def test_one_page_under_several_spellings(shared_channel: Channel, asked: str, served: str) -> None:
    answer = talk(shared_channel, asking(asked))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(bundled_pages()[served].body)


def test_answers_those_who_know_no_proxy(shared_channel: Channel) -> None:
    answer = talk(shared_channel, asking("/2024-03/11/content_42685423.html", "Host: ci.china.com.cn"))
    assert answer.endswith(bundled_pages()[PLAIN].body)


@pytest.mark.parametrize("path", ["index.html", "txt/2024-03/11/content_42685423.html"])
def test_addresses_that_were_given_up_lead_on(shared_channel: Channel, path: str) -> None:
    answer = get(shared_channel, HOME + path)
    assert answer.status == 301
    assert get(shared_channel, answer.headers["Location"]).status == 200
    assert b"<h1>301 Moved Permanently</h1>" in answer.body


def test_what_is_not_there_is_404_with_a_page(shared_channel: Channel) -> None:
    answer = get(shared_channel, HOME + "2020-01/01/content_40000001.htm")
    assert (answer.status, answer.headers["Content-Type"]) == (404, "text/html")
    assert b"<h1>404 Not Found</h1>" in answer.body


@pytest.mark.parametrize("url", ["http://example.com/", "http://art.china.cn/", "http://127.0.0.1:1/"])
def test_no_other_host_is_asked(shared_channel: Channel, url: str) -> None:
    answer = get(shared_channel, url)
    assert answer.status == 502
    assert url.split("/")[2].encode() in answer.body


# How it behaves


def test_head_of_a_page_is_that_of_nginx(shared_channel: Channel) -> None:
    head = talk(shared_channel, asking(PICTURE)).partition(b"\r\n\r\n")[0].decode()
    assert [line.partition(":")[0] for line in head.split("\r\n")] == [
        "HTTP/1.1 200 OK", "Server", "Date", "Content-Type", "Content-Length", "Last-Modified", "Connection", "ETag",
    ]  # fmt: skip


def test_only_included_pages_name_their_charset_and_have_no_validators(shared_channel: Channel) -> None:
    plain, included = get(shared_channel, PLAIN).headers, get(shared_channel, SSI).headers
    assert (plain["Content-Type"], included["Content-Type"]) == ("text/html", "text/html; charset=utf-8")
    assert plain["Last-Modified"] == "Mon, 11 Mar 2024 01:20:47 GMT"
    assert included["Last-Modified"] is included["ETag"] is None


def test_gzipped_text_is_chunked(shared_channel: Channel) -> None:
    head, _, body = talk(shared_channel, asking(SEED, "Accept-Encoding: gzip")).partition(b"\r\n\r\n")
    assert b"\r\nTransfer-Encoding: chunked" in head
    assert b"\r\nContent-Encoding: gzip" in head
    assert b"\r\nVary: Accept-Encoding" in head
    assert b'\r\nETag: W/"' in head
    assert b"Content-Length" not in head
    chunks = []
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        chunks.append(body[:length])
        assert body[length : length + 2] == b"\r\n"
        body = body[length + 2 :]
        if not length:
            break
    assert body == b""
    assert len(chunks) > 2
    zipped = b"".join(chunks)
    assert gzip.decompress(zipped) == bundled_pages()[SEED].body
    assert zipped[4:8] == bytes(
        4
    )  # the time that gzip stamps: the bytes are to be the same whenever they are asked for


@pytest.mark.parametrize("accepted", [None, "identity", "gzip;q=0", "br, gzip; q=0.0", "gzipped"])
def test_without_gzip_the_length_is_told(shared_channel: Channel, accepted: str | None) -> None:
    headers = [f"Accept-Encoding: {accepted}"] if accepted else []
    head, _, body = talk(shared_channel, asking(SEED, *headers)).partition(b"\r\n\r\n")
    assert body == bundled_pages()[SEED].body
    assert f"\r\nContent-Length: {len(body)}\r\n".encode() in head
    assert b"chunked" not in head


@pytest.mark.parametrize("url", [PLAIN, PICTURE, ROBOTS, HOME])
@pytest.mark.parametrize("names", ["If-None-Match", "If-Modified-Since", "If-None-Match If-Modified-Since"])
def test_what_has_not_changed_is_304(shared_channel: Channel, url: str, names: str) -> None:
    first = get(shared_channel, url, GZIP)
    known = {"If-None-Match": first.headers["ETag"], "If-Modified-Since": first.headers["Last-Modified"]}
    answer = get(shared_channel, url, GZIP | {name: known[name] for name in names.split()})
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["ETag"] == first.headers["ETag"].removeprefix("W/")
    assert answer.headers["Content-Length"] is answer.headers["Content-Encoding"] is None


@pytest.mark.parametrize(
    "headers",
    [
        {"If-None-Match": '"0-0"'},
        {"If-Modified-Since": "Mon, 11 Mar 2024 01:20:48 GMT"},
        {"If-None-Match": "*", "If-Modified-Since": "Mon, 11 Mar 2024 01:20:46 GMT"},
        {"If-None-Match": '"0-0"', "If-Modified-Since": "Mon, 11 Mar 2024 01:20:47 GMT"},
    ],
)
def test_other_validators_get_the_page(shared_channel: Channel, headers: dict[str, str]) -> None:
    assert get(shared_channel, PLAIN, headers).body == bundled_pages()[PLAIN].body


def test_connection_is_kept(channel: Channel) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", channel.port, timeout=PATIENCE)
    for url in (PLAIN, PICTURE, HOME + "none", PLAIN):
        connection.request("GET", url, headers=GZIP)
        assert Answer(connection.getresponse()).headers["Connection"] == "keep-alive"
    connection.close()
    get(channel, HOME)
    assert [entry.connection for entry in channel.log] == [1, 1, 1, 1, 2]


def test_requests_sent_at_once_are_answered_in_turn(channel: Channel) -> None:
    first, second = asking(PICTURE, close=False), asking(ROBOTS)
    answers = talk(channel, first + second)
    assert [entry.request for entry in channel.log] == [first, second]
    assert b"".join(entry.response for entry in channel.log) == answers


def test_what_comes_after_the_last_request_does_not_cost_its_answer(shared_channel: Channel) -> None:
    answer = talk(shared_channel, asking(PICTURE) + bytes(16_000_000))
    assert answer.endswith(bundled_pages()[PICTURE].body)


def test_old_clients_get_no_chunks_and_the_end(shared_channel: Channel) -> None:
    head, _, body = talk(shared_channel, f"GET {SEED} HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n".encode()).partition(
        b"\r\n\r\n"
    )
    assert b"\r\nConnection: close" in head
    assert body == bundled_pages()[SEED].body


def test_head_has_no_body(shared_channel: Channel) -> None:
    answer = get(shared_channel, PICTURE, method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(bundled_pages()[PICTURE].body)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT"])
def test_other_methods_are_405(channel: Channel, method: str) -> None:
    target = "ci.china.com.cn:443" if method == "CONNECT" else PLAIN
    message = f"{method} {target} HTTP/1.1\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello".encode()
    answer = talk(channel, message)
    assert answer.startswith(b"HTTP/1.1 405 Not Allowed\r\n")
    assert b"\r\nAllow: GET, HEAD\r\n" in answer
    assert channel.log[0].request == message


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),  # somebody begins TLS
        (b"hello\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET ftp://ci.china.com.cn/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http://ci.china.com.cn:port/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http://ci.china.com.cn/ HTTP/1.1\r\nno header\r\n\r\n", 400),
        (b"GET http://ci.china.com.cn/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET http://ci.china.com.cn/ HTTP/1.1\r\nX: " + b"x" * 70000, 400),
        (b"POST http://ci.china.com.cn/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
    ],
)
def test_garbage_is_refused_at_once(channel: Channel, message: bytes, status: int) -> None:
    answer = talk(channel, message)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert channel.log[0].response == answer
    assert message.startswith(channel.log[0].request)


# What tests make of it


def test_pages_may_be_added_replaced_and_deleted(channel: Channel) -> None:
    url = HOME + "2026-02/01/content_43400001.html"
    channel.pages[url] = "新"
    assert get(channel, url).body == "新".encode()
    first = get(channel, url).headers
    channel.pages[url] = "旧"
    answer = get(channel, url, {"If-Modified-Since": first["Last-Modified"]})
    assert (answer.status, answer.body) == (200, "旧".encode())
    channel.pages[url] = Page(b"\xd6\xd0", "text/html; charset=gb2312")
    assert get(channel, url).headers["Content-Type"] == "text/html; charset=gb2312"
    del channel.pages[url]
    assert get(channel, url).status == 404
    with pytest.raises(KeyError):
        del channel.pages[url]


def test_a_new_page_makes_its_host_known(channel: Channel) -> None:
    channel.pages["http://tc.china.com.cn/a.jpg"] = b"\xff\xd8\xff"
    assert get(channel, "http://tc.china.com.cn/a.jpg").headers["Content-Type"] == "image/jpeg"
    assert get(channel, "http://tc.china.com.cn/b.jpg").status == 404


def test_edit_moves_the_validators_on(channel: Channel) -> None:
    seen = []
    for old, new in (("映春山", "照春江"), ("照春江", "映春山"), ("映春山", "照春江")):
        seen.append(get(channel, PLAIN))
        channel.edit(PLAIN, old, new)
        known = {"If-None-Match": seen[-1].headers["ETag"], "If-Modified-Since": seen[-1].headers["Last-Modified"]}
        answer = get(channel, PLAIN, known)
        assert answer.status == 200
        assert old.encode() not in answer.body
        assert new.encode() in answer.body
    assert len({answer.headers["ETag"] for answer in seen}) == 3
    assert len({answer.headers["Last-Modified"] for answer in seen}) == 3
    with pytest.raises(ValueError, match="does not hold"):
        channel.edit(PLAIN, "映春山", "")


def test_pages_given_are_never_written_to() -> None:
    pages = {HOME: "<p>一</p>", PLAIN: Page(b"<p>2</p>")}
    with Channel(pages) as channel:
        channel.edit(HOME, "一", "二")
        del channel.pages[PLAIN]
        assert (get(channel, HOME).body, get(channel, PLAIN).status) == ("<p>二</p>".encode(), 404)
        assert set(channel.pages) == {HOME}
        assert len(channel.pages) == 1
        channel.reset()
        assert (get(channel, HOME).body, get(channel, PLAIN).body) == ("<p>一</p>".encode(), b"<p>2</p>")
    assert pages == {HOME: "<p>一</p>", PLAIN: Page(b"<p>2</p>")}


def test_answer_stands_until_it_is_restored(channel: Channel) -> None:
    channel.answer(ROBOTS, 503)
    channel.answer(PLAIN, 200, "另", [("content-type", "text/plain"), ("X-Case", "1"), ("X-Case", "2")])
    assert [get(channel, ROBOTS).status for _ in range(2)] == [503, 503]
    answer = get(channel, PLAIN)
    assert (answer.body, answer.headers.get_all("X-Case")) == ("另".encode(), ["1", "2"])
    assert answer.headers.get_all("Content-Type") == ["text/plain"]
    channel.restore(ROBOTS)
    assert get(channel, ROBOTS).body == bundled_pages()[ROBOTS].body
    channel.reset()
    assert get(channel, PLAIN).body == bundled_pages()[PLAIN].body


def test_answers_for_so_many_times_give_way_to_what_was_before(channel: Channel) -> None:
    channel.answer(PLAIN, 410)
    channel.refuse(PLAIN, times=1)
    channel.answer(PLAIN, 503, times=2)
    assert [get(channel, PLAIN).status for _ in range(2)] == [503, 503]
    with pytest.raises(http.client.RemoteDisconnected):
        get(channel, PLAIN)
    assert [get(channel, PLAIN).status for _ in range(2)] == [410, 410]


def test_redirect(channel: Channel) -> None:
    channel.redirect(PLAIN, SEED, 302, times=1)
    answer = get(channel, PLAIN)
    assert (answer.status, answer.headers["Location"]) == (302, SEED)
    assert get(channel, PLAIN).status == 200


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("after", [0, 1, 1000, -1])
def test_what_breaks_off_is_logged_as_it_arrived(channel: Channel, after: int, reset: bool) -> None:
    whole = talk(channel, asking(SEED, "Accept-Encoding: gzip")).partition(b"\r\n\r\n")[2]
    channel.break_off(SEED, after, reset)
    with connected(channel) as connection:
        connection.sendall(asking(SEED, "Accept-Encoding: gzip"))
        got, was_reset = b"", False
        try:
            while piece := connection.recv(65536):
                got += piece
        except ConnectionResetError:
            was_reset = True
    assert was_reset == reset
    entry = channel.log.settled()[1]
    assert entry.response == got
    assert got.partition(b"\r\n\r\n")[2] == whole[:after]


def test_refused_requests_are_logged(channel: Channel) -> None:
    channel.refuse(PLAIN)
    assert talk(channel, asking(PLAIN)) == b""
    assert [(entry.request, entry.response, entry.status) for entry in channel.log] == [(asking(PLAIN), b"", None)]


def test_any_bytes_may_be_sent(channel: Channel) -> None:
    odd = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 \xb3\xc9\xb9\xa6\r\nX:\t1\r\n\r\nno length"
    framed = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 2\r\n\r\nok"
    channel.send(PLAIN, odd, then_close=True)
    channel.send(SEED, framed)
    assert talk(channel, asking(SEED, close=False) + asking(PLAIN, close=False)) == framed + odd
    assert [entry.response for entry in channel.log] == [framed, odd]


def test_log_holds_both_directions_byte_for_byte(channel: Channel) -> None:
    channel.redirect(SSI, PLAIN)
    for url in (PLAIN, PICTURE, ROBOTS, HOME + "none", SSI, "http://example.com/"):
        for headers in ([], ["aCCept-encoding:gzip", "X-Odd:  \t \u00e4", "x-odd: 2"], ['If-None-Match: "0-0", *']):
            message = asking(url, *headers)
            answer = talk(channel, message)
            entry = channel.log[-1]
            assert (entry.method, entry.url, entry.request, entry.response) == ("GET", url, message, answer)
            assert answer.startswith(f"HTTP/1.1 {entry.status} ".encode())
    assert all(entry.started <= entry.ended for entry in channel.log.settled() if entry.ended)
    assert channel.requested("/pic/") == [PICTURE] * 3
    assert [entry.url for entry in channel.log.of(PLAIN)] == [PLAIN] * 3
    channel.log.clear()
    assert channel.requested() == []


def test_a_client_that_goes_away_is_logged_with_what_went(channel: Channel) -> None:
    url = HOME + "big.bin"
    channel.pages[url] = bytes(32_000_000)  # more than the sockets of any system hold
    with connected(channel) as connection:
        connection.sendall(asking(url))
        got = read_bytes(connection, 1000)
    entry = channel.log.settled()[0]
    assert entry.response.startswith(got)
    assert len(got) < len(entry.response) < 32_000_000


def test_a_request_that_breaks_off_is_logged_and_not_answered(channel: Channel) -> None:
    with connected(channel) as connection:
        connection.sendall(b"GET http://ci.china.com.cn/ HT")
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection) == b""
    assert [(entry.url, entry.request) for entry in channel.log.settled()] == [("", b"GET http://ci.china.com.cn/ HT")]


def test_held_requests_wait_until_they_are_released(channel: Channel) -> None:
    with ThreadPoolExecutor(16) as pool, channel.hold(ROBOTS) as hold:
        waiting = [pool.submit(get, channel, ROBOTS) for _ in range(16)]
        hold.arrived(16)
        assert channel.requested() == [ROBOTS] * 16
        assert not any(future.done() for future in waiting)
        assert not any(entry.response for entry in channel.log)
        channel.edit(ROBOTS, "/search/", "/2024-03/")
        assert get(channel, PLAIN).status == 200
        hold.release()
        assert all(b"/2024-03/" in future.result(PATIENCE).body for future in waiting)
    assert get(channel, ROBOTS).status == 200


def test_held_and_answered_otherwise(channel: Channel) -> None:
    channel.answer(ROBOTS, 503)
    with ThreadPoolExecutor(1) as pool, channel.hold(ROBOTS) as hold:
        waiting = pool.submit(get, channel, ROBOTS)
        hold.arrived()
        hold.release()
        assert waiting.result(PATIENCE).status == 503


def test_held_in_the_middle_of_a_body(channel: Channel) -> None:
    whole = bundled_pages()[PICTURE].body
    hold = channel.hold(PICTURE, after=100)
    with connected(channel) as connection:
        connection.sendall(asking(PICTURE))
        hold.arrived()
        begun = channel.log[0].response
        assert begun.partition(b"\r\n\r\n")[2] == whole[:100]
        assert read_bytes(connection, len(begun)) == begun
        hold.release()
        assert read_to_end(connection) == whole[100:]
    assert channel.log[0].response == begun + whole[100:]


@pytest.mark.parametrize(
    ("let_go", "status"), [(Channel.close, None), (Channel.reset, 200), (lambda channel: channel.restore(PLAIN), 200)]
)
def test_nothing_is_held_for_ever(channel: Channel, let_go: Callable[[Channel], None], status: int | None) -> None:
    channel.slow(PLAIN, 3600)
    with connected(channel) as connection:
        connection.sendall(asking(PLAIN))
        channel.log.wait_for(1)
        let_go(channel)
        answer = read_to_end(connection)
    entry = channel.log.settled()[0]
    assert (entry.status, entry.response) == (status, answer)


def test_slow_pages_come_in_the_end(channel: Channel) -> None:
    channel.slow(PLAIN, 0.01)
    assert get(channel, PLAIN).body == bundled_pages()[PLAIN].body


def test_waiting_ends(channel: Channel) -> None:
    get(channel, PLAIN)
    assert channel.log.wait_for(lambda entries: entries[-1].url == PLAIN)[0].url == PLAIN
    with pytest.raises(TimeoutError, match=re.escape(PLAIN)):
        channel.log.wait_for(2, timeout=0)
    with pytest.raises(TimeoutError, match="0 of 1 requests"):
        channel.hold(PLAIN).arrived(timeout=0)


# Running it


def threads_of_channels() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("channel")}


def test_stops_with_all_its_threads_and_starts_again() -> None:
    before = threads_of_channels()
    channel = Channel()
    channel.close()
    channel.start()
    channel.start()
    port = channel.port
    with connected(channel) as idle, connected(channel) as waiting:
        channel.hold(PLAIN)
        waiting.sendall(asking(PLAIN))
        channel.log.wait_for(1)
        channel.close()
        channel.close()
        assert idle.recv(1) == b""
    assert threads_of_channels() == before
    with pytest.raises(ConnectionRefusedError):
        connected(channel)
    with channel:
        assert channel.port == port
        assert get(channel, PLAIN).status == 200


def serve(*arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "fixtures.server", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_runs_on_its_own_until_it_is_interrupted(ending: signal.Signals) -> None:
    with serve() as process:
        try:
            line = process.stdout.readline()
            port = int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)\n", line)[1])
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
                connection.sendall(asking(PLAIN))
                assert read_to_end(connection).endswith(bundled_pages()[PLAIN].body)
                process.send_signal(ending)
                assert process.communicate(timeout=PATIENCE) == ("", "")
        finally:
            process.kill()
    assert process.returncode == 0


def test_a_port_that_is_taken_is_said(channel: Channel) -> None:
    with serve("--port", str(channel.port)) as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output) == (2, "")
    assert f"cannot listen on port {channel.port}: " in errors
    assert "Traceback" not in errors
