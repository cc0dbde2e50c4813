"""The keys by which Bodywork's objects are known in a cluster: the one interface between compiler and driver, beside Kubernetes' own fields.

Identity is `PIPELINE` and `STAGE`, and nothing else: every selector uses these two. The prefix is one constant. By convention it would be a
domain that one owns; we own none, and do not invent one.
"""

PREFIX = "bodywork"

# labels
PIPELINE = f"{PREFIX}/pipeline"  # on objects and pods: the pipeline's object name
STAGE = f"{PREFIX}/stage"  # on objects and pods: the stage's object name without the pipeline's
STEP = f"{PREFIX}/step"  # on objects only, never on pods or in selectors: "0" is set-up, steps count from "1"
ROLE = f"{PREFIX}/role"  # ROLE_ON_FAILURE on the failure stage's Job, ROLE_PIPELINE on the pipeline's own ConfigMap
ROLE_ON_FAILURE = "on-failure"
ROLE_PIPELINE = "pipeline"

CONTROLLER = f"{PREFIX}/controller"  # on Jobs and CronJobs whose pods are Bodywork itself, and on these pods: which kind of run it is
CONTROLLER_ASYNC, CONTROLLER_SCHEDULED = "async", "scheduled"

TAKEN_OVER = f"{PREFIX}/taken-over"  # on a ReplicaSet whose Deployment was taken over by that pipeline, until nobody asks its pods any more

GROUP = "group"  # the ancestor's: on the secrets of a group, and on its copies of them

# annotations
GIT_URL = f"{PREFIX}/git-url"  # on all objects
GIT_BRANCH = (
    f"{PREFIX}/git-branch"  # this and the commit: on the pipeline's ConfigMap, and on Jobs and Deployments, whose pods need the commit
)
GIT_COMMIT = f"{PREFIX}/git-commit"
RENDERED_NAMESPACE = f"{PREFIX}/rendered-namespace"  # on what names it in its content: addresses, and routes of Ingresses
MAX_STARTUP = f"{PREFIX}/max-startup-time-seconds"  # on a Deployment: from the start of its own code until it listens
MAX_COMPLETION = f"{PREFIX}/max-completion-time-seconds"  # on a Job: for one attempt, "0" is no limit
COPIED_FROM = f"{PREFIX}/copied-from"  # on a Secret that the driver copied in: NAMESPACE/NAME of the group's secret; never in rendered YAML
TRACKING = f"{PREFIX}/tracking-id"  # on all that a run creates or adopts: whose it is, and which object; never in rendered YAML
CREATED_BY = f"{PREFIX}/created-by"  # on a Namespace that the driver created; never in rendered YAML

# on a Namespace: which Pod Security Standard the API server demands of its pods
POD_SECURITY = "pod-security.kubernetes.io/enforce"

# for Argo CD, only where `render --argo-cd` asked for it: https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/
ARGO_WAVE = "argocd.argoproj.io/sync-wave"
ARGO_HOOK = "argocd.argoproj.io/hook"
ARGO_HOOK_DELETE = "argocd.argoproj.io/hook-delete-policy"

# containers of a stage's pod, in the order in which they run
FETCH, INSTALL, MAIN = "fetch", "install", "stage"

# the volume of a pod that holds the SSH key's secret, whole, and the variable that tells `fetch` which of its keys is the SSH key
SSH_VOLUME, SSH_KEY_VARIABLE = "ssh", "BODYWORK_SSH_KEY"
# that secret and its key, by the names that the documents of each generation give them; beside the key, the hosts that `fetch` may trust.
# Config 1.0 was read by Bodywork 2.0, which had the first generation's, and by 2.1: its pods take what is there of both
SSH_SECRET = ("ssh-git-private-key", "BODYWORK_GIT_SSH_PRIVATE_KEY")
SSH_SECRET_V1 = ("ssh-github-private-key", "BODYWORK_GITHUB_SSH_PRIVATE_KEY")
SSH_KNOWN_HOSTS = "known_hosts"
# the secret of a repository by https that asks for a login; its other key, BODYWORK_GIT_USER, is for servers that look at the user too
HTTPS_SECRET = ("git-https-token", "BODYWORK_GIT_TOKEN")

STEP_SETUP = 0

# keys of the pipeline's ConfigMap, `bodywork-PIPELINE`; what is not known of a pipeline has no key there
FACT_CONFIG_VERSION = "config-version"
BEFORE_GROUPS = {"v1", "1.0"}  # config versions whose secrets are in the pipeline's namespace: groups came with Bodywork 3
FACT_DAG = "dag"
FACT_SECRETS_GROUP = "secrets-group"
FACT_GIT_URL = "git-url"
FACT_GIT_BRANCH = "git-branch"
FACT_GIT_COMMIT = "git-commit"
FACT_GIT_FOLDER = "git-folder"
FACT_GIT_TREE = "git-tree"  # digest of the project's files at the commit, without rendered folders and overlays
FACT_PLAN_DIGEST = "plan-digest"  # of all other rendered objects, as text
FACT_RENDER_OPTIONS = "render-options"  # JSON: the options of `render` that change the text
FACT_SSH_SECRET = "ssh-secret"  # noqa: S105 - a secret's name; only where the pods need its key to fetch

# how the start script says that a stage's time was over: this exit code, and a termination message that begins so
EXIT_TIMED_OUT = 124
EXIT_NEVER_INSTALLED = 65  # of `install`, where no further try can bring what is required
TIMED_OUT_MESSAGE = "took longer than"

# the variable of the failure stage's container `stage`, rendered as "", whose value the driver sets before it runs the Job: with each `$`
# doubled, since Kubernetes expands `$(NAME)` there
EXCEPTION_MESSAGE = "EXCEPTION_MESSAGE"
# names the variables of a container that hold secrets, with spaces between them: its start script masks their values in what it prints
SECRET_VARIABLES = "BODYWORK_SECRET_VARIABLES"  # noqa: S105 - a name


def service_url_variable(stage: str) -> str:
    """The variable by which stages find a service, on a cluster and on this machine: BODYWORK_SERVICE_SCORING_SERVICE_URL."""
    return f"BODYWORK_SERVICE_{stage.upper().replace('-', '_')}_URL"


def object_name(pipeline: str) -> str:
    """What the pipeline's own objects are called: its ConfigMap, ServiceAccount and Lease."""
    return f"{PREFIX}-{pipeline}"
