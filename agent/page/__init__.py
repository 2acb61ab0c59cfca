"""The branch's own page: what the agent knows, for people at the branch, also with no WAN. Reads, never acts."""
