"""Secrets that people make for their stages: of a group, or in a pipeline's own namespace. A run copies a group's; that is the runner's business."""
