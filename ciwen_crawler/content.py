"""When two readings of an article are the same content: width, composition and white space do not count."""

import hashlib

from ciwen_crawler.items import Article
from ciwen_crawler.text import content_form

_PARTING = "\x1f"  # a control character, which no field keeps


def content_hash(article: Article) -> str:
    """SHA-256 in hex over title, source, author, editor, published_at, body, and each image's URL and caption."""
    fields = [article.title, article.source, article.author, article.editor, article.published_at, article.body]
    for image in article.images:
        fields += [image.url, image.caption]
    return hashlib.sha256(_PARTING.join(map(content_form, fields)).encode()).hexdigest()
