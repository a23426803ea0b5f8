"""Images and videos that train one network together (Duan et al., OmniSource, ECCV 2020, arXiv:2003.13042)."""
