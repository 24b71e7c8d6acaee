"""Models as checks see them: what their items are, and how an item is removed."""
