"""branchline: keeps branch offices online when flooding or a power cut takes their wired lines."""

__version__ = "0.1.0"
