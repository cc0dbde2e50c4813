"""The keys by which Bodywork's objects are known in a cluster: the one interface between compiler and driver, beside Kubernetes' own fields.

Identity is `PIPELINE` and `STAGE`, and nothing else: every selector uses these two. The prefix is one constant. By convention it would be a
domain that one owns; we own none, and do not invent one.
"""

PREFIX = "bodywork"

# labels
PIPELINE = f"{PREFIX}/pipeline"  # on objects and pods: the pipeline's object name
STAGE = f"{PREFIX}/stage"  # on objects and pods: the stage's object name without the pipeline's
STEP = f"{PREFIX}/step"  # on objects only, never on pods or in selectors: "0" is set-up, steps count from "1"
ROLE = f"{PREFIX}/role"  # ROLE_ON_FAILURE on the failure stage's Job
ROLE_ON_FAILURE = "on-failure"

# annotations
GIT_URL = f"{PREFIX}/git-url"
GIT_BRANCH = f"{PREFIX}/git-branch"
GIT_COMMIT = f"{PREFIX}/git-commit"
MAX_STARTUP = f"{PREFIX}/max-startup-time-seconds"  # on a Deployment: from the start of its own code until it listens
MAX_COMPLETION = f"{PREFIX}/max-completion-time-seconds"  # on a Job: for one attempt, "0" is no limit
CREATED_BY = f"{PREFIX}/created-by"  # on a Namespace that the driver created; never in rendered YAML

# containers of a stage's pod, in the order in which they run
FETCH, INSTALL, MAIN = "fetch", "install", "stage"

STEP_SETUP = 0
