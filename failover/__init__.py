"""Judging and acting: pure decisions that can be replayed, and the actuators that carry them out. Imports wire."""
