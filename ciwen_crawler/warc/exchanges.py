"""An exchange as WARC records: the request, what came before its answer, and the answer."""

from typing import NamedTuple

from ciwen_crawler import message
from ciwen_crawler.exchange import Exchange
from ciwen_crawler.warc.record import (
    HTTP_REQUEST,
    HTTP_RESPONSE,
    METADATA,
    REQUEST,
    RESPONSE,
    ROLE_INTERIM,
    Record,
    build,
    digest,
    new_id,
    urn,
)


class ExchangeRecords(NamedTuple):
    """The records of one exchange, in the order in which they are written."""

    request: Record
    interims: tuple[Record, ...]  # a 1xx in the response's block makes readers take its status for the response's
    response: Record | None


def records_of(exchange: Exchange, warcinfo_id: str) -> ExchangeRecords:
    """The records of an exchange, credentials made unreadable; no response where none began."""
    request_id, response_id = new_id(), new_id() if exchange.response else None
    of_all = {
        "WARC-Target-URI": message.without_userinfo(exchange.url),
        "WARC-Warcinfo-ID": urn(warcinfo_id),
        "WARC-IP-Address": exchange.ip,
    }
    answers = of_all | {"WARC-Concurrent-To": urn(request_id)}
    request = build(
        REQUEST,
        request_id,
        exchange.sent_at,
        message.without_secrets(exchange.request),
        HTTP_REQUEST,
        of_all
        | {
            "WARC-Concurrent-To": urn(response_id) if response_id else None,
            "Ciwen-Kind": exchange.kind,
            "Ciwen-Via": message.without_userinfo(exchange.via) if exchange.via else None,
        },
    )
    # Without the URL, under which index makers would list it as if it were the page.
    of_interims = answers | {"WARC-Target-URI": None, "Ciwen-Role": ROLE_INTERIM}
    interims = tuple(
        build(METADATA, new_id(), exchange.sent_at, message.without_secrets(interim), HTTP_RESPONSE, of_interims)
        for interim in exchange.interim
    )
    response = _response(exchange, response_id, answers) if response_id else None
    return ExchangeRecords(request, interims, response)


def _response(exchange: Exchange, record_id: str, fields: dict[str, str | None]) -> Record:
    block = message.without_secrets(exchange.response)
    parsed = message.response(block)
    payload = digest(parsed.entity) if parsed else None
    more = fields | {"WARC-Payload-Digest": payload, "WARC-Truncated": exchange.truncated}
    # What is no HTTP must not be read as an answer by who replays it.
    content_type = HTTP_RESPONSE if parsed else "application/octet-stream"
    return build(RESPONSE, record_id, exchange.sent_at, block, content_type, more)
