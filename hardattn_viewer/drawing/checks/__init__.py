"""Pictures of a check of faithfulness: verdicts, curves, win rates, agreement, controls."""
