"""Projects of the shapes that public ones of Bodywork 1 and 2 have: their configs, as they were written."""

from __future__ import annotations

BATCH = "cpu_request: 0.5\n    memory_request_mb: 100\n    batch:\n      max_completion_time_seconds: 30\n      retries: 2\n"
SERVICE = "cpu_request: 0.25\n    memory_request_mb: 100\n    service:\n      max_startup_time_seconds: 30\n      replicas: 2\n      port: {port}\n      ingress: {ingress}\n"


def a_yaml(project: str, dag: str, stages: str, more: str = "") -> dict[str, str]:
    head = f'version: "1.0"\nproject:\n  name: {project}\n  docker_image: python:3.9\n  DAG: {dag}\n{more}'
    return {"bodywork.yaml": f"{head}stages:\n{stages}logging:\n  log_level: INFO\n"}


def an_ini(project: str, dag: str, **kinds: str) -> dict[str, str]:
    files = {
        "bodywork.ini": f"[default]\nPROJECT_NAME={project}\nDOCKER_IMAGE=python:3.9\n\n[workflow]\nDAG={dag}\n\n[logging]\nLOG_LEVEL=INFO\n"
    }
    for stage, kind in kinds.items():
        name, quote = stage.replace("_", "-"), '"' if '"' in project else ""
        default = f"[default]\nSTAGE_TYPE={quote}{kind}{quote}\nEXECUTABLE_SCRIPT={quote}main.py{quote}\nCPU_REQUEST=0.5\nMEMORY_REQUEST_MB=100\n\n"
        service = "[service]\nMAX_STARTUP_TIME_SECONDS=30\nREPLICAS=2\nPORT=5000\nINGRESS=True\n"
        rest = (
            service if kind == "service" else "[batch]\nMAX_COMPLETION_TIME_SECONDS=30\nRETRIES=2\n\n[secrets]\nTOKEN=Storage-Credentials\n"
        )
        files |= {f"{name}/config.ini": default + rest, f"{name}/main.py": "print(1)\n", f"{name}/requirements.txt": ""}
    return files


SHAPES = {
    "train, serve, new data, test of the service": a_yaml(
        "mlops-demo",
        "stage-1-train >> stage-2-serve >> stage-3-new-data >> stage-4-test",
        f"  stage-1-train:\n    executable_module_path: mlops/train.py\n    requirements:\n      - joblib==1.4.2\n    secrets:\n      KEY: aws\n    {BATCH}"
        f"  stage-2-serve:\n    executable_module_path: mlops/serve.py\n    {SERVICE.format(port=5000, ingress='false')}"
        f"  stage-3-new-data:\n    executable_module_path: mlops/data.py\n    {BATCH}"
        f"  stage-4-test:\n    executable_module_path: mlops/test.py\n    {BATCH}",
    ),
    "names with digits in front and underscores": a_yaml(
        "turbo",
        "1_download_data >> 2_preprocess_data >> 3_serve__model",
        f'\n  1_download_data:\n    executable_module_path: turbo/get.py\n    args: ["files", "data"]\n    {BATCH}\n'
        f"  2_preprocess_data:\n    executable_module_path: turbo/prepare.py\n    {BATCH}\n"
        f"  3_serve__model:\n    executable_module_path: turbo/serve.py\n    {SERVICE.format(port=80, ingress='true')}\n",
    ),
    "one service, with lines that are commented out": a_yaml(
        "tracking",
        "server",
        "  server:\n    executable_module_path: server.py\n    requirements:\n      #- mlflow==1.16.0\n      - mlflow==1.24.0\n    secrets:\n"
        f"      URI: tracking-config\n\n      KEY: credentials\n    {SERVICE.format(port=5000, ingress='false')}",
    ),
    "stages side by side and one on failure": a_yaml(
        "Alerts.X",
        "stage_1 >> stage_2, stage_3 >> stage_1",
        "".join(
            f"  {stage}:\n    executable_module_path: {stage}/main.py\n    {BATCH}"
            for stage in ("stage_1", "stage_2", "stage_3", "on_fail")
        ),
        more="  usage_stats: false\n  run_on_failure: on_fail\n",
    ),
    "keys that were never read": a_yaml(
        "extra",
        "train",
        f"  train:\n    executable_module_path: train.py\n    timeout: 3\n    {BATCH}",
        more="  namespace: elsewhere\n  owner: me\n",
    ),
    "ini": an_ini("ml-pipeline", "stage-1-train >> stage-2-serve", stage_1_train="batch", stage_2_serve="service"),
    "ini with quotes": an_ini('"My-Product"', '"prepare-data >> train-a, train-b"', prepare_data="batch", train_a="batch", train_b="batch"),
}
