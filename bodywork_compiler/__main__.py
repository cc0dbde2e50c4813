"""`python -m bodywork_compiler` is `bodywork`."""

from bodywork_compiler.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
