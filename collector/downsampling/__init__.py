"""Hours made from windows by the collector itself, so that every database serves (docs/design.md, storage)."""
