"""The map of notifiers: adding one is one file, one line here, and its name and keys in `settings.py`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from collector.notify.alertmanager import Alertmanager
from collector.notify.apprise_urls import AppriseUrls
from collector.notify.base import Notifier
from collector.notify.settings import NotifySettings
from collector.notify.smtp import Smtp
from collector.notify.webhook import Webhook

Factory = Callable[[NotifySettings, str], Notifier]

NOTIFIERS: Mapping[str, Factory] = MappingProxyType(
    {
        "webhook": lambda settings, _: Webhook(settings),
        "smtp": lambda settings, _: Smtp(settings),
        "apprise": lambda settings, _: AppriseUrls(settings),
        "alertmanager": Alertmanager,
    }
)
"""Kind -> (settings, name of this collector) -> notifier. Call inside a running event loop; raises SettingsError."""


def make_notifiers(settings: tuple[NotifySettings, ...], collector: str) -> list[tuple[NotifySettings, Notifier]]:
    """One for each receiver, inside a running event loop.

    Raises:
        SettingsError: a file that the settings name cannot be used, or a package is missing.
    """
    return [(each, NOTIFIERS[each.kind](each, collector)) for each in settings]
