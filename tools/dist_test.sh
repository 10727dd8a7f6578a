#!/usr/bin/env bash
# Test on one or several machines: tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [arguments of tools/test.py]
# One process per GPU; without a GPU the processes share the CPUs over gloo. Options of torchrun may be among the
# arguments.
set -euo pipefail
if [ $# -lt 3 ]; then
    echo "usage: $0 CONFIG CHECKPOINT PROCESSES [arguments of tools/test.py]" >&2
    exit 2
fi
CONFIG=$1
CHECKPOINT=$2
PROCESSES=$3
HERE=$(cd "$(dirname "$0")" && pwd)
export PYTHONPATH="$HERE/..:${PYTHONPATH:-}"
. "$HERE/torchrun.sh"
run_distributed "$PROCESSES" "$HERE/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "${@:4}"
