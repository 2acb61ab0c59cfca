"""The journal: what was acknowledged stands here until the database has it."""
