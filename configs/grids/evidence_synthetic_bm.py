_base_ = ['./_base_/rows_bm_detr.py', './_base_/synthetic_biased.py']
name = 'evidence_synthetic_bm'
title = 'Components of BM-DETR one by one, on SyntheticMoments with correlated context'
