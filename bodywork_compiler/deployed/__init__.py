"""What of a pipeline is in a cluster: found by its two labels, told, its logs read, taken away. Nothing here knows configs or manifests' text."""
