"""Real data and what counts as reward."""

from hardattn_models.tasks.images import Batch, ImageTask, Split
from hardattn_models.tasks.loading import load_task, task_names
from hardattn_models.tasks.protocol import Feed, Task

__all__ = ["Batch", "Feed", "ImageTask", "Split", "Task", "load_task", "task_names"]
