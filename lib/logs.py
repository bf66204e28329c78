"""Masks secrets in logs: in each line when it is written, from any logger, including tracebacks."""

import logging
from collections.abc import Callable

Mask = Callable[[str], str]


class Masked(logging.Formatter):
    """Masks the output of another formatter."""

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
    """Masks everything that the present handlers of this logger write."""
    for handler in logger.handlers:
        handler.setFormatter(Masked(handler.formatter or logging.Formatter(), masks))
