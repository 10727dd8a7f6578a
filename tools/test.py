"""Test a checkpoint.

    python tools/test.py configs/sa_detr/sa_detr_qvhl.py CHECKPOINT --out preds.jsonl --show-dir figures

The metrics are printed and written to ``test/CHECKPOINT-SPLIT/metrics.json`` in the work dir; a test of the same
checkpoint and split gets a folder of its own (``-2``, ...).
"""

from mmvmr.engine.run import parse_test_args, run_test

if __name__ == '__main__':
    run_test(parse_test_args())
