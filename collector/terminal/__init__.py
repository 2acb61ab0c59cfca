"""What the collector knows, in the terminal of its own machine: read from its files, so it works without the page."""
