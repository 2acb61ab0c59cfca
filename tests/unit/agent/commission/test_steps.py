from agent.commission.steps import plan
from tests.unit.agent.commission.branch_values import settings


def keys(*wires: str, cell: bool = True, broker: bool = True) -> list[str]:
    return [
        step.key + (f"!{step.absent}" if step.absent else "")
        for step in plan(settings(wires, cell=cell, broker=broker))
    ]


def test_each_wire_then_all_of_them() -> None:
    assert keys("fibre", "dsl") == [
        *("start", "pull:fibre", "plug:fibre", "pull:dsl", "plug:dsl", "all_out", "all_in", "collector"),
        *("ups!no_ups", "water!no_water"),
    ]


def test_what_a_branch_does_not_have_is_said() -> None:
    assert "all_out!no_cellular" in keys("fibre", "dsl", cell=False)
    assert "all_out!one_wire" in keys("fibre")
    assert "collector!no_broker" in keys("fibre", "dsl", broker=False)
