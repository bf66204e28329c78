"""A figure: a measured value, with its promise if there is one."""

from typing import NamedTuple


class Figure(NamedTuple):
    what: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def promise(self) -> str:
        """Returns `at most 26` or `at least 0.5`; empty without a promise."""
        bounds = (("at most", self.at_most), ("at least", self.at_least))
        return " and ".join(f"{words} {bound:g}" for words, bound in bounds if bound is not None)

    @property
    def is_kept(self) -> bool:
        """Whether the value keeps the promise."""
        is_low_enough = self.at_most is None or self.value <= self.at_most
        return is_low_enough and (self.at_least is None or self.value >= self.at_least)
