# The best there is here on joined videos: windows that are scenes and fit the sentence, from maps in closed form. Chosen on
# joins of clips split off train. Fitted, not trained: mmvmr fit.
_base_ = ['../_base_/datasets/msrvtt_joined.py', '../_base_/baseline_runtime.py']
feature_spec = dict(text=dict(max_length=1))
stores = dict(text=dict(key='pooler_output'))
_map = dict(type='SimilarityMap', power=0.5)
model = dict(
    type='FittedDetector',
    predictor=dict(
        type='SceneWindows',
        maps=dict(
            ridge=dict(_map, kind='ridge', penalty=20.0),
            kernel=dict(_map, kind='kernel', penalty=2.0, gamma=2.0),
            conse=dict(type='SimilarityMap', stream='conse', kind='given'),
        ),
        weights=dict(conse=0.7),
        bank=256,
        segmentation=dict(type='SceneSegmentation', power=0.5),
    ),
)
