# Sourced by dist_train.sh and dist_test.sh: run_distributed PROCESSES SCRIPT [arguments]
# Options of torchrun among the arguments go to torchrun, as `--max-restarts 3` or `--nnodes=2`; the others to the script.
run_distributed() {
    local processes=$1 script=$2 launcher=() own=()
    shift 2
    while [ $# -gt 0 ]; do
        case $1 in
            --max[-_]restarts=* | --nnodes=* | --node[-_]rank=* | --master[-_]addr=* | --master[-_]port=* | \
                --rdzv[-_]*=* | --monitor[-_]interval=* | --log[-_]dir=* | --standalone)
                launcher+=("$1") ;;
            --max[-_]restarts | --nnodes | --node[-_]rank | --master[-_]addr | --master[-_]port | \
                --rdzv[-_]* | --monitor[-_]interval | --log[-_]dir)
                [ $# -gt 1 ] || { echo "error: $1 needs a value" >&2; exit 2; }
                launcher+=("$1" "$2")
                shift ;;
            *) own+=("$1") ;;
        esac
        shift
    done
    exec "${PYTHON:-python}" -m torch.distributed.run \
        --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" \
        --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
        --nproc_per_node="$processes" ${launcher[@]+"${launcher[@]}"} \
        "$script" ${own[@]+"${own[@]}"}
}
