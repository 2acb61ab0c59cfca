"""`branchline demo`: broker, collector, the real agent on this machine's links, and a simulated fleet, for a look."""
