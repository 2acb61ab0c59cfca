"""The collector's own page: wall, branches, incidents. Server-rendered, live by server-sent events."""
