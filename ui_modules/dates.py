"""`<time>` in templates: a day, or a moment with its hour."""

from datetime import datetime

from tornado.web import UIModule

from lib.dates import day_html, moment_html


class Day(UIModule):
    def render(self, date: datetime) -> str:
        return day_html(date)


class Moment(UIModule):
    def render(self, date: datetime) -> str:
        return moment_html(date)
