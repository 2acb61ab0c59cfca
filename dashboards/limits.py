"""What Grafana takes: the grid, the model, the panels of a plain installation."""

COLUMNS = 24
MAX_SCHEMA_VERSION = 42
"""The newest classic model; Grafana 10 to 13 take it or an older one."""

PANELS = frozenset(
    {
        "bargauge",
        "gauge",
        "geomap",
        "heatmap",
        "stat",
        "state-timeline",
        "status-history",
        "table",
        "text",
        "timeseries",
    }
)
