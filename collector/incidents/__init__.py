"""Incidents: one for each cause (docs/design.md section 8). Judging is pure; `book.py` keeps them on disk."""
