"""Telling people. A notifier is one file and one line in `notifiers.py`; `outbox.py` sees that each message arrives."""
