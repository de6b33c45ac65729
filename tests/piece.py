"""An article of a channel that lives: what it says, and what of that matters."""

from dataclasses import dataclass, field
from datetime import datetime

from fixtures.markup import Article, picture

SITE = "http://ci.china.com.cn"
HERE, NOT_FOUND, GONE, SENT_HOME = 200, 404, 410, 302

Paragraph = tuple[tuple[str, str], ...]  # words, and the mark after each


@dataclass(frozen=True)
class Said:
    """What an article says."""

    title: str
    moment: datetime  # in Beijing
    paragraphs: tuple[Paragraph, ...]
    pictures: tuple[tuple[str, str], ...] = ()  # path, caption

    @property
    def text(self) -> str:
        """Its body without white space."""
        return "".join(words + mark for paragraph in self.paragraphs for words, mark in paragraph)

    @property
    def published_at(self) -> str:
        """As the archive writes it."""
        return f"{self.moment:%Y-%m-%dT%H:%M:%S}+08:00"

    @property
    def images(self) -> tuple[tuple[str, str], ...]:
        """URLs and captions."""
        return tuple((SITE + path, caption) for path, caption in self.pictures)

    @property
    def substance(self) -> object:
        """What no edit of marks or of the date changes."""
        return self.title, [[words for words, _ in paragraph] for paragraph in self.paragraphs], self.pictures


@dataclass
class Piece:
    """An article: what it says, and where."""

    number: int
    said: Said
    folder: str  # 2025-06/04
    status: int = HERE
    space: str = ""  # between its words; means nothing
    before: list[Said] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"china.com.cn:{self.number}"

    @property
    def url(self) -> str:
        return f"{SITE}/{self.folder}/content_{self.number}.html"

    def page(self) -> str:
        """Its page, as it is served where it stands."""
        said = self.said
        paragraphs = [self.space.join(words + mark for words, mark in paragraph) for paragraph in said.paragraphs]
        pictures = [picture(path, caption) for path, caption in said.pictures]
        day, time = f"{said.moment:%Y-%m-%d %H:%M:%S}".split()
        article = Article(self.number, said.title, (*paragraphs, *pictures), day=day, time=time)
        return article.page().replace(article.url, self.url)
