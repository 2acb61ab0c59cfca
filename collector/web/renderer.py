"""Makes HTML of views. Everything is escaped; a name a template does not know is an error, not a hole."""

from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined

from collector.clock import SteadyClock
from collector.web.stamps import age, iso, stamp, zone_of
from collector.web.statics import Statics
from collector.words import LANGUAGES
from collector.words.incident_words import state_name
from collector.words.page_words import WORDS
from collector.words.speak import say


class Renderer:
    """Templates of `collector/web/templates`. `zone` is the one for times that belong to no branch."""

    def __init__(self, statics: Statics, clock: SteadyClock, timezone: str) -> None:
        self._clock = clock
        self.zone = zone_of(timezone)
        self._environment = Environment(
            loader=PackageLoader("collector.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["static_url"] = statics.url
        self._environment.globals["languages"] = LANGUAGES
        self._environment.filters["iso"] = iso

    def render(self, template: str, language: str, view: Mapping[str, object]) -> str:
        """One page or fragment.

        Raises:
            jinja2.UndefinedError: the view lacks what the template names.
        """
        now_s = self._clock.now_s()

        def stamp_of(at_s: float, zone: str = "", *, seconds: bool = False) -> str:
            return stamp(at_s, now_s, zone_of(zone) if zone else self.zone, language, seconds=seconds)

        return self._environment.get_template(template).render(
            view,
            lang=language,
            now_s=now_s,
            t=lambda code, **words: say(WORDS, language, code, words),
            state_word=lambda state: state_name(language, state).upper(),
            stamp=stamp_of,
            day=lambda at_s, zone: stamp(at_s, now_s, zone_of(zone), language, only_day=True),
            clock=lambda at_s, zone: stamp(at_s, at_s, zone_of(zone), language),
            age=lambda since_s: age(now_s - since_s, language),
        )
