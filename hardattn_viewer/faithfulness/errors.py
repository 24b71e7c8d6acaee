"""What goes wrong in a check, in one sentence."""


class FaithfulnessError(RuntimeError):
    """A check could not be run; the sentence says why and what to do."""


class UndefinedError(RuntimeError):
    """Something has no value for this example or model; the sentence is the reason that is shown.

    It becomes N/A in a report, never 0 and never 1.
    """


class CancelledError(RuntimeError):
    """Somebody asked to stop."""
