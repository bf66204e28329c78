"""The private names of sockjs-tornado that this package overrides or uses, because the library offers no public ones.

`OVERRIDDEN` are methods that our classes override, `USED` are names that our code reads or calls, each by the library's
class that has them. tests/lib/test_sockjs_library.py compares both with our sources and the library's, so it fails for
a version that renames one.
"""

VERSION = "1.0.7"

OVERRIDDEN = {
    "BaseHandler": "disable_cache finish handle_session_cookie initialize on_connection_close prepare",
    "BaseSession": "__init__ close send_message verify_state",
    "BaseTransportMixin": "get_conn_info name session_closed",
    "PollingTransportBase": "on_connection_close send_complete session_closed",
    "PreflightHandler": "options preflight",
    "RawWebSocketTransport": "on_message",
    "Session": "on_delete start_heartbeat stop_heartbeat verify_state",
    "SessionMixin": "on_delete",
    "SockJSConnection": "close on_close on_open send",
    "SockJSRouter": "__init__ create_session",
    "SockJSWebSocketHandler": "_execute check_origin",
    "StreamingTransportBase": "send_complete",
    "WebSocketTransport": "on_message",
}
USED = {
    "BaseHandler": "_log_disconnect",
    "BaseSession": "conn conn_info get_close_reason handler is_closed remove_handler send_queue server set_handler state",
    "PollingTransportBase": "_attach_session _detach _get_session active",
    "SockJSRouter": "_sessions_cleanup _transport_urls get_connection_class get_session stats",
    "SockJSWebSocketHandler": "abort_connection",
    "StatsCollector": "_callback",
    "StreamingTransportBase": "notify_sent",
}
