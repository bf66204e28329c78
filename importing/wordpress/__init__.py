"""Reads exports of WordPress (WXR 1.0 to 1.2): posts and pages with their comments, as plain items."""

from importing.wordpress.export import is_for, read

__all__ = ["is_for", "read"]
