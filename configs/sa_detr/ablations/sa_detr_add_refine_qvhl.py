# The refinement as printed: offsets are added to the spans.
_base_ = ['../sa_detr_qvhl.py']
model = dict(decoder=dict(refiner=dict(coder=dict(_delete_=True, type='AdditiveSpanCoder'))))
