"""What can go wrong with data, checkpoints and training, each told in one sentence."""


class ModelError(Exception):
    """Anything of this package that the person at the keyboard can put right.

    The message is one sentence that names the file or setting and the remedy, fit to be shown
    as it is.
    """


class TaskError(ModelError):
    """The data of a task is missing, cannot be read, or is not what it should be."""


class CheckpointError(ModelError):
    """A checkpoint is missing, broken, or belongs to something else."""


class TrainingError(ModelError):
    """Training cannot start with this plan, or went wrong on the way."""
