"""What a run would do, before it does it: the server's dry run of the manifests, alone or against what stands in the cluster. Nothing is changed."""
