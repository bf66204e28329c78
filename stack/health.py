"""Asks a process or nginx for `GET /status`, and waits until it answers."""

import http.client
import time
from collections.abc import Callable

from stack.commands import Refused

START_SECONDS = 60
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # a wildcard that nginx listens on → an address that reaches it


def is_serving(port: int) -> bool:
    return status("127.0.0.1", port) == 200


def status(address: str, port: int) -> int | None:
    """Returns the status code of the answer; None if there is no answer within 5 s."""
    connection = http.client.HTTPConnection(EVERYWHERE.get(address, address), port, timeout=5)
    try:
        connection.request("GET", "/status")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def wait_until(
    who: str, is_up: Callable[[], bool], seconds: float = START_SECONDS, is_alive: Callable[[], bool] = lambda: True
) -> None:
    """Waits until `is_up`. Raises Refused, which names `who`, after these seconds or if the process has ended."""
    end = time.monotonic() + seconds
    while not is_up():
        if not is_alive():
            raise Refused(f"{who} ended instead of answering; see the logs in SITE_DATA/log.")
        if time.monotonic() > end:
            raise Refused(f"{who} does not answer after {seconds:g} s; see the logs in SITE_DATA/log.")
        time.sleep(0.03)
