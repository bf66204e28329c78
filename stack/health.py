"""Whether a process or nginx answers `GET /status`, and waiting until it does."""

import http.client
import time
from collections.abc import Callable

from stack.commands import Refused

START_SECONDS = 60
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # listening there, nginx is reached here


def is_serving(port: int) -> bool:
    return status("127.0.0.1", port) == 200


def status(address: str, port: int) -> int | None:
    """The status code of the answer; None where nothing answers."""
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
    """Return when it is up. Refused when it is not within these seconds, or has ended instead."""
    end = time.monotonic() + seconds
    while not is_up():
        if not is_alive():
            raise Refused(f"{who} ended instead of answering; see the logs in SITE_DATA/log.")
        if time.monotonic() > end:
            raise Refused(f"{who} does not answer after {seconds:g} s; see the logs in SITE_DATA/log.")
        time.sleep(0.03)
