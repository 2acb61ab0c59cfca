"""What an actuator is told about the branch: values only, so that `failover` does not read anyone's settings file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PathPlan:
    """One path. Empty string or tuple: not set. `mtu` in bytes."""

    name: str
    interface: str
    gateway_ipv4: str = ""  # empty: taken from the main table's default route over this interface
    gateway_ipv6: str = ""
    dns: tuple[str, ...] = ()
    ipv6_prefix: str = ""
    mtu: int = 1500
    canary_ipv4: str = ""  # packets from this address always leave by this path


@dataclass(frozen=True, slots=True)
class ActuatorSettings:
    """All paths in the order of the settings file: a path's place gives it its routing table."""

    paths: tuple[PathPlan, ...]
    lan_interface: str = ""
    resolv_file: str = ""
    canary_network: str = ""  # its replies are no evidence of users' traffic
