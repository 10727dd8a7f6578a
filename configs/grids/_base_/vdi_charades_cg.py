# What the ablations of VDI have in common: Charades-CG, tested on the novel-word split. The supplement prints one run and no
# deviation. Annotations are tagged once before, see configs/vdi/README.md.
base = 'vdi/vdi_charades_cg.py'
source = 'the VDI supplement'
seeds = [0, 1, 2018]
metrics = {'R1@0.5': 'MR-full-R1@0.5', 'R1@0.7': 'MR-full-R1@0.7', 'mIoU': 'MR-full-mIoU'}
