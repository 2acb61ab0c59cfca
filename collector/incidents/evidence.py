"""What speaks for a cause, and what against it: codes whose sentences stand in `collector.words.incident_words`."""

from enum import StrEnum

from collector.incidents.model import Evidence


class EvidenceCode(StrEnum):
    """One kind of reason. The words of its sentence stand behind it."""

    UPS_ON_BATTERY = "ups_on_battery"  # branch, device
    NO_VOLTAGE = "no_voltage"  # branch, device, volts
    SECOND_DEVICE = "second_device"  # branch, device, source
    MAINS_RELAY = "mains_relay"  # branch, device
    AREA_WITHOUT_MAINS = "area_without_mains"  # area, count
    LINES_DIED_AFTER_MAINS = "lines_died_after_mains"  # count
    SILENT_IN_AREA = "silent_in_area"  # branch, area
    VOLTAGE_FINE = "voltage_fine"  # branch, device, volts
    MAINS_ELSEWHERE = "mains_elsewhere"  # branch, device
    ONE_SIGN = "one_sign"  # branch
    WATER_SENSOR = "water_sensor"  # branch, sensor
    WATER_NO_EVIDENCE = "water_no_evidence"  # branch, sensor, sensor_state
    LINES_DIED_IN_ZONE = "lines_died_in_zone"  # zone, count
    CARRIER_LINES = "carrier_lines"  # isp, down, total, branches
    CARRIER_REGIONS = "carrier_regions"  # regions
    CARRIER_EXCLUDED = "carrier_excluded"  # isp, count
    OTHER_LINE_WORKS = "other_line_works"  # branch, line, other
    ANCHOR_SILENT = "anchor_silent"  # anchor, branches, isps
    NO_EVIDENCE = "no_evidence"  # branch
    COLLECTOR_DEAF = "collector_deaf"  # nothing


AGAINST = frozenset(
    {
        EvidenceCode.VOLTAGE_FINE,
        EvidenceCode.MAINS_ELSEWHERE,
        EvidenceCode.ONE_SIGN,
        EvidenceCode.WATER_NO_EVIDENCE,
        EvidenceCode.CARRIER_EXCLUDED,
        EvidenceCode.NO_EVIDENCE,
    }
)
"""These lower the confidence in a cause, or say why there is none."""


def evidence(code: EvidenceCode, at_s: float, **words: object) -> Evidence:
    """One piece of evidence; `words` become text."""
    return Evidence(str(code), at_s, {name: str(word) for name, word in words.items()})
