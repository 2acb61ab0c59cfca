"""`branchline commission`: an engineer pulls each cable in turn, and a sheet says what the branch did."""
