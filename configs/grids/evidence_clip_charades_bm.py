_base_ = ['./_base_/rows_bm_detr.py', './_base_/clip_charades.py']
name = 'evidence_clip_charades_bm'
title = 'Components of BM-DETR one by one, on part of Charades-STA (CLIP features)'
