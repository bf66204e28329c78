"""Live connections over SockJS: what sockjs-tornado 1.0.7 does right, and our own where it is unsafe or wrong.

Kept: its router, session store and expiry, the states of a session, attaching requests to sessions, the xhr transports'
preludes and limits, its JSON. Replaced, in this package only: every check and header, all queues (bounded: 1 MB waiting
for a client closes it with 4013), all reading (in turns, awaited), heartbeats, closing, and the WebSocket writer. Left
out: jsonp, htmlfile, the iframe page, cookies. handlers/live.py subclasses `Connection` and mounts an `Endpoint`.
"""

from lib.sockjs.connection import Connection
from lib.sockjs.endpoint import GOING_AWAY, Endpoint
from lib.sockjs.requests import LONGEST_FRAME
from lib.sockjs.sessions import MOST_WAITING, TOO_FAST, TOO_SLOW

__all__ = ["GOING_AWAY", "LONGEST_FRAME", "MOST_WAITING", "TOO_FAST", "TOO_SLOW", "Connection", "Endpoint"]
