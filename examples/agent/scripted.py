"""A model without a network: it plays back what a model might do, mistakes and all."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .loop import Action, Message

Step = Action | Callable[[list[Message]], Action]


class ScriptedModel:
    """Gives one action after another; one that is a function is given the messages."""

    def __init__(self, actions: Iterable[Step]) -> None:
        self._actions = iter(actions)

    async def __call__(self, messages: list[Message]) -> Action:
        """Return the next action."""
        action = next(self._actions)
        return action if isinstance(action, Action) else action(messages)


def run(code: str) -> Action:
    """Return the action that runs code."""
    return Action("run_python", {"code": code})


def answer(messages: list[Message]) -> Action:
    """Answer with the first line of what the tool said last."""
    found = messages[-1]["content"].splitlines()[0]
    return Action("answer", {"text": f"It was {found}."})


ACTIONS: list[Step] = [
    run("import pandas as pd\nsales = pd.read_csv('sales.csv')\nsales"),
    # A mistake: one amount is missing, and the traceback says so.
    run("sales['kilos'] = sales.kilos.astype(int)"),
    run("sales = sales.dropna()\nsales['kilos'] = sales.kilos.astype(int)\nlen(sales)"),
    # A function of the host, by its name.
    run("sales['total'] = sales.kilos * sales.fruit.map(price)\nprint(sales.to_string())"),
    # What cannot be undone in Python is undone by going back.
    run("sales = sales[sales.city == 'Bern']\nlen(sales)"),
    Action("go_back", {"state": "4"}),
    run(
        "import matplotlib.pyplot as plt\n"
        "totals = sales.groupby('city').total.sum().sort_values()\n"
        "totals.plot.barh(title='Sales')\nplt.show()"
    ),
    run("print(f'{totals.index[-1]}, with {totals.iloc[-1]:.2f}')"),
    answer,
]
