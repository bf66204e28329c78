"""Live connections over SockJS: sockjs-tornado 1.0.7, with everything replaced that is unsafe or wrong.

Used from it: router, session store and expiry, session states, attaching requests to sessions, preludes and limits of
the xhr transports, JSON. Replaced: all checks and headers, queues (bounded: a client with 1 MB waiting is closed with
4013), reading (awaited, one message at a time), heartbeats, closing, and the WebSocket writer. Left out: jsonp,
htmlfile, the iframe page, cookies. handlers/live.py subclasses `Connection` and mounts an `Endpoint`.
"""

from lib.sockjs.connection import Connection
from lib.sockjs.endpoint import GOING_AWAY, Endpoint
from lib.sockjs.requests import LONGEST_FRAME
from lib.sockjs.sessions import MOST_WAITING, TOO_FAST, TOO_SLOW

__all__ = ["GOING_AWAY", "LONGEST_FRAME", "MOST_WAITING", "TOO_FAST", "TOO_SLOW", "Connection", "Endpoint"]
