"""`branchline doctor --bench`: what this machine can do, measured here, in a form its owner can paste back."""
