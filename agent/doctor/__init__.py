"""`branchline doctor`: what is wrong on this branch router, where, and what to do. Reads; changes nothing."""
