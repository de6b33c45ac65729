"""What a server can do to who reads its pages, lists, stylesheets, images and robots.txt, and what each must leave."""

import gzip
from collections.abc import Callable

from fixtures.markup import list_page, list_url
from fixtures.site import HOME
from tests.hostile import Talk, Trick, leads, page, says
from tests.hostile_wire import (
    CHUNKED,
    EXCESS,
    FAILURE,
    MB,
    NOISE,
    OK,
    Case,
    dripping,
    endless,
    gzipped_bomb,
    silent_after,
    with_page,
)

# Where else a trick is told of: in quarantine; there, for what was left out; as an article of which something was left
# out; nowhere, as its record says it all.
QUARANTINE, CUT, IN_PART, CAPTURE = "quarantine", "cut", "in part", "capture"
PASSWORDS = "/etc/passwd"
_BODY, _HEAD = b"<!--enpcontent-->", b"<title>"


def body_begins(with_: bytes) -> Trick:
    """The page with this before its body."""
    return turned(lambda good: good.replace(_BODY, _BODY + with_, 1))


def head_begins(with_: bytes) -> Trick:
    """The page with this in its head."""
    return turned(lambda good: good.replace(_HEAD, with_ + _HEAD, 1))


def turned(change: Callable[[bytes], bytes], mime: bytes = b"text/html") -> Trick:
    """The page, changed."""
    return with_page(lambda good: page(change(good), mime=mime))


def prologue(with_: bytes) -> Trick:
    """The page with this before everything."""
    return turned(lambda good: with_ + good)


def typed(mime: bytes) -> Trick:
    """The page under another type."""
    return turned(bytes, mime)


def css(text: bytes) -> Trick:
    """A stylesheet."""
    return says(page(text, mime=b"text/css"))


def text(lines: bytes, *more: bytes) -> Trick:
    """A robots.txt."""
    return says(page(lines, *more, mime=b"text/plain"))


_LAUGHS = b"<!DOCTYPE html [<!ENTITY a0 'ha'>" + b"".join(
    b"<!ENTITY a%d '%s'>" % (number, b"&a%d;" % (number - 1) * 10) for number in range(1, 12)
)
_XXE = f'<!DOCTYPE html [<!ENTITY x SYSTEM "file://{PASSWORDS}">]>'.encode()
_MANY = " ".join(f"a{number}=1" for number in range(100_000)).encode()
_LINKS = b"".join(b"<a href=content_%d.html>x</a>" % number for number in range(1_000_000))
_SRCSET = ",".join(f"http://images.evil.example/{number}.jpg {number}w" for number in range(1, 5001)).encode()
_ODD = "\u202e\u2066\ufeff\u200b\ufffe\U0010ffff".encode() + b"\xff\xc0\xed\xa0\x80"

PAGES: dict[str, Case] = {
    # Too much.
    "elements 100,000 deep": Case(body_begins(b"<div>" * 100_000), EXCESS, "more than 50,000 tags"),
    "elements 3,000 deep": Case(body_begins(b"<div>" * 3000), CUT, "2,048 deep"),
    "elements 1,900 deep": Case(body_begins(b"<div>" * 1900 + b"</div>" * 1900)),
    "a million links": Case(body_begins(_LINKS), EXCESS, "more than 16,777,216 bytes"),
    "100,000 attributes": Case(body_begins(b"<p %s>" % _MANY), EXCESS, "more than 500 attributes"),
    "100,000 attributes behind a quote": Case(
        body_begins(b'<!-- <b x=" --><p %s">' % _MANY), EXCESS, "more than 500 attributes"
    ),
    "picture of 5 MB within the page": Case(
        body_begins(b"<img src='data:image/png;base64,%s'>" % (b"A" * 5_000_000)), EXCESS, "longer than 4 MB"
    ),
    "picture of 2 MB within the page": Case(body_begins(b"<img src='data:image/png;base64,%s'>" % (b"A" * 2_000_000))),
    "title of 1 MB": Case(turned(lambda good: good.replace(b"<h1>", b"<h1>" + b"x" * MB, 1))),
    "paragraph of 1 MB": Case(body_begins(b"<p>" + "瓷".encode() * 330_000 + b"</p>")),
    "40,000 paragraphs": Case(body_begins(b"<p>x" * 40_000)),
    "nested tables": Case(body_begins(b"<table><tr><td>x" * 500)),
    "marks in marks": Case(body_begins(b"<b>" * 1000 + b"<i>x</i>" * 15_000)),
    "srcset of 5,000": Case(
        body_begins(b"<img src=/a.jpg srcset='%s'>" % _SRCSET), IN_PART, "names 500 assets or more"
    ),
    "style of 1 MB": Case(head_begins(b"<style>" + b"{" * MB + b"</style>")),
    "blanks of 3 MB": Case(body_begins(b" \n" * 1_500_000)),
    # Entities and what includes other files.
    "entity bomb": Case(prologue(_LAUGHS + b"]>&a11;")),
    "external entity": Case(prologue(_XXE + b"&x;")),
    "external entity in XHTML": Case(
        turned(lambda good: _XXE + good.replace(_BODY, _BODY + b"<p>&x;</p>", 1), b"application/xhtml+xml")
    ),
    "external subset": Case(prologue(b'<!DOCTYPE html SYSTEM "http://evil.example/x.dtd">')),
    "XInclude": Case(body_begins(f'<xi:include href="file://{PASSWORDS}" parse="text"/>'.encode())),
    "server side include": Case(body_begins(f'<!--#include virtual="{PASSWORDS}" -->'.encode())),
    # What never ends, and characters that are none.
    "unclosed comment": Case(turned(lambda good: good + b"<!--" + b"- " * 100_000)),
    "unclosed script": Case(turned(lambda good: good + b"<script>" + b"<p>" * 10_000)),
    "unclosed attribute": Case(turned(lambda good: good + b"<p title='" + b"x" * 100_000)),
    "NULs": Case(body_begins(b"\0" * 100_000 + b"<p>\0x\0</p>")),
    "controls": Case(body_begins(b"<p>" + bytes(range(1, 32)).replace(b"<", b"") * 100 + b"\x1b[2J\x9b2J</p>")),
    "odd characters": Case(body_begins(b"<p>" + _ODD + b"</p>")),
    # Lies.
    "PDF as HTML": Case(says(page(b"%PDF-1.7\0\n" + NOISE * 9)), FAILURE, "no HTML page"),
    "picture as HTML": Case(says(page(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + NOISE)), FAILURE, "no HTML page"),
    "HTML as PDF": Case(typed(b"application/pdf"), FAILURE, "no HTML page, but application/pdf"),
    "HTML as a picture": Case(typed(b"image/jpeg"), FAILURE, "no HTML page, but image/jpeg"),
    "type that is none": Case(typed(b"\xff/\x1b[2J"), FAILURE, "no HTML page"),
    "no type": Case(with_page(lambda good: b"HTTP/1.1 200 OK\r\n\r\n" + good)),
    "another charset": Case(typed(b"text/html; charset=big5")),
    "charset that is none": Case(typed(b"text/html; charset=\xff'\"\x01")),
    "codec that is no charset": Case(typed(b"text/html; charset=unicode_escape")),
    "UTF-7": Case(typed(b"text/html; charset=utf-7")),
    "UTF-16": Case(turned(lambda good: good.decode().encode("utf-16"))),
    "UTF-16 of a byte too few": Case(turned(lambda good: good.decode().encode("utf-16")[:-1])),
    "GB 18030 as GB 2312": Case(turned(lambda good: good.decode().encode("gb18030"), b"text/html; charset=gb2312")),
    "nothing": Case(says(page(b"")), QUARANTINE, "title: absent"),
    # Where it leads.
    "refresh": Case(head_begins(b"<meta http-equiv=refresh content='0;url=http://evil.example/'>")),
    "base elsewhere": Case(head_begins(b"<base href='http://evil.example/'>")),
    "base that is a script": Case(head_begins(b"<base href='javascript:alert(1)//'>")),
    "pager of 10,000 pages": Case(body_begins(b"<ul pages='10000' class='pages'></ul>"), IN_PART, "the first 200"),
    "pager beyond all numbers": Case(turned(lambda good: good + b"<a href='content_1_99999999.html'>x</a>")),
    "links of controls": Case(
        body_begins(b"<a href='http://evil.example/\n\r\t\x1b[2J\x01'>x</a><img src='a\x01b\n.jpg'><a href='//['>x</a>")
    ),
    "addresses of all kinds": Case(
        body_begins(
            b"<img src='file:///etc/passwd'><img src='ftp://x/y.jpg'><img src='javascript:x'><img src='//'>"
            b"<img src='../../../../../../etc/passwd'><img src='http://user:secret@ci.china.com.cn/a.jpg'>"
            b"<img src='http://[::1]/a.jpg'><img src='http://0x7f.1/a.jpg'><img src='http://2130706433/a.jpg'>"
        )
    ),
    "script in the body": Case(
        body_begins(b"<script>alert(1)</script><p onclick=alert(1)>x<svg onload=alert(1)></svg>")
    ),
}

_NAMES = (
    "../../../../etc/passwd",
    "..%2f..%2fetc/content_1.html%00.jpg",
    f"http://ci.china.com.cn/%2e%2e/content_{'9' * 500}.html",
    "javascript:alert('content_1.html')",
    "data:text/html,content_1.html",
    "file:///2025-06/04/content_1.html",
    "http://127.0.0.1:22/2025-06/04/content_1.html",
    "http://user:secret@evil.example/content_1.html",
    "http://ci.china.com.cn@evil.example/2025-06/04/content_1.html",
    "http://ci.china.com.cn\\@evil.example/2025-06/04/content_1.html",
    "http://ci.china.com.cn.evil.example/2025-06/04/content_1.html",
    "//evil.example/2025-06/04/content_1.html",
    "http://[::ffff:127.0.0.1]/content_1.html",
    f"/{'a' * 9000}/content_1.html",
    "/\x1b[2J\u202e/2025-06/04/content_1_9.html",
)
LISTS: dict[str, Case] = {
    "200,000 links": Case(says(page(_LINKS[:6_000_000])), EXCESS, "longer than 4 MB"),
    "60,000 tags": Case(says(page(b"<a href=node_1.html>" * 60_000)), EXCESS, "more than 50,000 tags"),
    "10,000 articles elsewhere": Case(
        says(page(b"".join(b"<a href=http://x.example/content_%d.html>x</a>" % number for number in range(10_000)))),
        EXCESS,
        "links to 5,000 articles or more",
    ),
    "3,000 deep": Case(says(page(b"<p>" + b"<div>" * 3000)), EXCESS, "2,048 deep"),
    "odd addresses": Case(says(page(list_page([(name, "x\x1b[2J\u202ey") for name in _NAMES]).encode())), CAPTURE),
    "noise": Case(says(page(NOISE)), FAILURE, "no HTML page"),
    "nothing": Case(says(page(b"")), CAPTURE),
    "picture": Case(says(page(NOISE, mime=b"image/png")), FAILURE, "no HTML page"),
    "silence": Case(silent_after(OK), FAILURE),
    "endless": Case(endless(OK + b"\r\n", b"<a href=node_1.html>x</a>" * 4000), EXCESS),
}


def renamed(talk: Talk) -> None:
    """A list that leads to itself under the next name, for ever."""
    number = int(talk.url.rpartition("node_")[2].removesuffix(".html"))
    talk.send(page(list_page([(list_url(number + 1), "下一个")], number).encode()))


def paged(talk: Talk) -> None:
    """A page of a list whose pager names further ones, for ever."""
    node, _, number = talk.url.rpartition("node_")[2].removesuffix(".html").partition("_")
    talk.send(page(list_page([], int(node), int(number or 1), int(number or 1) + 5).encode()))


RENAMED, PAGED = 8300000, 8400000  # nodes
_IMPORTS = f"{HOME}css/many-"


def importing(talk: Talk) -> None:
    """A stylesheet that imports two others, which import two each, for ever."""
    number = int(talk.url.removeprefix(_IMPORTS).partition(".")[0])
    css(b"@import 'many-%d.css'; @import url(many-%d.css);" % (2 * number, 2 * number + 1))(talk)


ASSETS: dict[str, Trick] = {
    "many-1.css": importing,
    "itself.css": css(b"@import 'itself.css'; @import url(itself.css#a);"),
    "long.css": css(b"a{background:url(data:x)}" * 40_000),
    "deep.css": css(b"{[(" * 300_000),
    "digits.css": css(b"a{width:" + b"9" * MB + b"}"),
    "files.css": css(b"@import 'file:///etc/passwd'; a{b:url(file:///etc/passwd);c:url(//evil.example/x)}"),
    "page.css": says(page(b"<h1>no stylesheet</h1>")),
    "bomb.css": says(page(gzipped_bomb(), b"Content-Encoding: gzip", mime=b"text/css")),
    "endless.css": endless(CHUNKED, b"10000\r\n" + b"x" * 0x10000 + b"\r\n"),
    "slow.css": dripping(page(b"x" * 1000, mime=b"text/css"), 0.05),
    "script.js": says(page(b"while (true) {}", mime=b"application/javascript")),
}
IMAGES: dict[str, Case] = {
    "page.jpg": Case(says(page(b"<script>alert(1)</script>", mime=b"image/jpeg")), CAPTURE),
    "script.svg": Case(says(page(b"<svg onload=alert(1)>", mime=b"image/svg+xml")), CAPTURE),
    "nothing.jpg": Case(says(page(b"", mime=b"image/jpeg")), CAPTURE),
    "text.png": Case(says(page(b"x", mime=b"text/html")), CAPTURE),
    "endless.jpg": Case(endless(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n", NOISE * 16), EXCESS),
    "broken.jpg": Case(says(OK + b"Content-Length: 9999\r\n\r\nxx"), FAILURE),
    "gone.jpg": Case(says(page(b"", first=b"HTTP/1.1 410 Gone")), FAILURE, "status 410"),
}

# A host's robots.txt, and whether its article is had.
ROBOTS: dict[str, Case] = {
    "binary": Case(text(NOISE)),
    "html": Case(says(page(b"<h1>Disallow: /</h1>"))),
    "long": Case(text(b"# nothing\n" * 500_000)),
    "forbidden": Case(says(page(b"", first=b"HTTP/1.1 403 Forbidden"))),
    "patterns": Case(text(b"User-agent: *\nDisallow: /" + b"*a" * 200 + b"$\n")),
    "bomb": Case(text(gzipped_bomb(), b"Content-Encoding: gzip")),
    "marked": Case(text(b"\xef\xbb\xbfUser-agent: *\nDisallow: /"), FAILURE, "disallows it"),
    "zipped": Case(
        text(gzip.compress(b"User-agent: *\nDisallow: /"), b"Content-Encoding: gzip"), FAILURE, "disallows it"
    ),
    "endless": Case(endless(OK + b"\r\n", b"Disallow: /\n" * 5000), FAILURE, "cannot be had"),
    "looping": Case(leads(b"/robots.txt"), FAILURE, "cannot be had"),
    "silent": Case(silent_after(b""), FAILURE, "cannot be had"),
    "broken": Case(says(b""), FAILURE, "cannot be had"),
    "failing": Case(says(page(b"", first=b"HTTP/1.1 500 Oops")), FAILURE, "cannot be had"),
    "waiting": Case(text(b"User-agent: *\nCrawl-delay: 1e300"), FAILURE),
}
