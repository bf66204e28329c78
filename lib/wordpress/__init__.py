"""Reads what WordPress exports (WXR 1.0 to 1.2): posts and pages with their comments, as plain items."""

from lib.wordpress.export import read

__all__ = ["read"]
