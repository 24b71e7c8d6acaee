"""Real data and what counts as reward."""

from hardattn_models.tasks.images import Batch, ImageTask, Split
from hardattn_models.tasks.loading import load_task, task_names

__all__ = ["Batch", "ImageTask", "Split", "load_task", "task_names"]
