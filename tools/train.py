"""Train a model.

    python tools/train.py configs/sa_detr/sa_detr_qvhl.py --cfg-options data_root=data/qvhighlights

Checkpoints, logs and the config go to the work dir. A folder that holds the checkpoints of an earlier run is refused,
unless the run is continued (``--resume``) or to be replaced (``--overwrite``).
"""

from mmvmr.engine.run import parse_train_args, run_training

if __name__ == '__main__':
    run_training(parse_train_args())
