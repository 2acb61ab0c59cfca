"""A simulated fleet: synthetic probe results and readings into the shipped machine, records out over real MQTT."""
