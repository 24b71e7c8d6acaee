"""What checks of faithfulness found: numbers, their uncertainty and the verdict in words.

Numpy alone, so that what was found can be shown where no model and no torch is.
"""
