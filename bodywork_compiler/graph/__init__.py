"""Pictures of a pipeline: its steps in order, and the stages of each. Pure functions from a `Picture` to text."""
