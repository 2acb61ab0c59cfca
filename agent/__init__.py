"""What runs at the branch: probes, spool, uplink, and the small privileged actor."""
