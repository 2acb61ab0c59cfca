"""One file per actuator; added to ACTUATORS and nowhere else."""
