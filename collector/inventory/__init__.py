"""Inventory: what the company knows of its branches, lines, SIMs and power (docs/design.md section 3)."""
