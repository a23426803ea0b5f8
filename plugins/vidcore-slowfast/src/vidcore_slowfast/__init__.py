"""SlowFast and SlowOnly networks (Feichtenhofer et al., ICCV 2019, arXiv:1812.03982)."""
