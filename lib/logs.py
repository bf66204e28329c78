"""Logs that keep no secret: each line is masked as it is written, whoever logged it, its traceback included."""

import logging
from collections.abc import Callable

Mask = Callable[[str], str]


class Masked(logging.Formatter):
    """What another formatter makes, masked."""

    def __init__(self, formatter: logging.Formatter, masks: tuple[Mask, ...]) -> None:
        super().__init__()
        self._formatter = formatter
        self._masks = masks

    def format(self, record: logging.LogRecord) -> str:
        text = self._formatter.format(record)
        for mask in self._masks:
            text = mask(text)
        return text


def mask_logs(logger: logging.Logger, *masks: Mask) -> None:
    """From now on mask all that the handlers of this logger write."""
    for handler in logger.handlers:
        handler.setFormatter(Masked(handler.formatter or logging.Formatter(), masks))
