"""The one door to grafana-foundation-sdk: importing its classic model warns that a newer model exists.

The classic model is wanted: every Grafana from 10 on loads it, from a file and over HTTP.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import (
        bargauge,
        common,
        dashboard,
        geomap,
        stat,
        statetimeline,
        table,
        text,
        timeseries,
    )
    from grafana_foundation_sdk.cog import builder, plugins, runtime, variants
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models import common as common_models
    from grafana_foundation_sdk.models import dashboard as models
    from grafana_foundation_sdk.models import table as table_models
    from grafana_foundation_sdk.models import text as text_models

__all__ = [
    "JSONEncoder",
    "bargauge",
    "builder",
    "common",
    "common_models",
    "dashboard",
    "geomap",
    "models",
    "plugins",
    "runtime",
    "stat",
    "statetimeline",
    "table",
    "table_models",
    "text",
    "text_models",
    "timeseries",
    "variants",
]
