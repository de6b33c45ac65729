"""The body: what is a paragraph, what a caption, what is no part of the article."""

import pytest

from ciwen_crawler.items import ArticlePage
from ciwen_crawler.pages import read_article
from tests.cases import html
from tests.markup import Markup

CENTRE = 'style="text-align: center"'
IMAGE = '<img src="/pic/a.jpg" alt="image.png">'
WRITTEN = '<img src="http://ci.china.com.cn/pic/a.jpg" alt="image.png">'


def read(markup: str) -> ArticlePage:
    page = read_article(html(f"<!--enpcontent-->{markup}<!--/enpcontent-->"))
    assert Markup(page.body_html or "").faults == []
    return page


@pytest.mark.parametrize(
    ("markup", "body", "body_html"),
    [
        pytest.param("<p>\u3000\u3000一&nbsp;</p><p> </p><p><br></p>", "一", "<p>一</p>", id="indents"),
        pytest.param("<p>景<span>德</span><font>镇</font></p>", "景德镇", "<p>景德镇</p>", id="spans join"),
        pytest.param("<p>a <span>b</span> c</p>", "a b c", "<p>a b c</p>", id="blanks between"),
        pytest.param("一<br>二<br/>三", "一\n二\n三", "<p>一</p><p>二</p><p>三</p>", id="line breaks"),
        pytest.param("<div>一<p>二</p>三</div>", "一\n二\n三", "<p>一</p><p>二</p><p>三</p>", id="mixed"),
        pytest.param(
            "<p><b>一<i>二</i></b><strong></strong></p>", "一二", "<p><strong>一<em>二</em></strong></p>", id="marks"
        ),
        pytest.param(
            "<b>一<br>二</b>",
            "一\n二",
            "<p><strong>一</strong></p><p><strong>二</strong></p>",
            id="a mark over lines",
        ),
        pytest.param("<h1>一</h1><h5>二</h5>", "一\n二", "<h2>一</h2><h4>二</h4>", id="headings"),
        pytest.param("<p>1 &lt; 2 &amp; 3</p>", "1 < 2 & 3", "<p>1 &lt; 2 &amp; 3</p>", id="entities"),
        pytest.param(
            '<p><a href="/a" onclick="x()">一</a><a href="javascript:x()">二</a></p>',
            "一二",
            '<p><a href="http://ci.china.com.cn/a">一</a>二</p>',
            id="links",
        ),
        pytest.param(
            "<ul><li>一</li><li><p>二</p><p>三</p></li></ul>",
            "一\n二\n三",
            "<ul><li>一</li><li>二<br>三</li></ul>",
            id="list",
        ),
        pytest.param(
            "<ul>一<li>二</li><ul><li>三</li></ul></ul>",
            "一\n二\n三",
            "<ul><li>一</li><li>二</li><li>三</li></ul>",
            id="crooked list",
        ),
        pytest.param("<li>一</li>", "一", "<p>一</p>", id="item without a list"),
        pytest.param("<ul><li> </li></ul><p>一</p>", "一", "<p>一</p>", id="empty list"),
        pytest.param(
            "<table><tbody><tr><th>产区</th><th>产值</th></tr><tr><td><p>昌江</p></td><td>1<br>2</td></tr></tbody></table>",
            "产区 产值\n昌江 1 2",
            "<table><tr><th>产区</th><th>产值</th></tr><tr><td>昌江</td><td>1<br>2</td></tr></table>",
            id="table",
        ),
        pytest.param(
            "<table><tr><td><p>一</p><p>二</p></td></tr></table>",
            "一\n二",
            "<table><tr><td>一<br>二</td></tr></table>",
            id="table that lays out",
        ),
        pytest.param(
            "<table>一<tr>二<td>三</td><td>四</td></tr></table>",
            "一\n二 三 四",
            "<table><tr><td>一</td></tr><tr><td>二</td><td>三</td><td>四</td></tr></table>",
            id="crooked table",
        ),
    ],
)
def test_text_and_markup(markup: str, body: str, body_html: str) -> None:
    page = read(markup)
    assert (page.body, page.body_html) == (body, body_html)


@pytest.mark.parametrize(
    "furniture",
    [
        pytest.param("<script>var a = 1</script><style>p {}</style><noscript>x</noscript>", id="script"),
        pytest.param('<span id="cnki_grabber" style="visibility: hidden;">x</span>', id="grabber"),
        pytest.param('<p style="DISPLAY:none">x</p>', id="hidden"),
        pytest.param("<p hidden>x</p>", id="hidden attribute"),
        pytest.param('<div class="editor">x</div>', id="editor"),
        pytest.param(
            '<div width="100%" id="autopage"><center><a href="content_1_2.html">2</a></center></div>', id="old pager"
        ),
        pytest.param('<ul pages="3" current="1"><li>下一页</li></ul>', id="new pager"),
        pytest.param('<div class="informShare">分享到：<div class="copySuccess">链接已复制</div></div>', id="share"),
        pytest.param("<p>【责任编辑：郭旭】</p>", id="editor's line"),
        pytest.param("<p>编辑：郭旭</p>", id="short editor's line"),
        pytest.param("<p>上一页 1 2 下一页</p>", id="pager words"),
        pytest.param("<p>返回顶部</p>", id="top"),
        pytest.param("<p>字体：大 中 小</p>", id="font size"),
        pytest.param("<p>无障碍</p><p>返回顶部</p>", id="accessibility"),
        pytest.param("<iframe>x</iframe><select><option>x</select><input value=x>", id="controls"),
        pytest.param('<img src="/fileTypeImages/pdf.gif"><img title="返回光明网首页" src="/logo.png">', id="icons"),
        pytest.param(
            '<img src="data:image/gif;base64,R0"><img src="/a/blank.gif"><img src="http://"><img src="#">',
            id="placeholders",
        ),
    ],
)
def test_furniture(furniture: str) -> None:
    page = read(f"<p>一</p>{furniture}")
    assert (page.body, page.body_html, page.images) == ("一", "<p>一</p>", ())


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("编辑：您好。", id="a sentence"),
        pytest.param(
            "责任编辑：这一行业的人都明白，一篇稿件要经过三审三校才能与读者见面，哪怕是一个标点也不能放过。", id="long"
        ),
        pytest.param("无障碍", id="a subheading"),
        pytest.param("首页", id="a word"),
        pytest.param("编辑：甲", id="a speaker"),
    ],
)
def test_lines_that_only_look_like_furniture(line: str) -> None:
    assert read(f"<p>一</p><p>{line}</p><p>二</p>").body == f"一\n{line}\n二"


def test_a_signature_is_body() -> None:
    assert read(f"<p>一</p><p {CENTRE}>{IMAGE}</p><p {CENTRE}>（郭旭）</p>").body == "一\n（郭旭）"


@pytest.mark.parametrize(
    "markup",
    [
        pytest.param(f"<p {CENTRE}>{IMAGE}</p><p {CENTRE}>签约仪式</p>", id="centred"),
        pytest.param(f'<p align="center">{IMAGE}</p><p align="center"><font>签约仪式</font></p>', id="align"),
        pytest.param(f"<center>{IMAGE}<br>签约仪式</center>", id="center"),
        pytest.param(f'<p>{IMAGE}</p><p class="pictext">签约仪式</p>', id="class"),
        pytest.param(f"<figure>{IMAGE}<figcaption>签约仪式</figcaption></figure>", id="figure"),
        pytest.param(
            f'<div class="x">{IMAGE}</div><p {CENTRE}><br></p><p {CENTRE}>签约仪式</p>', id="empty line between"
        ),
        pytest.param(
            '<p><img src="/pic/a.jpg" alt="image.png" class="picture-illustrating" '
            'data-original-title="签约&lt;b&gt;仪式&lt;/b&gt;"></p>',
            id="attribute",
        ),
    ],
)
def test_caption(markup: str) -> None:
    page = read(f"<p>一</p>{markup}<p>二</p>")
    assert (page.body, [image.caption for image in page.images]) == ("一\n二", ["签约仪式"])
    assert page.body_html == f"<p>一</p><figure>{WRITTEN}<figcaption>签约仪式</figcaption></figure><p>二</p>"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("<p>签约仪式</p>", id="set left"),
        pytest.param(f"<p {CENTRE}>仪式由商会主持。</p>", id="a sentence"),
        pytest.param(f"<p {CENTRE}>一、产区观察</p>", id="numbered"),
        pytest.param(f"<p {CENTRE}>{'瓷' * 91}</p>", id="long"),
        pytest.param('<p style="text-align:left">Kadıköy/İstanbul</p>', id="an address"),
    ],
)
def test_no_caption(line: str) -> None:
    page = read(f"<p {CENTRE}>{IMAGE}</p>{line}<p>二</p>")
    assert [image.caption for image in page.images] == [None]
    assert len((page.body or "").split("\n")) == 2


def test_a_sentence_is_a_caption_where_it_says_so() -> None:
    line = "图为签约仪式现场。新华社记者 甲 摄"
    assert read(f"<p {CENTRE}>{IMAGE}</p><p {CENTRE}>{line}</p>").images[0].caption == line


def test_a_caption_is_of_the_picture_right_before_it() -> None:
    page = read(f"<p {CENTRE}>{IMAGE}</p><p {CENTRE}>{IMAGE}</p><p {CENTRE}>签约仪式</p>")
    assert [image.caption for image in page.images] == [None, "签约仪式"]


def test_a_picture_is_not_captioned_across_text() -> None:
    page = read(f"<p {CENTRE}>{IMAGE}</p><p>一</p><p {CENTRE}>签约仪式</p>")
    assert (page.body, page.images[0].caption) == ("一\n签约仪式", None)


@pytest.mark.parametrize(
    ("attributes", "url"),
    [
        ('src="/a.jpg" data-src="/b.jpg"', "http://ci.china.com.cn/a.jpg"),
        ('src="/blank.gif" data-src="/b.jpg"', "http://ci.china.com.cn/b.jpg"),
        ('data-original="/b.jpg"', "http://ci.china.com.cn/b.jpg"),
        ('src="" data_ue_src="/b.jpg"', "http://ci.china.com.cn/b.jpg"),
        ('src="t2_(69X3X523X292)a.png"', "http://ci.china.com.cn/2025-06/04/t2_(69X3X523X292)a.png"),
    ],
)
def test_image_address(attributes: str, url: str) -> None:
    assert [image.url for image in read(f"<p><img {attributes}></p>").images] == [url]


def test_video_with_its_poster() -> None:
    page = read_article(
        html(
            '<div class="article"><div id="vf"><div id="videoarea"></div>'
            '<span id="videofile" src="/a.mp4" poster="/a.jpg"></span></div>'
            "<!--enpcontent--><p>一</p><!--/enpcontent--></div>"
        )
    )
    assert [(image.url, image.alt, image.caption) for image in page.images] == [
        ("http://ci.china.com.cn/a.jpg", None, None)
    ]
    assert page.body_html == (
        '<video src="http://ci.china.com.cn/a.mp4" poster="http://ci.china.com.cn/a.jpg"></video><p>一</p>'
    )


def test_video_without_poster_is_no_image() -> None:
    page = read('<p>一</p><video><source src="/a.mp4"></video><p>二</p>')
    assert (page.images, page.body) == ((), "一\n二")
    assert page.body_html == '<p>一</p><video src="http://ci.china.com.cn/a.mp4"></video><p>二</p>'
