# UVCOM with the gate that the official code offers in place of the random walk (its option cross_fusion).
_base_ = ['./uvcom_qvhl.py']
model = dict(encoder=dict(encoder=dict(relation=dict(_delete_=True, type='MeanGate'))))
