#!/bin/sh
# `make test`: lint and types beside the tests, so that they cost no time of their own. What they say comes last, whole.
# Three workers for two cores: tests of servers, timeouts and kills wait more than they compute.
# Usage: scripts/test.sh BIN, the folder of the environment's programs.
bin=$1
# What is compiled is kept: for the next run, for the processes that tests start, for copies of the tree.
unset PYTHONDONTWRITEBYTECODE
mkdir -p build
began=$(date +%s)
{
  "$bin/ruff" check . && "$bin/ruff" format --check . && "$bin/lint-imports" --no-logo && "$bin/mypy"
  code=$?
  echo "lint and types: $(($(date +%s) - began)) s"
  exit $code
} >build/checks.log 2>&1 &
checks=$!
"$bin/python" -m pytest -m "not slow" -n 3 --dist loadfile --no-loadscope-reorder
tests=$?
wait $checks
checks=$?
cat build/checks.log
[ $tests = 0 ] && [ $checks = 0 ]
