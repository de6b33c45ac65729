"""An exchange as WARC records: the request, what came before its answer, and the answer."""

from collections.abc import Callable
from typing import NamedTuple

from ciwen_crawler import message
from ciwen_crawler.exchange import Exchange
from ciwen_crawler.original import Original
from ciwen_crawler.warc.record import (
    HTTP_REQUEST,
    HTTP_RESPONSE,
    IDENTICAL,
    METADATA,
    NOT_MODIFIED,
    REQUEST,
    RESPONSE,
    REVISIT,
    ROLE_INTERIM,
    Record,
    build,
    digest,
    new_id,
    urn,
)
from ciwen_crawler.warc.revisit import referring

# An earlier response of the same status with the same payload; asked with that payload and its digest.
FindOriginal = Callable[[message.Message, str], Original | None]


class ExchangeRecords(NamedTuple):
    """The records of one exchange, in the order in which they are written."""

    request: Record
    interims: tuple[Record, ...]  # a 1xx in the response's block makes readers take its status for the response's
    response: Record | None  # or a revisit
    answer: message.Message | None  # what the response was before a revisit left its body out; None where it is no HTTP


def records_of(exchange: Exchange, warcinfo_id: str, find: FindOriginal = lambda _, __: None) -> ExchangeRecords:
    """The records of an exchange, credentials made unreadable; no response where none began.

    A response that has its payload in an original becomes a revisit of that: an identical one that `find` knows, or
    what the request said would not have to be sent again.
    """
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
    if response_id is None:
        return ExchangeRecords(request, interims, None, None)
    block = message.without_secrets(exchange.response)
    answer = message.response(block)
    response = _response(exchange, response_id, block, answer, answers, find)
    return ExchangeRecords(request, interims, response, answer)


def _response(
    exchange: Exchange,
    record_id: str,
    block: bytes,
    answer: message.Message | None,
    fields: dict[str, str | None],
    find: FindOriginal,
) -> Record:
    payload = digest(answer.entity) if answer else None
    more = fields | {"WARC-Payload-Digest": payload, "WARC-Truncated": exchange.truncated}
    if answer is None:
        # What is no HTTP must not be read as an answer by who replays it.
        return build(RESPONSE, record_id, exchange.sent_at, block, "application/octet-stream", more)
    profile, original = _original(exchange, answer, payload or "", find)
    if original is None:
        return build(RESPONSE, record_id, exchange.sent_at, block, HTTP_RESPONSE, more)
    more |= {"WARC-Payload-Digest": original.payload_digest, **referring(profile, original)}
    head, _ = message.split_head(block)
    return build(REVISIT, record_id, exchange.sent_at, head, HTTP_RESPONSE, more)


def _original(
    exchange: Exchange, answer: message.Message, payload: str, find: FindOriginal
) -> tuple[str, Original | None]:
    if answer.status == 304:
        return NOT_MODIFIED, exchange.condition
    # An empty payload takes less than what a revisit says.
    is_worth_it = bool(answer.entity) and exchange.truncated is None
    return IDENTICAL, find(answer, payload) if is_worth_it else None
