"""A second target: the same plan on this machine, without a cluster. Each pod is processes in a scratch workspace of its own.

`start.run_locally` is the way in. Pure: `workloads`, `specs`, `expansion`, `status`, `secrets`, `notes`. What has a life of its own: `pod` (a thread that
runs a pod's containers one after the other), `process` and `keeper` (nothing survives a run), `scratch`, `environments`, `ports`.
"""
