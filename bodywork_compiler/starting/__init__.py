"""A project's first files: from one of the small projects in `starters/`, or proposed from scripts that are there."""
