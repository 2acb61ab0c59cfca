"""Words of evidence and timelines name branches as the inventory's keys; people read what they call them."""

from collections.abc import Mapping

from collector.inventory.places import Places
from collector.words.speak import one_line


def labelled(words: Mapping[str, str], tenant: str, places: Places) -> dict[str, str]:
    """The same words, `branch` and the list `names` by label; what is not listed, or no name at all, stays."""

    def label(name: str) -> str:
        return one_line(places.branch(tenant, name).label) if places.known(tenant, name) else name

    given = dict(words)
    if "branch" in given:
        given["branch"] = label(given["branch"])
    if "names" in given:
        given["names"] = ", ".join(label(each) for each in given["names"].split(", "))
    return given
