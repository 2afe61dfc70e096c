"""What a check of health comes to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """A check and its outcome.

    The state is pass, warn, fail, or error if the check could not run. The advice says what the check is about, when a
    failure matters and how to resolve it.
    """

    name: str
    state: str
    finding: str
    advice: str
    seconds: float
