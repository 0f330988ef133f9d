"""The words of a hyperparameter search: which of a recipe's fields are varied, over what, and when a trial is given up."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Value = bool | int | float | str
"""What a search can try; lists and objects are no values of a trial."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(_Strict):
    """Numbers from ``low`` to ``high``, both included; even on a logarithmic scale with ``log``, integers with ``whole``."""

    kind: Literal["range"] = "range"
    low: float
    high: float
    log: bool = False
    whole: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError("low must be below high, and above 0 on a logarithmic scale")
        if self.whole and not (self.low.is_integer() and self.high.is_integer()):
            raise ValueError("the limits of whole numbers are whole numbers")
        return self

    @property
    def values(self) -> tuple[Value, ...]:
        """The limits, as what is tried."""
        return (int(self.low), int(self.high)) if self.whole else (self.low, self.high)


class Choice(_Strict):
    """One of some values."""

    kind: Literal["choice"] = "choice"
    values: tuple[Value, ...] = Field(min_length=1)


Parameter = Annotated[Range | Choice, Field(discriminator="kind")]
DEFAULT: dict[str, Parameter] = {
    "learning_rate": Range(low=1e-5, high=1e-2, log=True),
    "weight_decay": Range(low=1e-5, high=1e-1, log=True),
}


class Search(_Strict):
    """What ``tune`` varies: ``parameters`` are fields of the recipe, with dots for those inside (``input.size``).

    ``settings`` are values of fields that hold during the search only. ``median``: a trial ends once its best score so far is
    below the median of the other trials' at the same epoch, from ``warmup`` epochs and ``startup`` finished trials on.
    """

    parameters: dict[str, Parameter] = DEFAULT
    settings: dict[str, Value] = {}
    trials: int = Field(50, ge=1)
    pruner: Literal["median", "none"] = "median"
    startup: int = Field(5, ge=0)
    warmup: int = Field(3, ge=0)


def grid(parameters: Mapping[str, Parameter]) -> list[dict[str, Any]]:
    """Every combination of the choices. Raises ValueError where a range has no finite set of values."""
    ranges = [name for name, parameter in parameters.items() if isinstance(parameter, Range)]
    if ranges:
        raise ValueError(f"{', '.join(ranges)}: a range has no grid; name its values as a choice")
    names, choices = list(parameters), [parameter.values for parameter in parameters.values()]
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*choices)]
