"""Runs at the centre: takes records from the broker, journals them before it acknowledges, and feeds the database."""
