"""From what a run was recorded of, and what the command line names, to what can be checked."""
