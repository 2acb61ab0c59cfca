"""The small privileged process that moves traffic, holds the roll-back timer and enforces principle 8."""
