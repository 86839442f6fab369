"""The same rules and sets on a GPU; imported when the first array on one is passed."""
