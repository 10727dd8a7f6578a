#!/usr/bin/env bash
# Train on one or several machines: tools/dist_train.sh CONFIG PROCESSES [arguments of tools/train.py]
# One process per GPU; without a GPU the processes share the CPUs over gloo. Options of torchrun may be among the
# arguments: after `--max-restarts 3` a training that lost a process goes on from its latest checkpoint by itself.
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG PROCESSES [arguments of tools/train.py]" >&2
    exit 2
fi
CONFIG=$1
PROCESSES=$2
HERE=$(cd "$(dirname "$0")" && pwd)
export PYTHONPATH="$HERE/..:${PYTHONPATH:-}"
. "$HERE/torchrun.sh"
run_distributed "$PROCESSES" "$HERE/train.py" "$CONFIG" --launcher pytorch "${@:3}"
