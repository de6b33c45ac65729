"""What a page would do in the reader's browser, it does not do out of `body_html`: known ways past a sanitiser."""

from html.parser import HTMLParser

import pytest

from ciwen_crawler.pages import read_article
from tests.cases import html
from tests.markup import Markup

PAYLOADS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<script/x>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<<script>alert(1)//<</script>",
    "<p onclick=alert(1)>x</p>",
    "<p/onmouseover='alert(1)'>x</p>",
    "<img src=x onerror=alert(1)>",
    "<img src='/a.jpg' alt='\" onerror=alert(1) x=\"'>",
    "<img src='/a.jpg\" onerror=\"alert(1)'>",
    "<img src=`x` onerror=alert(1)>",
    "<img alt='<script>alert(1)</script>' src=/a.jpg>",
    "<image src=x onerror=alert(1)>",
    "<img src=javascript:alert(1)>",
    "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='JaVaScRiPt:alert(1)'>x</a>",
    "<a href=' &#14; javascript:alert(1)'>x</a>",
    "<a href='java&#9;script:alert(1)'>x</a>",
    "<a href='java&#10;script:alert(1)'>x</a>",
    "<a href='&#106;avascript&colon;alert(1)'>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='file:///etc/passwd'>x</a>",
    "<a href='/a\" onclick=\"alert(1)'>x</a>",
    "<a href='/a' style='position:fixed' target=_top>x</a>",
    "<a xlink:href=javascript:alert(1)>x</a>",
    "<base href=javascript:alert(1)//><a href=x>x</a>",
    "<style>@import '//evil.example/x.css'</style>",
    "<p style='background:url(javascript:alert(1))'>x</p>",
    "<p style='width:expression(alert(1))'>x</p>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<svg><a xlink:href=javascript:alert(1)><text>x</text></a></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "<svg><foreignObject><iframe src=javascript:alert(1)></iframe></foreignObject></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<math href=javascript:alert(1)>x</math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!-- --!><img src=x onerror=alert(1)>",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<textarea><img title='</textarea><img src=x onerror=alert(1)>'></textarea>",
    "<title><img title='</title><img src=x onerror=alert(1)>'></title>",
    "<template><img src=x onerror=alert(1)></template>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)></object><embed src=javascript:alert(1)>",
    "<form action=javascript:alert(1)><button formaction=javascript:alert(1)>x</button><input autofocus onfocus=a()>",
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "<video src=javascript:alert(1) poster=javascript:alert(1) onerror=alert(1)></video>",
    "<video><source src=x onerror=alert(1)></video>",
    "<table background=javascript:alert(1)><tr><td onclick=alert(1)>x</table>",
    "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>",
    "<p>&amp;lt;img src=x onerror=alert(1)&amp;gt;</p>",
    "<p title='</p><script>alert(1)</script>'>x</p>",
    "<xmp><p title='</xmp><script>alert(1)</script>'></xmp>",
    "<plaintext><script>alert(1)</script>",
    "<h2 id=cookie name=body><em class=x>x</em></h2>",
]


class Links(HTMLParser):
    """Every address of a piece of markup."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "poster")]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_of_a_page_runs_in_its_markup(payload: str) -> None:
    markup = read_article(html(f"<!--enpcontent--><p>一</p><div>{payload}</div><!--/enpcontent-->")).body_html or ""
    assert markup.startswith("<p>一"), "what came before it is there"
    assert Markup(markup).faults == []
    assert [each for each in Links(markup).addresses if not each.startswith(("http://", "https://"))] == []
