"""All tenants' inventories together, as the rest of the collector asks them. A branch nobody listed is still shown."""

from collections.abc import Iterable

from collector.inventory.model import BranchEntry, Inventory, LineEntry


class Places:
    """Looks branches up by tenant and name; never fails: what is not listed has only its name."""

    def __init__(self, inventories: Iterable[Inventory] = ()) -> None:
        self._branches = {
            (inventory.tenant, branch.name): branch for inventory in inventories for branch in inventory.branch
        }

    def known(self, tenant: str, branch: str) -> bool:
        """Whether the inventory lists it."""
        return (tenant, branch) in self._branches

    def branch(self, tenant: str, branch: str) -> BranchEntry:
        """The branch, or one that has only its name."""
        return self._branches.get((tenant, branch)) or BranchEntry(name=branch)

    def line(self, tenant: str, branch: str, line: str) -> LineEntry | None:
        """One line of it, if listed."""
        return self.branch(tenant, branch).line_of(line)

    def all(self) -> dict[tuple[str, str], BranchEntry]:
        """Every listed branch by (tenant, name)."""
        return dict(self._branches)
