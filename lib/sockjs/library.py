"""The only importer of sockjs-tornado, and its encoding of frames.

Importing it warns of invalid escapes and a deprecated decorator: harmless, so the warnings are suppressed. The other
modules of this package replace what is wrong at run time.
"""

import sys
import warnings
from typing import Any

if sys.version_info >= (3, 14):
    raise ImportError(
        "sockjs-tornado 1.0.7 runs on Tornado 6.6 and Python 3.11-3.13; "
        f"this is Python {sys.version_info.major}.{sys.version_info.minor}, with which it was not tested."
    )

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from sockjs.tornado import SockJSConnection, SockJSRouter, proto, session, static, transports  # type: ignore[import-untyped]
    from sockjs.tornado.basehandler import PreflightHandler  # type: ignore[import-untyped]
    from sockjs.tornado.transports.streamingbase import StreamingTransportBase  # type: ignore[import-untyped]
    from sockjs.tornado.websocket import SockJSWebSocketHandler  # type: ignore[import-untyped]

__all__ = [
    "CLOSED",
    "CONNECTING",
    "HEARTBEAT",
    "OPEN",
    "BaseSession",
    "GreetingsHandler",
    "PollingTransportBase",
    "PreflightHandler",
    "RawWebSocketTransport",
    "Session",
    "SockJSConnection",
    "SockJSRouter",
    "SockJSWebSocketHandler",
    "StreamingTransportBase",
    "WebSocketTransport",
    "XhrPollingTransport",
    "XhrStreamingTransport",
    "close_frame",
    "decoded",
    "encoded",
]

BaseSession, Session = session.BaseSession, session.Session
CONNECTING, OPEN, CLOSED = session.CONNECTING, session.OPEN, session.CLOSED
HEARTBEAT = proto.HEARTBEAT
GreetingsHandler = static.GreetingsHandler
PollingTransportBase = transports.pollingbase.PollingTransportBase
RawWebSocketTransport = transports.RawWebSocketTransport
WebSocketTransport = transports.WebSocketTransport
XhrPollingTransport = transports.XhrPollingTransport
XhrStreamingTransport = transports.XhrStreamingTransport


def encoded(text: str) -> str:
    """Returns a message as JSON in pure ASCII, which no proxy or browser can corrupt."""
    json: str = proto.json_encode(text)
    return json


def close_frame(code: int, reason: str) -> str:
    frame: str = "c" + proto.json_encode([code, reason])
    return frame


def decoded(text: str | bytes) -> list[str]:
    """Returns the messages of a client's frame: a string or an array of strings.

    Raises ValueError for anything else.
    """
    try:
        found: Any = proto.json_decode(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    messages = found if isinstance(found, list) else [found]
    if not all(isinstance(message, str) for message in messages):
        raise ValueError("messages must be strings")
    return messages
