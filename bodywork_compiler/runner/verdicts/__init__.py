"""A file per kind of object, each with pure functions only; `runner.verdict` is the table over them."""
