default_scope = 'mmvmr'

# Named entries (never lists): a child config changes, adds or removes (None) any of them.
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=20),
    param_scheduler=dict(type='ParamSchedulerHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    checkpoint=dict(
        type='SafeCheckpointHook',
        interval=1,
        max_keep_ckpts=2,
        save_best='MR-full-mAP',  # of the validation split
        rule='greater',
    ),
    exact_resume=dict(type='ExactResumeHook'),
    feature_spec=dict(type='FeatureSpecHook'),
    dataset_check=dict(type='DatasetCheckHook'),  # None: no look at the data before the first step
    inference_spec=dict(type='InferenceSpecHook'),  # a checkpoint is enough to ask a video a question
    metrics_file=dict(type='MetricsFileHook'),
    # ema=dict(type='MomentEMAHook', momentum=0.001),
)
custom_hooks = []

visualizer = dict(
    type='MomentVisualizer',
    vis_backends=dict(
        local=dict(type='LocalVisBackend'),
        # tensorboard=dict(type='TensorboardVisBackend'),
        # wandb=dict(type='WandbVisBackend', init_kwargs=dict(project='mmvmr')),
    ),
)
log_processor = dict(type='ProgressLogProcessor', window_size=20)
log_level = 'INFO'

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),  # without a GPU the tools use gloo
)
randomness = dict(seed=2018, deterministic=False)

load_from = None
load_from_partial = False  # True: training starts from the weights of load_from that fit, by name and shape
resume = False
