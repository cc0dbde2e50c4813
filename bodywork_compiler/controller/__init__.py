"""Bodywork in the cluster: Jobs and CronJobs whose pods run `bodywork apply` of a repository, under the controller's account."""
